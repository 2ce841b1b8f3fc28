"""The tests that fsspec ships for file systems, on ours: all 137, for each storage."""

import re
import subprocess
import sys
from collections import Counter
from uuid import uuid4

import fsspec
import fsspec.tests.abstract as abstract
import pytest

STORAGES = ("memory", "local", pytest.param("weed", marks=pytest.mark.s3))


class Fixtures(abstract.AbstractFixtures):
    """Our file system, on each storage in turn."""

    @pytest.fixture(params=STORAGES)
    def fs(self, request, tmp_path, monkeypatch):
        if request.param in ("memory", "local"):
            place = f"memory://{uuid4()}" if request.param == "memory" else str(tmp_path / "exports")
        else:
            server = request.getfixturevalue(request.param)
            for name, value in server.environment().items():
                monkeypatch.setenv(name, value)
            place = f"s3://{server.new_bucket()}/some/prefix"
        return fsspec.filesystem("yeti", path=place)

    @pytest.fixture
    def fs_path(self):
        return "/some/folder"

    @pytest.fixture
    def fs_join(self):
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def supports_empty_directories(self):
        return False


class TestCopy(Fixtures, abstract.AbstractCopyTests):
    """Copying within the storage."""


class TestGet(Fixtures, abstract.AbstractGetTests):
    """Fetching files and folders."""


class TestPut(Fixtures, abstract.AbstractPutTests):
    """Storing files and folders."""


class TestOpen(Fixtures, abstract.AbstractOpenTests):
    """Create-only by ``open``."""


class TestPipe(Fixtures, abstract.AbstractPipeTests):
    """Create-only by ``pipe``."""


def test_all_that_fsspec_ships_is_run():
    """Each of its 137 tests runs once on each storage."""
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", __file__],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    storages = re.findall(r"::Test\w+::test_\w+\[(memory|local|weed)\b", listed)

    assert {"memory": 137, "local": 137, "weed": 137} == Counter(storages)
