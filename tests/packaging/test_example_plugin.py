"""The example plug-in package: built, installed and removed as its README says, with its own tests."""

import json
import os
import shutil
import subprocess
import sys
import venv
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from core.testing.storage import StorageClientTests
from core.testing.storage.server_faults import ServerFaultTests

EXAMPLE = Path(__file__).parents[2] / "examples" / "storage-client"
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
THE_KIT_ALONE = "from core.testing.storage import StorageClientTests\nclass TestKit(StorageClientTests): pass\n"

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="the example needs the command git")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the example, so that building it writes nothing into the clone."""
    ignored = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", ".*_cache")
    return shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("example") / "source", ignore=ignored)


@pytest.fixture(scope="module")
def wheel(source):
    """The example's wheel."""
    subprocess.run([*PIP, "wheel", "--no-deps", "--wheel-dir", source.parent, source], check=True)
    (built,) = source.parent.glob("yeti_exports_git_storage-*.whl")
    return built


@pytest.fixture
def python(tmp_path):
    """Run Python in an environment of its own, which has all that this one has; returns what it printed."""
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=False)
    (packages,) = folder.glob("lib/python*/site-packages")
    places = [place for place in sys.path if place.endswith("site-packages")]
    lines = [f"import site; site.addsitedir({place!r})\n" for place in places]
    (packages / "as_outside.pth").write_text("".join(lines), "utf-8")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "YETI_HOME": str(tmp_path / "home")}

    def run(*arguments, cwd=tmp_path):
        command = [folder / "bin" / "python", *arguments]
        done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True)
        assert 0 == done.returncode, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def pip(tmp_path):
    """Run pip on that environment."""

    def run(*arguments):
        subprocess.run([*PIP, "--python", tmp_path / "environment" / "bin" / "python", *arguments], check=True)

    return run


def test_it_is_there_once_installed_and_gone_once_removed(wheel, python, pip, tmp_path):
    """``pip install`` is all it takes to publish to a ``git-repo://`` path; ``pip uninstall`` takes it away."""

    def listed():
        clients = json.loads(python("-m", "core", "storage", "list", "--json"))["clients"]
        return [client for client in clients if client["prefix"] == "git-repo://"]

    assert [] == listed()
    pip("install", "--no-deps", "--no-index", wheel)

    (client,) = listed()
    assert ("GitStorageClient", "ok") == (client["class"], client["status"])
    assert ["metadata"] == client["cannot_promise"]
    assert "package yeti-exports-git-storage" in client["origin"]
    python("-m", "core", "storage", "check", f"git-repo://{tmp_path}/lists.git")
    log = ["git", f"--git-dir={tmp_path}/lists.git", "log", "--format=%an: %s", "main"]
    told = subprocess.run(log, check=True, capture_output=True, text=True).stdout.splitlines()
    name = told[0].removeprefix("Yeti Exports: Delete ")
    assert [f"Yeti Exports: {verb} {name}" for verb in ("Delete", "Publish", "Publish")] == told

    pip("uninstall", "--yes", "yeti-exports-git-storage")
    assert [] == listed()


@pytest.mark.timeout(900)
def test_its_own_tests_are_the_kit_and_pass(wheel, source, python, pip, tmp_path):
    """The example's tests are those of the kit, no more and no fewer; all pass but those that need a server."""
    pip("install", "--no-deps", "--no-index", wheel)
    tests = tmp_path / "tests"
    shutil.copytree(source / "tests", tests)
    shutil.copy(source / "pyproject.toml", tmp_path)
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "test_kit.py").write_text(THE_KIT_ALONE, "utf-8")

    kit = python("-m", "pytest", "-q", "--collect-only", "kit").splitlines()
    report = ["-o", "junit_family=xunit1", f"--junit-xml={tmp_path}/report.xml"]
    python("-m", "pytest", "-q", "-p", "no:cacheprovider", *report, "tests")

    cases = list(ElementTree.parse(tmp_path / "report.xml").iter("testcase"))
    skipped = {case.get("name").partition("[")[0] for case in cases if case.find("skipped") is not None}
    names = [line.partition("::TestKit::")[2] for line in kit if "::TestKit::" in line]
    assert sorted(names) == sorted(case.get("name") for case in cases)
    assert len(names) >= sum(name.startswith("test_") for name in dir(StorageClientTests)) > 50
    assert skipped <= {name for name in vars(ServerFaultTests) if name.startswith("test_")}
