"""Declared promises: what a client cannot promise is refused in words, at once, and nothing hangs."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from core.clients.persistient_storage.policies import Create, IfMatch
from core.clients.persistient_storage.receipts import Leftover, Receipt, attachment
from core.clients.persistient_storage.spec import PROMISES
from core.clients.persistient_storage.storage import Storage
from core.errors import StorageError, UnsupportedOperation
from core.schemas.instant import LATEST
from core.testing.storage.under_test import ClientUnderTest, Stop, alike, cannot, proves, refuses
from core.testing.together import at_once, in_child

_REFUSED_WITHIN_S = 5  # microseconds, on a busy machine seconds; who asks a server that is away waits longer
_ENDS_WITHIN_S = 20
_NEEDING = {
    "create": {"policy": Create()},
    "if_match": {"policy": IfMatch("0")},
    "metadata": {"content_disposition": attachment("für dich.txt")},
}
_VERBS: dict[str, Callable[[Storage, str], object]] = {
    "open_writer": lambda storage, name: storage.open_writer(name),
    "open_text_writer": lambda storage, name: storage.open_text_writer(name),
    "write": lambda storage, name: storage.write(name, "x"),
    "open_reader": lambda storage, name: storage.open_reader(name),
    "read_bytes": lambda storage, name: storage.read_bytes(name),
    "read_text": lambda storage, name: storage.read_text(name),
    "stat": lambda storage, name: storage.stat(name),
    "list": lambda storage, name: list(storage.list(name)),
    "delete": lambda storage, name: storage.delete(name),
    "presign": lambda storage, name: storage.presign(name, 60),
    "verify": lambda storage, name: storage.verify(Receipt(name, name, 1, "0" * 64, None, "stored")),
    "unchanged": lambda storage, name: storage.unchanged(name, 1, "0" * 64),
}
_VERBS_WITHOUT_NAME: dict[str, Callable[[Storage, str], object]] = {
    "leftovers": lambda storage, name: list(storage.leftovers()),
    "remove_leftover": lambda storage, name: storage.remove_leftover(Leftover("part file", name, name, LATEST)),
}


class PromiseTests(ClientUnderTest):
    """Each word of ``CANNOT_PROMISE``, kept or refused."""

    def test_only_known_words_are_declared(self, client):
        """``CANNOT_PROMISE`` holds words of the contract, and no others."""
        assert set(getattr(client, "CANNOT_PROMISE", ())) <= PROMISES

    @proves("forked child")
    def test_a_forked_child_can_use_it_or_is_refused(self, client, storage, refused):
        """A client that was used before a fork works in the child; or `Storage` refuses that at once."""
        storage.write("file.txt", "old")
        if cannot(client, "fork"):
            refused()
            with storage.open_reader("file.txt") as file:
                verbs = {**_VERBS, **_VERBS_WITHOUT_NAME, "read": lambda storage, name: file.read(1)}
                said = in_child(lambda: _expect_refusals(storage, verbs, "file.txt", "fork"), _ENDS_WITHIN_S)
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

    def test_a_forked_child_leaves_its_parents_writer_alone(self, client, storage):
        """A child can neither go on with what its parent was writing nor end it: the parent's file is whole."""
        half = b"0123456789abcdef" * (9 << 16)

        def goes_on() -> None:
            for step in (lambda: file.write(half), lambda: file.__exit__(None, None, None)):
                with pytest.raises(StorageError, match="forked"):
                    step()

        def gives_up() -> None:
            file.__exit__(Stop, Stop(), None)
            file.close()

        client.put_file("file.txt", "old")
        with storage.open_writer("file.txt") as file:
            file.write(half)
            for child in (goes_on, gives_up):
                said = in_child(child, _ENDS_WITHIN_S)
                assert said == "done", f"the child {said!r}"
            assert self.raw(client, "file.txt") == b"old"
            file.write(half)

        assert alike(self.raw(client, "file.txt"), half * 2)
        self.expect_names(client, storage, ["file.txt"])

    @proves("threads")
    def test_threads_share_a_client_or_are_refused(self, client, storage, refused):
        """Eight threads write, read, stat and delete with one client; or `Storage` refuses each, and nothing is stored."""
        if cannot(client, "threads"):
            refused()
            client.put_file("file.txt", "old")
            with storage.open_reader("file.txt") as file:
                writer = storage.open_writer("file.txt")
                begun = {"a read": lambda *_: file.read(1), "a write": lambda *_: writer.write(b"x")}
                verbs = {**_VERBS, **_VERBS_WITHOUT_NAME, **begun}
                at_once(lambda number: _expect_refusals(storage, verbs, "file.txt", "threads"), 1)
                writer.abandon()
            self.expect_only_old(client, storage)
            return

        def use(number: int) -> str:
            storage.write(f"{number}.txt", f"{number}" * 1000)
            assert storage.read_text(f"{number}.txt") == f"{number}" * 1000
            assert storage.stat(f"{number}.txt").size_bytes == 1000
            storage.write("shared.txt", f"{number}" * 1000)
            storage.delete(f"{number}.txt")
            return "done"

        assert set(at_once(use, 8)) == {"done"}
        assert self.raw(client, "shared.txt") in {f"{number}".encode() * 1000 for number in range(8)}
        self.expect_names(client, storage, ["shared.txt"])

    def test_nested_names_work_or_are_refused(self, client, storage):
        """A name with a slash works without making folders first; or every verb refuses it."""
        if not cannot(client, "nested"):
            storage.write("a/b/file.txt", "nested")
            assert self.raw(client, "a/b/file.txt") == b"nested"
            assert storage.read_text("a/b/file.txt") == "nested"
            return
        _expect_refusals(storage, _VERBS, "a/file.txt", "nested")
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


def _expect_refusals(
    storage: Storage, verbs: dict[str, Callable[[Storage, str], object]], name: str, word: str
) -> None:
    """Check that each verb is refused at once, for want of that promise."""
    for verb, call in verbs.items():
        began = time.monotonic()
        said = "nothing"
        try:
            call(storage, name)
        except UnsupportedOperation as error:
            said = str(error)
        assert f"cannot promise {word!r}" in said, f"{verb} is not refused for want of {word!r}; it said {said}"
        assert time.monotonic() - began < _REFUSED_WITHIN_S, f"{verb} is refused too late"
