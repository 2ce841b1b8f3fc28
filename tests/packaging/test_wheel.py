"""The built wheel in an empty environment, outside the clone."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CLIENT = """
from pathlib import Path

class Drawer:
    PREFIX = "drawer://"

    def __init__(self, path):
        self.folder = Path(path.removeprefix("drawer://"))

    def file_path(self, file_name):
        return str(self.folder / file_name)

    def get_file(self, file_name):
        return (self.folder / file_name).read_text("utf-8")

    def put_file(self, file_name, contents):
        self.folder.mkdir(exist_ok=True)
        (self.folder / file_name).write_text(contents, "utf-8")

    def delete_file(self, file_name):
        (self.folder / file_name).unlink(missing_ok=True)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of an environment that holds nothing but the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    # Built from a copy, so that nothing of the clone is written to and nothing stale of it gets in.
    source = folder / "source"
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False).stdout
    for name in filter(None, names.decode().split("\0")):
        if name.startswith("core/") or "/" not in name:
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    if not source.is_dir():
        pytest.skip("this is not a git clone: which files belong to the wheel is not known")
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, source], check=True, cwd=folder)
    venv.create(folder / "environment", with_pip=True)
    python = folder / "environment" / "bin" / "python"
    (wheel,) = folder.glob("*.whl")
    install = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    subprocess.run([*install, "-c", ROOT / "constraints.txt", wheel], check=True, cwd=folder)
    return folder / "environment"


@pytest.fixture
def yetictl(installed, tmp_path):
    """Run the installed command in an empty folder; returns what it printed."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "YETI_HOME": str(tmp_path / "home")}

    def run(*arguments):
        done = subprocess.run(
            [installed / "bin" / "yetictl", *arguments], cwd=tmp_path, env=environ, capture_output=True, text=True
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout

    return run


def test_wheel_does_the_whole_job(yetictl, installed, tmp_path):
    """It migrates, imports, exports, and uses a client dropped into its ``classes`` folder at once."""
    (tmp_path / "feed.txt").write_text("198.51.100.7\n198.51.100.9\n")
    yetictl("import", "feed.txt", "--tag", "c2")
    yetictl("export", "add", "addresses", "--format", "list", "--type", "ip", "--limit", "allow=documentation")
    yetictl("export", "run", "addresses")

    assert "198.51.100.7\n198.51.100.9\n" == (tmp_path / "home/exports/addresses.txt").read_text()

    folder = next(
        place for place in json.loads(yetictl("storage", "list", "--json"))["folders"] if "/classes" in place
    )
    assert Path(folder).is_relative_to(installed)
    (Path(folder) / "drawer.py").write_text(CLIENT)
    yetictl("export", "edit", "addresses", "--to", f"drawer://{tmp_path}/drawer")
    yetictl("export", "run", "addresses")

    assert "198.51.100.7\n198.51.100.9\n" == (tmp_path / "drawer/addresses.txt").read_text()


def test_wheel_holds_the_package_and_nothing_else(installed):
    """Only ``core`` is installed, with its migrations and its type marker; no tests, no examples."""
    (packages,) = installed.glob("lib/python*/site-packages")

    assert (packages / "core/py.typed").is_file()
    assert list((packages / "core/store/migrations/versions").glob("*.py"))
    assert not (packages / "tests").exists()
    assert not (packages / "bench").exists()
    assert not (packages / "examples").exists()


def test_wheel_brings_the_plug_in_of_pytest(installed):
    """The entry point leads to a module that is installed, outside of ``core``."""
    code = (
        "from importlib.metadata import entry_points; "
        "(found,) = entry_points(group='pytest11', name='yeti_storage'); print(found.value)"
    )
    done = subprocess.run([installed / "bin/python", "-c", code], capture_output=True, text=True, check=True)
    (packages,) = installed.glob("lib/python*/site-packages")

    assert done.stdout == "yeti_exports_pytest\n"
    assert (packages / "yeti_exports_pytest.py").is_file()
    assert (packages / "core/testing/storage/at_url.py").is_file()
