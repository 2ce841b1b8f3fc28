"""Every block of the page "Read published files" works as it is printed."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import fsspec
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "read-published-files.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"\n## ([^\n]+)\n(?:(?!\n## ).)*?```python\n(.*?)```", PAGE, re.DOTALL))
PLACE = "/opt/yeti/exports"
PUBLISHED = {"lists/c2.csv": b"value,type\n198.51.100.7,ipv4\nc2.example,hostname\n"}


@pytest.fixture(params=["local", "moto"])
def path(request, tmp_path):
    """A place where something was published, as the page presumes."""
    if request.param == "local":
        path = str(tmp_path / "exports")
    else:
        path = f"s3://{request.getfixturevalue('moto_in_use').new_bucket()}/prefix"
    fsspec.filesystem("yeti", path=path).pipe(PUBLISHED)
    return path


@pytest.fixture
def run(path):
    """Run the block of that heading, there, and return its names."""

    def run(heading):
        assert PLACE in BLOCKS[heading]
        names: dict = {}
        exec(compile(BLOCKS[heading].replace(PLACE, path), heading, "exec"), names)
        return names

    return run


def test_all_blocks_are_run_here():
    """No block is on the page that no test of this file runs."""
    assert PAGE.count("```python\n") == len(BLOCKS)
    assert {"pandas", "DuckDB", "Dask", "A program of your own", "Write", "See that it works"} == set(BLOCKS)
    assert [
        "pip install '.[fsspec]'\n",
        "export FSSPEC_YETI_PATH=s3://bucket/prefix\n",
    ] == re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def test_pandas(run):
    """It reads a CSV file into a frame."""
    pytest.importorskip("pandas", reason="pandas is not installed; the page's example of it was NOT run")

    assert ["198.51.100.7", "c2.example"] == list(run("pandas")["c2"]["value"])


def test_duckdb(run):
    """It asks a CSV file by SQL."""
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed; the page's example of it was NOT run")
    try:
        assert [("198.51.100.7",)] == run("DuckDB")["c2"]
    finally:
        duckdb.unregister_filesystem("yeti")


def test_dask(run):
    """It reads all files that match."""
    pytest.importorskip("dask.dataframe", reason="dask is not installed; the page's example of it was NOT run")

    assert ["198.51.100.7", "c2.example"] == list(run("Dask")["c2"]["value"])


def test_a_program(run):
    """Names, contents and times can be had without any of them."""
    names = run("A program of your own")

    assert (["/lists/c2.csv"], "value,type\n") == (names["names"], names["first_line"])
    assert names["when"].utcoffset() is not None


def test_write(run, path):
    """What is written is there after the block."""
    run("Write")

    assert b"value,type\n198.51.100.7,ipv4\n" == fsspec.filesystem("yeti", path=path).cat("lists/mine.csv")


def test_see_that_it_works(run, capsys):
    """The tree is printed."""
    run("See that it works")

    assert "└── lists\n    └── c2.csv\n" == capsys.readouterr().out


def test_the_variable_gives_the_path(path):
    """As the page exports it, for any program that is started then."""
    code = "import fsspec; print(fsspec.filesystem('yeti').find(''))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "FSSPEC_YETI_PATH": path}
    )

    assert "['/lists/c2.csv']\n" == done.stdout


def test_the_extra_has_what_is_needed():
    """What the page says to install brings fsspec, and fsspec then knows ``yeti://``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert ["fsspec"] == [re.split(r"[^\w-]", need)[0] for need in project["optional-dependencies"]["fsspec"]]
    assert "core.clients.fsspec:YetiFileSystem" == project["entry-points"]["fsspec.specs"]["yeti"]
