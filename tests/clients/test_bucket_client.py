"""What clients of object stores share: paths, streams cut into parts."""

import pytest

from core.clients.persistient_storage.bucket_client import PART_BYTES, Parts
from core.clients.persistient_storage.bucket_path import parsed
from core.errors import InvalidStoragePath, StorageError


def test_a_container_of_azure_is_no_variable():
    """``$web`` is what Azure serves as a web site; ``$BUCKET`` is a variable that nobody has filled in."""
    assert parsed("az://$web/lists/", "az://", settings="X").url("a.txt") == "az://$web/lists/a.txt"
    with pytest.raises(InvalidStoragePath, match="names no bucket"):
        parsed("az://$BUCKET/lists", "az://", settings="X")


def test_the_last_part_is_kept_back():
    """So that a file of one part is one request; no byte is lost or sent twice."""
    sent = []
    parts = Parts(sent.append)
    parts.write(b"a" * PART_BYTES)
    assert sent == []
    parts.write(memoryview(b"b"))

    assert [*sent, parts.rest()] == [b"a" * PART_BYTES, b"b"]
    assert (parts.size_bytes, parts.sent) == (PART_BYTES + 1, 1)


def test_a_stream_of_too_many_parts_is_refused_with_the_remedy():
    """A server takes so many parts; who says the size before gets larger ones."""
    parts = Parts(lambda part: None, most=2)
    parts.write(b"x" * (2 * PART_BYTES))
    with pytest.raises(StorageError, match="say the size before"):
        parts.write(b"x")

    assert Parts(lambda part: None, 3 * PART_BYTES, most=2).part_bytes == 12 << 20
