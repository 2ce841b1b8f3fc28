"""Write policies: create-only, if-match, if-changed; and the race for one name."""
# ruff: noqa: PT012 - what a block does after its first statement is what is tested

import pytest

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.policies import Create, IfChanged, IfMatch
from core.clients.persistient_storage.storage import Storage
from core.errors import FileExists, FileMissing, PreconditionFailed, UnsupportedOperation
from core.testing.storage.under_test import ClientUnderTest, cannot, proves, refuses
from core.testing.together import at_once, in_children


class PolicyTests(ClientUnderTest):
    """What is done about a file that is there already."""

    @proves("create-only")
    def test_create_never_overwrites(self, client, storage, refused):
        """With policy ``Create`` a taken name is refused and the old file stands."""
        if refuses(client, "create"):
            refused()
            client.put_file("file.txt", "old")
            for name in ("file.txt", "new.txt"):
                with pytest.raises(UnsupportedOperation):
                    storage.write(name, "x", policy=Create())
            self.expect_only_old(client, storage)
            return
        assert storage.write("file.txt", "old", policy=Create()).outcome == "created"
        with pytest.raises(FileExists):
            storage.write("file.txt", "second", policy=Create())

        self.expect_only_old(client, storage)
        client.delete_file("file.txt")
        assert storage.write("file.txt", "again", policy=Create()).outcome == "created"

    @proves("create-only")
    def test_of_several_creators_one_wins(self, path, client, storage, refused):
        """Six writers create one name at once: one succeeds and the file is its, or all are refused in words."""

        def create(number: int) -> str | None:
            mine = Storage(get_client(path)) if cannot(client, "threads") else storage
            try:
                mine.write("file.txt", f"writer {number}", policy=Create())
            except (FileExists, UnsupportedOperation):
                return None
            return f"writer {number}"

        winners = [text for text in at_once(create, 6) if text is not None]

        if refuses(client, "create"):
            refused()
            assert winners == []
            with pytest.raises(FileMissing):
                storage.stat("file.txt")
            return
        assert len(winners) == 1, (
            "whether the name is free is to be decided in the step that publishes (Writer.commit)"
        )
        assert self.raw(client, "file.txt").decode() == winners[0]
        self.expect_names(client, storage, ["file.txt"])

    def test_what_happens_meanwhile_counts(self, client, storage):
        """A policy is kept to when the file is published, not when its writer was opened."""
        if not refuses(client, "create"):
            with pytest.raises(FileExists), storage.open_writer("file.txt", policy=Create()) as file:
                file.write(b"too late")
                client.put_file("file.txt", "old")
            self.expect_only_old(client, storage)
        if not refuses(client, "if_match"):
            client.put_file("file.txt", "older")
            etag = storage.stat("file.txt").etag or ""
            with pytest.raises(PreconditionFailed), storage.open_writer("file.txt", policy=IfMatch(etag)) as file:
                file.write(b"too late")
                client.put_file("file.txt", "old")
            self.expect_only_old(client, storage)

    def test_large_files_keep_to_their_policy(self, client, storage, refused):
        """What holds for a small file holds for one that is sent in parts, or is refused for it in words."""
        data = b"0123456789abcdef" * (9 << 16)
        client.put_file("file.txt", "old")
        etag = storage.stat("file.txt").etag or ""
        cases = (("create", Create(), FileExists), ("if_match", IfMatch(etag + "0"), PreconditionFailed))
        for word, policy, error in cases:
            # Some servers honour a condition for one request, and not for the end of several.
            kinds = (UnsupportedOperation,) if refuses(client, word) else (error, UnsupportedOperation)
            with pytest.raises(kinds) as caught:
                storage.write("file.txt", data, policy=policy)
            if caught.type is UnsupportedOperation:
                refused()
        self.expect_only_old(client, storage)

    def test_of_several_creating_processes_one_wins(self, path, client, storage):
        """The same for processes of their own, which share no lock with each other."""
        if refuses(client, "create") or cannot(client, "fork"):
            return  # the tests of the promises demand the refusal
        storage.write("other.txt", "the parent has used its client")

        def create(number: int) -> None:
            Storage(get_client(path)).write("file.txt", f"writer {number}", policy=Create())

        outcomes = in_children(create, 6)
        winners = [number for number, outcome in enumerate(outcomes) if outcome == "done"]

        assert len(winners) == 1, f"a lock of one process does not keep others out (Writer.commit): {outcomes}"
        assert self.raw(client, "file.txt").decode() == f"writer {winners[0]}"

    def test_if_match_only_replaces_what_was_meant(self, client, storage):
        """With policy ``IfMatch`` a file that somebody else changed, or removed, is not overwritten."""
        if refuses(client, "if_match"):
            client.put_file("file.txt", "old")
            with pytest.raises(UnsupportedOperation):
                storage.write("file.txt", "x", policy=IfMatch("0"))
            self.expect_only_old(client, storage)
            return
        first = storage.write("file.txt", "first").etag or storage.stat("file.txt").etag or ""
        storage.write("file.txt", "old", policy=IfMatch(first))
        with pytest.raises(PreconditionFailed):
            storage.write("file.txt", "third", policy=IfMatch(first))
        self.expect_only_old(client, storage)
        second = storage.stat("file.txt").etag or ""
        storage.delete("file.txt")
        with pytest.raises((PreconditionFailed, FileMissing)):
            storage.write("file.txt", "third", policy=IfMatch(second))
        self.expect_names(client, storage, [])

    def test_if_changed_leaves_the_same_bytes_alone(self, client, storage):
        """With policy ``IfChanged`` the same bytes are not stored again: ETag and time stay."""
        storage.write("file.txt", "same")
        before = storage.stat("file.txt")
        receipts = [storage.write("file.txt", b"same", policy=IfChanged())]
        with storage.open_writer("file.txt", policy=IfChanged()) as file:
            file.write(b"same")
        receipts.append(file.receipt)

        assert [receipt.outcome for receipt in receipts] == ["unchanged", "unchanged"]
        assert storage.stat("file.txt") == before
        assert storage.write("file.txt", "new!", policy=IfChanged()).outcome == "replaced"
        assert storage.write("new.txt", "new", policy=IfChanged()).outcome == "created"
        assert self.raw(client, "file.txt") == b"new!"
