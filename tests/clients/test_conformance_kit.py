"""The conformance kit itself: every break turns it red, a refusal satisfies it, and a URL is all it needs."""

import gc
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from clients_of_tests import FIVE_METHODS
from kit_mutants import (
    _mutants_of_storage,
    mutants_in_races_and_faults,
    mutants_of_five_methods,
    mutants_of_local,
    mutants_of_s3,
)

from core.clients.persistient_storage import registry
from core.clients.persistient_storage.classes.local import LocalStorageClient
from core.clients.persistient_storage.classes.s3 import S3Client
from core.clients.persistient_storage.spec import PROMISES
from core.testing.storage import StorageClientTests, promises, server_faults
from core.testing.storage.disk_full import DiskFullTests
from core.testing.storage.metadata import MetadataTests
from core.testing.storage.policies import PolicyTests
from core.testing.storage.promises import PromiseTests
from core.testing.storage.several_at_once import SeveralAtOnceTests

[PLUG_IN] = [found.value for found in entry_points(group="pytest11", name="yeti_storage")]
HERE = Path(__file__).parent / "kit_mutants"
HURRIED = ((promises, 2), (server_faults, 4))
"""Modules of the kit and the seconds after which they are to call it a hang here: nearly all of it is waiting."""


def mutants_in(*modules):
    return [
        pytest.param(thing, id=thing.PREFIX.removesuffix("://"))
        for module in modules
        for thing in vars(module).values()
        if isinstance(thing, type) and thing.__module__ == module.__name__ and "CAUGHT_BY" in vars(thing)
    ]


OF_BOTH = mutants_in(mutants_in_races_and_faults)
OF_LOCAL = [
    *mutants_in(mutants_of_five_methods, mutants_of_local),
    *(case for case in OF_BOTH if issubclass(case.values[0], LocalStorageClient)),
]
OF_S3 = [*mutants_in(mutants_of_s3), *(case for case in OF_BOTH if issubclass(case.values[0], S3Client))]
OF_STORAGE = [pytest.param(mutant, id=mutant.__name__) for mutant in _mutants_of_storage.ALL]


@pytest.fixture(scope="session")
def folder_of_mutants(tmp_path_factory) -> Path:
    """A drop-in folder with all of them, and the client of five methods."""
    folder = tmp_path_factory.mktemp("mutants")
    for file in HERE.glob("*.py"):
        shutil.copy(file, folder)
    (folder / "five.py").write_text(FIVE_METHODS, "utf-8")
    settled = time.time() - 10
    for file in folder.iterdir():
        os.utime(file, (settled, settled))
    return folder


@pytest.fixture
def mutants(folder_of_mutants) -> Iterator[Path]:
    """That folder, in use."""
    registry.use_plugins_path(folder_of_mutants)
    yield folder_of_mutants
    registry.use_plugins_path(None)


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


@pytest.mark.parametrize("mutant", OF_LOCAL)
def test_a_broken_local_client_turns_the_kit_red(mutants, mutant, tmp_path, monkeypatch):
    """Each way of breaking the local client is caught by the tests that are named with it."""
    expect_red(OnFolder(mutant.PREFIX), mutant.CAUGHT_BY, tmp_path, monkeypatch)


@pytest.mark.parametrize("mutant", OF_S3)
def test_a_broken_s3_client_turns_the_kit_red(mutants, moto_in_use, mutant, tmp_path, monkeypatch):
    """Each way of breaking the S3 client is caught by the tests that are named with it."""
    expect_red(OnS3(mutant.PREFIX, moto_in_use), mutant.CAUGHT_BY, tmp_path, monkeypatch)


@pytest.mark.parametrize("mutant", OF_STORAGE)
def test_a_broken_storage_turns_the_kit_red(mutants, mutant, tmp_path, monkeypatch):
    """Each way of breaking what `Storage` does for every client is caught by the tests that are named with it."""
    one = OnFive(mutant.on) if mutant.on == _mutants_of_storage.FIVE else OnFolder(mutant.on)
    mutant(monkeypatch)
    expect_red(one, mutant.caught_by, tmp_path, monkeypatch)


def test_sound_clients_leave_the_kit_green(mutants, moto_in_use, tmp_path, monkeypatch):
    """The tests that catch mutants pass on the local, the S3 and the five-method client, run in the same way."""
    of_local = {test for mutant in OF_LOCAL for test in mutant.values[0].CAUGHT_BY}
    of_s3 = {test for mutant in OF_S3 for test in mutant.values[0].CAUGHT_BY if not test.endswith("ever]")}
    of_storage = {test for mutant in OF_STORAGE for test in mutant.values[0].caught_by}
    cases = (
        (OnFolder(""), of_local | of_storage),
        (OnFive("five://"), of_local | of_storage),
        (OnS3("s3://", moto_in_use), of_s3),
    )
    for number, (one, tests) in enumerate(cases):
        (tmp_path / str(number)).mkdir()
        session = run_kit(one, tests, tmp_path / str(number), monkeypatch, enough="call passed")

        assert [(test, said) for test, said in session.outcomes.items() if "failed" in said] == []
        assert len(session.outcomes) >= len(tests)


