"""Storages as file systems of fsspec: memory, a folder, a real S3 server."""

from uuid import uuid4

import fsspec
import pytest

FILES = {"a.csv": b"a", "lists/b.csv": b"bb", "lists/deep/c.csv": b"ccc", "lists.txt": b"dddd"}


@pytest.fixture(params=["memory", "local", pytest.param("weed", marks=pytest.mark.s3)])
def path(request, tmp_path):
    if request.param == "weed":
        return f"s3://{request.getfixturevalue('weed_server').new_bucket()}/some/prefix"
    return f"memory://{uuid4()}" if request.param == "memory" else str(tmp_path / "exports")


@pytest.fixture
def fs(path):
    fs = fsspec.filesystem("yeti", path=path)
    fs.pipe(FILES)
    return fs


@pytest.fixture
def local(tmp_path):
    return fsspec.filesystem("yeti", path=str(tmp_path / "exports"))
