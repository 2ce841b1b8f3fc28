"""The plug-in of pytest that is installed with the package, as the pytest of another project meets it."""

import subprocess
import sys

import pytest

OF_ANOTHER = "def test_theirs():\n    from core.theirs import ANSWER\n\n    assert ANSWER == 42\n"


@pytest.fixture
def theirs(tmp_path):
    """A project that has a package ``core`` of its own, and a test of it."""
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").touch()
    (tmp_path / "core" / "theirs.py").write_text("ANSWER = 42\n")
    (tmp_path / "test_theirs.py").write_text(OF_ANOTHER)
    return tmp_path


def pytest_in(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_project_with_a_core_of_its_own_is_left_alone(theirs):
    """Its tests import its own package, with our plug-in loaded."""
    done = pytest_in(theirs, "-v", "--trace-config")

    assert "yeti_storage" in done.stdout, "the plug-in was not loaded"
    assert done.returncode == 0, done.stdout


def test_the_kit_is_not_run_where_core_is_another(theirs):
    """``--storage-url`` says in one line why it cannot be used there."""
    done = pytest_in(theirs, "--storage-url=memory://kit")

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "not that of Yeti Exports" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_module_of_that_name_is_no_package_of_ours(tmp_path):
    """So it is where ``core`` is a single file."""
    (tmp_path / "core.py").touch()

    done = pytest_in(tmp_path, "--storage-url=memory://kit")

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "not that of Yeti Exports" in done.stdout


def test_the_plug_in_imports_nothing_of_the_program():
    """Every pytest of the environment loads the plug-in; that costs no client and no vendor's library."""
    code = "import yeti_exports_pytest, sys; print([name for name in sys.modules if name.startswith('core')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "[]\n"
