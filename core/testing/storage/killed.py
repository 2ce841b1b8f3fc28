"""Killed: a process that dies in the middle of a write leaves the old file or the new one, and a trace at most."""

import os
import subprocess
import sys
from weakref import WeakKeyDictionary

import pytest

from core.clients.persistient_storage import PersistientStorageClient, get_client, registry
from core.clients.persistient_storage.storage import Storage
from core.testing import doomed
from core.testing.storage.under_test import ClientUnderTest, alike, cannot, state
from core.testing.together import forked, outcome_of

_SMALL, _LARGE = 96 << 10, 20 << 20
_MOST_MOMENTS = {_SMALL: 12, _LARGE: 5}
_MOST_FRESH_PROCESSES = 3
_WITHIN_S = 60
_seen_by_others: WeakKeyDictionary[type, bool] = WeakKeyDictionary()


class KilledTests(ClientUnderTest):
    """What is found after ``kill -9``."""

    @pytest.mark.parametrize("moment", [doomed.BEGUN, doomed.WRITTEN])
    @pytest.mark.parametrize("size", [_SMALL, _LARGE], ids=["small", "large"])
    def test_killed_while_writing(self, path, client, storage, size, moment):
        """A writer that is killed before its commit has published nothing; what it left is found and removed."""
        client.put_file("file.txt", "old")
        self._needs_a_place_that_others_see(path, client)
        _write_in_child(path, client, size, moment)

        assert self.raw(client, "file.txt") == b"old", "nothing is to be seen before the commit (Writer)"
        self._expect_no_trace(client, storage)

    @pytest.mark.parametrize("size", [_SMALL, _LARGE], ids=["small", "large"])
    def test_killed_while_committing(self, path, client, storage, size):
        """Killed at any moment of the commit, the old file stands or the new one does, whole, and nothing else."""
        client.put_file("file.txt", "old")
        self._needs_a_place_that_others_see(path, client)
        count = _write_in_child(path, client, size, doomed.COUNT)
        assert count, "the commit made no call to the outside that could be seen: nothing could be cut"
        whole: set[bytes | None] = {b"old", doomed.contents(size)}

        most = _MOST_FRESH_PROCESSES if cannot(client, "fork") else _MOST_MOMENTS[size]
        for moment in _spread(count, most):
            client.put_file("file.txt", "old")
            _write_in_child(path, client, size, str(moment))

            there = self.what_stands(client)
            if there is None and cannot(client, "atomic"):
                continue
            assert there in whole, (
                f"killed at call {moment} of {count}: a commit is to publish in one step (Writer)"
            )
            assert alike((state(get_client(path)) or "").encode(), there or b"")
        self._expect_no_trace(client, storage)

    def _needs_a_place_that_others_see(self, path: str, client: PersistientStorageClient) -> None:
        if not cannot(client, "fork"):
            return
        kind = type(client)
        if kind not in _seen_by_others:  # asked once: it takes a process
            _seen_by_others[kind] = _run(path, 0, doomed.LOOK).returncode != doomed.NOT_SEEN
        if not _seen_by_others[kind]:
            pytest.skip(
                "the files are in the memory of this process: nobody is left to read them when it is killed"
            )

    def _expect_no_trace(self, client: PersistientStorageClient, storage: Storage) -> None:
        """Check that lists show one file, and that all that was left besides is found, and then gone."""
        if hasattr(client, "list"):
            assert [stat.name for stat in storage.list()] == ["file.txt"]
        if not hasattr(client, "leftovers"):
            return
        for leftover in storage.leftovers():
            storage.remove_leftover(leftover)
            storage.remove_leftover(leftover)  # it is fine if it is gone already
        assert list(storage.leftovers()) == [], "what was found is to be gone (remove_leftover)"
        self.expect_names(client, storage, ["file.txt"])


def _spread(count: int, most: int) -> list[int]:
    """Return numbers from 1 to *count*, evenly spread, first and last among them."""
    if count <= most:
        return list(range(1, count + 1))
    return sorted({1 + round(step * (count - 1) / (most - 1)) for step in range(most)})


def _write_in_child(path: str, client: PersistientStorageClient, size: int, moment: str) -> int:
    """Let a child write until the moment; return how many calls its commit made, if it got there."""
    if cannot(client, "fork"):
        done = _run(path, size, moment)
        assert done.returncode <= 0, done.stderr
        return int(done.stdout or 0)
    reading, writing = os.pipe()
    child = forked(lambda: os.write(writing, str(doomed.write(path, size, moment)).encode()))
    os.close(writing)
    with os.fdopen(reading) as said:
        # It ends when the child does, which dies or is done.
        count = int(said.read() or 0)
    outcome = outcome_of(child, _WITHIN_S)
    assert outcome in ("done", "killed"), f"the writing child {outcome!r}"
    return count


def _run(path: str, size: int, moment: str) -> "subprocess.CompletedProcess[str]":
    folder = [str(folder) for folder in registry.folders()[1:]]  # what use_plugins_path named, if anything
    return subprocess.run(
        [sys.executable, "-m", "core.testing.doomed", path, str(size), moment, *folder],
        capture_output=True,
        text=True,
        timeout=_WITHIN_S,
        check=False,
    )
