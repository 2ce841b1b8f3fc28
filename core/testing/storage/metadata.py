"""Metadata: what the caller asks for is kept or refused, and nothing is made up."""

from typing import Any

import pytest

from core.clients.persistient_storage.receipts import Metadata, attachment
from core.errors import InvalidContents, UnsupportedOperation
from core.testing.storage.under_test import ClientUnderTest, alike, proves, refuses

_ASKED: dict[str, Any] = {
    "content_type": "text/x-hosts; charset=utf-8",
    "cache_control": "public, max-age=60",
    "content_encoding": "identity",
    "content_disposition": attachment('für "dich" 100%.txt'),
    "metadata": {"run": "17", "tlp-level": "TLP:GREEN a=b;c,d"},
}
_FIELDS = ("content_type", "cache_control", "content_encoding", "content_disposition")


class MetadataTests(ClientUnderTest):
    """What is kept beside the bytes."""

    @pytest.mark.parametrize("size", [2, 10 << 20], ids=["small", "large"])
    def test_metadata_comes_back_or_is_refused(self, client, storage, size):
        """Every field comes back as it was asked for, in the receipt and in the Stat; or the write is refused."""
        data = b"a\n" * (size // 2)
        if refuses(client, "metadata"):
            for option in _ASKED:
                with pytest.raises(UnsupportedOperation):
                    storage.write("file.csv", data, **{option: _ASKED[option]})
            self.expect_names(client, storage, [])
            return
        receipt = storage.write("file.csv", data, **_ASKED)

        asked = Metadata(**{field: _ASKED[field] for field in _FIELDS}, items=_ASKED["metadata"])
        assert storage.stat("file.csv").metadata == asked, "keep every field, or say that you cannot (open_writer)"
        assert receipt.metadata == asked
        assert receipt.dropped == ()
        assert alike(self.raw(client, "file.csv"), data)

    @proves("content type by default")
    def test_the_content_type_is_that_of_the_name(self, client, storage, refused):
        """A file that nothing was asked for has the content type of its suffix; a client that drops it says so."""
        receipt = storage.write("file.csv", "a\n")
        other = storage.write("no-suffix", b"a\n")
        if refuses(client, "metadata"):
            refused()
            is_kept = receipt.metadata.content_type is not None
            assert receipt.dropped == (() if is_kept else ("content_type",))
            assert storage.stat("file.csv").metadata == receipt.metadata
            assert self.raw(client, "file.csv") == b"a\n"
            return
        client.put_file("put.json", "{}")

        assert (receipt.dropped, other.dropped) == ((), ())
        assert storage.stat("file.csv").content_type == receipt.metadata.content_type == "text/csv; charset=utf-8"
        assert storage.stat("no-suffix").content_type == "application/octet-stream"
        assert storage.stat("put.json").content_type == "application/json"

    def test_a_replacement_has_its_own_metadata(self, client, storage):
        """A write that asks for nothing leaves nothing of the metadata that were there before."""
        if refuses(client, "metadata"):
            assert storage.write("file.csv", "a\n").metadata.items == {}
            return
        storage.write("file.csv", "a\n", **_ASKED)
        storage.write("file.csv", "b\n")

        assert storage.stat("file.csv").metadata == Metadata(content_type="text/csv; charset=utf-8")
        storage.write("file.csv", "b\n", **_ASKED)
        client.delete_file("file.csv")
        self.expect_names(client, storage, [])

    def test_metadata_that_is_no_header_is_refused(self, client, storage):
        """A line break or a letter that no header can hold is refused, and nothing is stored."""
        client.put_file("file.txt", "old")
        for option in (
            {"metadata": {"run": "1\r\nSet-Cookie: x"}},
            {"content_type": "ü"},
            {"metadata": {"A b": "1"}},
        ):
            with pytest.raises(InvalidContents):
                storage.write("file.txt", "new", **option)

        self.expect_only_old(client, storage)
