"""The kit on one client, in a session of pytest inside of this one; and the mutants it is run on."""

import gc
import os
import warnings
from pathlib import Path

import pytest

from core.testing.storage import promises, server_faults

HERE = Path(__file__).parent / "kit_mutants"


HURRIED = ((promises, 2), (server_faults, 4))
"""Modules of the kit and the seconds after which they are to call it a hang here: nearly all of it is waiting."""


class OnFolder:
    """A client whose files are in a folder."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def path(self, folder):
        return f"{self.prefix}{folder}"

    def raw(self, client, folder, file_name):
        return (folder / file_name).read_bytes()

    def raw_names(self, client, folder):
        return [str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()]

    def path_through(self, proxy, path, monkeypatch):
        return None


class OnFive(OnFolder):
    """The client of five methods, whose files are in its memory."""

    def raw(self, client, folder, file_name):
        return client.box[file_name]

    def raw_names(self, client, folder):
        return list(client.box)


class OnS3(OnFolder):
    """A client whose files are in a bucket."""

    def __init__(self, prefix, server):
        super().__init__(prefix)
        self.server = server

    def path(self, folder):
        self.bucket = self.server.new_bucket()
        return f"{self.prefix}{self.bucket}/some/prefix"

    def raw(self, client, folder, file_name):
        return self.server.stored(self.bucket, f"some/prefix/{file_name}")

    def raw_names(self, client, folder):
        objects = self.server.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        uploads = self.server.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])
        return [entry["Key"].removeprefix("some/prefix/") for entry in [*objects, *uploads]]

    def path_through(self, proxy, path, monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.to(self.server.url))
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
        return path


class Session:
    """A plugin of one session of pytest: gives the client, picks the tests, notes what they say."""

    def __init__(self, one, tests, enough):
        self.one_, self.tests, self.enough, self.outcomes = one, tests, enough, {}

    @pytest.fixture
    def one(self):
        return self.one_

    def pytest_pycollect_makeitem(self, name):
        is_another = name.startswith("test_") and name not in {test.partition("[")[0] for test in self.tests}
        return [] if is_another else None  # a third of the time goes into collecting what is not run

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if self.wanted(item.name, item.originalname)]

    def wanted(self, *names):
        return any(name in self.tests for name in names)

    def pytest_runtest_setup(self, item):
        if item.name not in self.tests and self.said(item.originalname, self.enough):
            pytest.skip("another parameter has said enough")

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.rpartition("::")[2]
        if report.when == "call" or not report.passed:
            self.outcomes[name] = f"{report.when} {report.outcome}"

    def said(self, test, what):
        return what in [said for name, said in self.outcomes.items() if test in (name, name.partition("[")[0])]


def run_kit(one, tests, tmp_path, monkeypatch, enough="call failed") -> Session:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # half of the time goes into looking for them
    for name in ("CI", "BUILD_NUMBER"):  # there pytest shows every difference whole, which takes a while
        monkeypatch.delenv(name, raising=False)
    for module, seconds in HURRIED:
        monkeypatch.setattr(module, "_ENDS_WITHIN_S", seconds)
    session = Session(one, tests, enough)
    without = [
        f"no:{plugin}" for plugin in ("cacheprovider", "faulthandler", "unraisableexception", "threadexception")
    ]
    options = [option for plugin in without for option in ("-p", plugin)]
    options += ["--noconftest", "-c", os.devnull, f"--rootdir={HERE}", f"--basetemp={tmp_path / 'kit'}"]
    options += ["-q", "-s", "--tb=line", "-W", "ignore", str(HERE / "_kit_on_one.py")]
    gc.freeze()  # what was there before is not looked through each time
    try:
        pytest.main(options, plugins=[session])
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some mutants leave files open
            gc.collect()
        gc.unfreeze()
    return session


def expect_red(one, tests, tmp_path, monkeypatch):
    session = run_kit(one, tests, tmp_path, monkeypatch)
    alive = [test for test in tests if not session.said(test, "call failed")]

    assert alive == [], f"it survives {alive}; {session.outcomes}"
