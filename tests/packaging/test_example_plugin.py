"""The example plug-in package: built, installed and removed as its README says, with its own tests."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import venv
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from unprivileged import as_nobody, folder_of_nobody

from core.clients.persistient_storage.storage import Storage
from core.errors import InvalidStoragePath, StorageError, StoragePermissionDenied
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

    if importlib.util.find_spec("yeti_git_storage"):
        pytest.skip("the example is installed in this environment already; that it comes and goes was NOT tested")

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


@pytest.fixture
def client_class(source, monkeypatch):
    """The example's class, imported without being installed."""
    monkeypatch.syspath_prepend(source)
    yield importlib.import_module("yeti_git_storage.client").GitStorageClient
    for name in ("yeti_git_storage.client", "yeti_git_storage"):
        del sys.modules[name]


@pytest.fixture
def git(tmp_path):
    """Run git as a consumer would; returns what it printed."""
    who = {f"GIT_{role}_{what}": "somebody" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    def run(*arguments):
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **who}
        command = ["git", *map(str, arguments)]
        return subprocess.run(
            command, env=environ, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    return run


def test_consumers_pull_and_see_the_history(client_class, git, tmp_path):
    """A clone has what was published, a pull what came since; the same text again is no commit."""
    storage = Storage(client_class(f"git-repo://{tmp_path}/new/folder/lists.git#lists"))
    storage.write("iocs/ips.txt", "198.51.100.7\n")
    git("clone", "--quiet", "new/folder/lists.git", "clone")
    storage.write("iocs/ips.txt", "198.51.100.7\n198.51.100.9\n")
    storage.write("iocs/ips.txt", "198.51.100.7\n198.51.100.9\n")
    git("-C", "clone", "pull", "--quiet")

    assert "198.51.100.7\n198.51.100.9\n" == (tmp_path / "clone/iocs/ips.txt").read_text()
    assert ["Publish iocs/ips.txt"] * 2 == git("-C", "clone", "log", "--format=%s").splitlines()


def test_what_others_commit_stays(client_class, git, tmp_path):
    """A commit of somebody else is built upon; a link among their files is neither listed nor read."""
    storage = Storage(client_class(f"git-repo://{tmp_path}/lists.git"))
    storage.write("a.txt", "a")
    git("clone", "--quiet", "lists.git", "clone")
    (tmp_path / "clone" / "b.txt").write_text("b")
    (tmp_path / "clone" / "link.txt").symlink_to("/etc/passwd")
    git("-C", "clone", "add", ".")
    git("-C", "clone", "commit", "--quiet", "-m", "by hand")
    git("-C", "clone", "push", "--quiet")
    storage.delete("a.txt")

    assert ["b.txt"] == [stat.name for stat in storage.list()]
    assert "b" == storage.read_text("b.txt")
    with pytest.raises(FileNotFoundError):
        storage.read_text("link.txt")
    assert "by hand" in git("--git-dir=lists.git", "log", "--format=%s", "main")


def test_git_says_why_not(client_class, tmp_path, monkeypatch):
    """A folder that is no repository, a name of git's own, a name in the way, a missing git: each is told."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("mine")
    storage = Storage(client_class(f"git-repo://{tmp_path}/lists.git"))
    storage.write("a/b.txt", "x")

    with pytest.raises(StorageError, match="not a git repository"):
        Storage(client_class(f"git-repo://{tmp_path}/folder")).write("a.txt", "x")
    assert ["file"] == [path.name for path in (tmp_path / "folder").iterdir()]
    for name in ("a", "a/.git/config"):
        with pytest.raises(StorageError, match="git update-index failed"):
            storage.write(name, "x")
    assert ["a/b.txt"] == [stat.name for stat in storage.list()]
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StorageError, match="the command git is needed"):
        storage.read_text("a/b.txt")


def test_missing_rights_are_told_as_such(client_class):
    """A repository that may not be written to is a matter of rights, and stays as it is."""
    with folder_of_nobody() as folder:
        storage = Storage(client_class(f"git-repo://{folder}/lists.git"))

        def check():
            storage.write("a.txt", "x")
            for place in (*folder.rglob("*"), folder):
                place.chmod(0o555 if place.is_dir() else 0o444)
            with pytest.raises(StoragePermissionDenied):
                storage.write("a.txt", "y")
            assert "x" == storage.read_text("a.txt")
            for place in (folder, *folder.rglob("*")):
                place.chmod(0o755)

        as_nobody(check)


@pytest.mark.parametrize("path", ["git-repo://", "git-repo:///", "git-repo://host/x.git", "git-repo:///x.git#-b"])
def test_paths_of_another_form_are_refused(client_class, path):
    """The constructor refuses what is not an absolute path with, at most, a branch."""
    with pytest.raises(InvalidStoragePath, match="the form is"):
        client_class(path)