def test_each_test_of_the_kit_catches_a_mutant():
    """There is no test in the kit that nothing turns red."""
    tests = {name for name in dir(StorageClientTests) if name.startswith("test_")}
    caught = [getattr(case.values[0], "CAUGHT_BY", ()) for case in (*OF_LOCAL, *OF_S3)]
    caught += [case.values[0].caught_by for case in OF_STORAGE]

    assert tests - {test.partition("[")[0] for names in caught for test in names} == set()


def test_there_are_enough_mutants():
    """Each has a docstring that says what is broken."""
    mutants = [case.values[0] for case in (*OF_LOCAL, *OF_S3, *OF_STORAGE)]

    assert len(mutants) >= 60
    assert [mutant for mutant in mutants if not mutant.__doc__] == []


class TestRefusesAll(StorageClientTests):
    """A client that can promise nothing at all, not even ``atomic``: every word is refused, and the kit is green."""

    @pytest.fixture
    def path(self, mutants, tmp_path):
        return f"refuses-all://{tmp_path}"

    def raw(self, client, file_name):
        return client._found(file_name)[0]

    def raw_names(self, client):
        return list(client._box())


@pytest.mark.parametrize("declared", sorted(PROMISES))
class TestRefusesOne(PromiseTests, PolicyTests, MetadataTests, SeveralAtOnceTests, DiskFullTests):
    """A client that cannot promise one word: that one is refused, the others are kept."""

    @pytest.fixture
    def path(self, mutants, tmp_path, declared):
        self.root = tmp_path / "exports"
        return f"refuses-{declared}://{self.root}"

    def raw(self, client, file_name):
        return (self.root / file_name).read_bytes()

    def raw_names(self, client):
        return OnFolder("").raw_names(client, self.root)


def pytest_in(folder, *arguments, **variables) -> subprocess.CompletedProcess:
    """Run pytest as somebody does who has nothing but the package; other plug-ins would take half of the time."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": PLUG_IN, **variables},
        capture_output=True,
        text=True,
        timeout=250,
    )


SOME = "-k=replaces or exception_publishes and large-Stop or list_gives or metadata_comes and large"


def test_a_url_of_a_folder_is_all_it_needs(tmp_path):
    """``pytest --storage-url=FOLDER`` runs the kit from any folder, and leaves nothing there."""
    (tmp_path / "elsewhere").mkdir()
    as_installed = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "", "PYTEST_PLUGINS": ""}
    done = pytest_in(tmp_path / "elsewhere", f"--storage-url={tmp_path}/exports", SOME, **as_installed)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "by LocalStorageClient; optional methods: open_writer" in done.stdout
    assert "bytes are read from the folder; server faults are not tried" in done.stdout
    assert " 5 passed" in done.stdout
    assert list(tmp_path.iterdir()) == [tmp_path / "elsewhere"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_url_of_a_bucket_is_all_it_needs(moto_in_use, tmp_path):
    """``pytest --storage-url=s3://…`` reads behind the client's back, lets the server fail, and leaves nothing."""
    bucket = moto_in_use.new_bucket()
    moto_in_use.client.put_object(Bucket=bucket, Key="some/mine.txt", Body=b"mine")
    some = SOME + " or contacts_nobody or a_read_that_meets_a_fault and short-once"
    done = pytest_in(tmp_path, f"--storage-url=s3://{bucket}/some", some, **moto_in_use.environment())

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"server faults by a proxy before {moto_in_use.url}" in done.stdout
    assert " 7 passed" in done.stdout
    assert [entry["Key"] for entry in moto_in_use.client.list_objects_v2(Bucket=bucket)["Contents"]] == [
        "some/mine.txt"
    ]
    assert moto_in_use.client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


@pytest.mark.parametrize("place", ["some", "some-{}"])
def test_a_url_may_have_options(moto_in_use, tmp_path, place):
    """``pytest --storage-url=s3://…?option`` makes its places before the ``?``, and leaves nothing."""
    bucket = moto_in_use.new_bucket()
    url = f"s3://{bucket}/{place}?storage-class=STANDARD_IA&tag:path=a/b"
    some = "-k=replaces or list_gives"
    done = pytest_in(tmp_path, f"--storage-url={url}", some, **moto_in_use.environment())

    assert done.returncode == 0, done.stdout + done.stderr
    assert " 3 passed" in done.stdout
    assert "Contents" not in moto_in_use.client.list_objects_v2(Bucket=bucket)


