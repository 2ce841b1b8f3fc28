"""Declared promises: what a client cannot promise is refused in words, at once, and nothing hangs."""

import time
from typing import Any

import pytest

from core.clients.persistient_storage.policies import Create, IfMatch
from core.clients.persistient_storage.receipts import attachment
from core.clients.persistient_storage.spec import PROMISES
from core.errors import UnsupportedOperation
from core.testing.storage.under_test import ClientUnderTest, cannot, proves, refuses
from core.testing.together import in_child

_REFUSED_WITHIN_S = 1
_ENDS_WITHIN_S = 20
_NEEDING = {
    "create": {"policy": Create()},
    "if_match": {"policy": IfMatch("0")},
    "metadata": {"content_disposition": attachment("für dich.txt")},
}


class PromiseTests(ClientUnderTest):
    """Each word of ``CANNOT_PROMISE``, kept or refused."""

    def test_only_known_words_are_declared(self, client):
        """``CANNOT_PROMISE`` holds words of the contract, and no others."""
        assert set(getattr(client, "CANNOT_PROMISE", ())) <= PROMISES

    @proves("forked child")
    def test_a_forked_child_can_use_it_or_is_refused(self, client, storage, refused):
        """A client that was used before a fork works in the child; or `Storage` refuses that within a second."""
        storage.write("file.txt", "old")
        if cannot(client, "fork"):
            refused()
            for verb in (lambda: storage.write("file.txt", "x"), lambda: storage.read_text("file.txt")):
                said = in_child(lambda verb=verb: _is_refused_soon(verb), _ENDS_WITHIN_S)
                assert said == "done", f"the child {said!r}"
            self.expect_only_old(client, storage)
            return

        def use() -> None:
            storage.write("child.txt", storage.read_text("file.txt"))
            client.put_file("other.txt", client.get_file("child.txt"))

        said = in_child(use, _ENDS_WITHIN_S)
        assert said == "done", f"the child {said!r}"
        assert self.raw(client, "child.txt") == self.raw(client, "other.txt") == b"old"
        assert storage.read_text("file.txt") == "old"  # the parent goes on

    @proves("forked child")
    def test_a_forked_child_never_hangs(self, client):
        """Whatever a client promises, a direct call in a forked child ends, well or with an error."""
        client.put_file("file.txt", "old")

        assert in_child(lambda: client.put_file("child.txt", "x"), _ENDS_WITHIN_S) != "hangs"
        assert in_child(lambda: client.get_file("file.txt"), _ENDS_WITHIN_S) != "hangs"
        assert self.raw(client, "file.txt") == b"old"

    def test_nested_names_work_or_are_refused(self, client, storage):
        """A name with a slash works without making folders first; or every verb refuses it."""
        if not cannot(client, "nested"):
            storage.write("a/b/file.txt", "nested")
            assert self.raw(client, "a/b/file.txt") == b"nested"
            assert storage.read_text("a/b/file.txt") == "nested"
            return
        for verb in (storage.open_writer, storage.open_reader, storage.stat, storage.delete):
            with pytest.raises(UnsupportedOperation, match="nested"):
                verb("a/file.txt")
        self.expect_names(client, storage, [])

    @pytest.mark.parametrize("word", _NEEDING)
    def test_a_write_that_cannot_be_kept_is_refused(self, client, storage, word):
        """A policy or metadata beyond the client are refused when the writer is opened; the old file stands."""
        options: Any = _NEEDING[word]
        client.put_file("file.txt", "old")
        if refuses(client, word):
            with pytest.raises(UnsupportedOperation, match=word if cannot(client, word) else "open_writer"):
                storage.open_writer("file.txt", **options)
        else:
            storage.open_writer("new.txt", **options).abandon()

        self.expect_only_old(client, storage)


def _is_refused_soon(verb: Any) -> None:
    began = time.monotonic()
    with pytest.raises(UnsupportedOperation, match="fork"):
        verb()
    assert time.monotonic() - began < _REFUSED_WITHIN_S