def test_a_url_of_a_plug_in_is_all_it_needs(folder_of_mutants, tmp_path):
    """``--storage-plugins`` names the folder of a client that is not installed; a mutant is red, nothing is left."""
    options = (f"--storage-plugins={folder_of_mutants}", "-k=test_a_put_replaces or no-suffix")
    sound = pytest_in(tmp_path, f"--storage-url=refuses-create://{tmp_path}/exports", *options)
    broken = pytest_in(tmp_path, f"--storage-url=local-lower://{tmp_path}/exports", *options, "-k=run_into")

    assert sound.returncode == 0, sound.stdout + sound.stderr
    assert "bytes are read by a fresh process" in sound.stdout
    assert broken.returncode == 1
    assert "test_names_do_not_run_into_each_other" in broken.stdout
    assert [path for path in (tmp_path / "exports").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("s4://bucket", "no client has its prefix; known:"),
        (
            "s3://bucket/x",
            "no usable credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
        ),
        ("s3://key:secret@bucket", "a path of s3:// holds no credentials"),
        ("/dev/null", "is not a folder"),
    ],
)
def test_a_wrong_url_is_one_line(tmp_path, url, reason):
    """A storage that cannot be used is told in one line, with the remedy, and no test is run."""
    done = pytest_in(tmp_path, f"--storage-url={url}", AWS_EC2_METADATA_DISABLED="true")

    assert done.returncode == 4
    assert done.stdout.strip() == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("ERROR: --storage-url")
    assert reason in done.stderr
    assert "secret@" not in done.stderr


MISTAKEN = """
from core.clients.persistient_storage.classes.local import LocalStorageClient
from core.errors import StorageUnavailable

class Mistaken(LocalStorageClient):
    PREFIX = "mistaken://"

    def __init__(self, path):
        super().__init__(path.removeprefix(self.PREFIX))
"""
MISTAKES = {
    "newlines": """
    def get_file(self, file_name):
        return super().get_file(file_name).replace("\\r\\n", "\\n")
""",
    "raises": """
    def get_file(self, file_name):
        raise KeyError(file_name)
""",
    "raises in the first write": """
    def open_writer(self, file_name, request):
        raise KeyError(file_name)
""",
}


def with_mistake(tmp_path, mistake):
    """Run the kit on a drop-in client with one more method."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "mistaken.py").write_text(MISTAKEN + mistake, "utf-8")
    options = (f"--storage-plugins={tmp_path}/plugins", "-k=what_was_put_comes_back or a_clean_end")
    return pytest_in(tmp_path, f"--storage-url=mistaken://{tmp_path}/exports", *options)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_client_with_a_mistake_is_tested(tmp_path, mistake):
    """A client that cannot give what it stored does not end the session: the tests tell, and nothing is left."""
    done = with_mistake(tmp_path, MISTAKES[mistake])

    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED" in done.stdout
    assert "INTERNALERROR" not in done.stdout + done.stderr
    assert [path for path in (tmp_path / "exports").rglob("*") if path.is_file()] == []


def test_a_storage_that_fails_is_left_without_files(tmp_path):
    """Where the first write ends the session, what it stored nevertheless is removed."""
    stores_and_fails = """
    def open_writer(self, file_name, request):
        writer = super().open_writer(file_name, request)
        writer.write(b"stored")
        writer.commit("0" * 64)
        raise StorageUnavailable("the server went away")
"""
    done = with_mistake(tmp_path, stores_and_fails)

    assert done.returncode == 4
    assert done.stderr.strip().endswith("cannot be used: the server went away")
    assert [path for path in (tmp_path / "exports").rglob("*") if path.is_file()] == []
    assert (tmp_path / "exports").is_dir()  # it was stored in the first place


def test_named_tests_are_what_is_run(tmp_path):
    """With tests named on the command line the option changes nothing."""
    (tmp_path / "test_mine.py").write_text(
        "def test_mine(request):\n    assert request.config.option.storage_url\n"
    )
    done = pytest_in(tmp_path, "--storage-url=/nowhere", "test_mine.py")

    assert done.returncode == 0, done.stdout + done.stderr
    assert " 1 passed" in done.stdout


def test_an_interrupt_leaves_nothing(tmp_path):
    """Ctrl-C ends the kit, and what it stored is removed."""
    place = tmp_path / "exports"
    running = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--storage-url={place}"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        deadline = time.monotonic() + 60
        while not any(path.is_file() and "check" not in path.parts for path in place.rglob("*")):
            assert time.monotonic() < deadline
            assert running.poll() is None
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=60)
    finally:
        running.kill()
        running.wait()

    assert b"KeyboardInterrupt" in said
    assert not place.exists()


ONLY_THE_KIT = """
import pytest
from core.clients.persistient_storage import registry
from core.testing.storage import StorageClientTests

class TestMine(StorageClientTests):
    @pytest.fixture
    def path(self, tmp_path):
        registry.use_plugins_path("plugins")
        return f"five://{tmp_path}"

    def raw(self, client, file_name):
        return client.box[file_name]
"""


def test_the_kit_needs_no_plug_in_of_pytest(tmp_path):
    """With no plug-in loaded and only known marks allowed, the kit on a client of five methods is green."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "five.py").write_text(FIVE_METHODS, "utf-8")
    (tmp_path / "test_mine.py").write_text(ONLY_THE_KIT, "utf-8")
    options = ("-c", os.devnull, f"--rootdir={tmp_path}", "--strict-markers", "-W", "error")
    done = pytest_in(tmp_path, *options, "test_mine.py", PYTEST_PLUGINS="")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "plugins:" not in done.stdout
    assert " passed" in done.stdout
