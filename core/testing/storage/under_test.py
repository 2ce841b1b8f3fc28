"""The client under test: what a test class gives, and what the tests of the kit share."""

from collections.abc import Callable
from typing import Any

import pytest

from core.clients.persistient_storage import PersistientStorageClient, get_client
from core.clients.persistient_storage.storage import Storage


def proves(row: str, **only_with: Any) -> Callable[[Any], Any]:
    """Note on a test which row of docs/reference/scoreboard.md it proves; by an attribute, which nobody has to know.

    Args:
        row: Its key.
        only_with: Values of the test's parameters with which alone it does.
    """

    def noted(test: Any) -> Any:
        test.proves = (*getattr(test, "proves", ()), (row, only_with))
        return test

    return noted


class ClientUnderTest:
    """What a test class gives (``path`` and ``raw``; more if it likes), and what is made of it."""

    @pytest.fixture
    def path(self) -> str:
        """Return a storage path that is empty and used by nobody else."""
        raise NotImplementedError("give a fixture path")

    def raw(self, client: PersistientStorageClient, file_name: str) -> bytes:
        """Return the stored bytes without using the client."""
        raise NotImplementedError("give a method raw")

    def raw_names(self, client: PersistientStorageClient) -> list[str] | None:
        """Return what is stored at the path, what lists do not show included; None if that cannot be known."""
        return None

    def path_through(self, proxy: Any, path: str, monkeypatch: pytest.MonkeyPatch) -> str | None:
        """Return *path* for a client that reaches its server through *proxy*; None if there is no server.

        ``proxy.to(address)`` says where to go instead of the server's *address*: put that into the path, or into
        the environment by *monkeypatch*.  See `core.testing.faults.Proxy`.
        """
        return None

    @pytest.fixture
    def client(self, path: str) -> PersistientStorageClient:
        """The client under test."""
        return get_client(path)

    @pytest.fixture
    def storage(self, client: PersistientStorageClient) -> Storage:
        """All verbs over the client under test."""
        return Storage(client)

    def what_stands(self, client: PersistientStorageClient) -> bytes | None:
        """Return file.txt as it is after a failure; of a client without ``atomic`` what it gives itself, or None.

        Behind the back of such a client there may be anything, as long as its readers never see it.
        """
        if not cannot(client, "atomic"):
            return self.raw(client, "file.txt")
        text = state(client)
        return None if text is None else text.encode()

    @pytest.fixture
    def refused(self, request: pytest.FixtureRequest) -> Callable[[], None]:
        """A function that takes down that the client refuses in words what the test is about."""
        # Not record_property: with the usual form of JUnit files it warns, and for many a warning is an error.
        return lambda: request.node.user_properties.append(("scoreboard", "refused"))

    def expect_only_old(self, client: PersistientStorageClient, storage: Storage) -> None:
        """Check that file.txt is as it was and that there is nothing else, hidden or not."""
        assert self.raw(client, "file.txt") == b"old", (
            "the old file was to stand: only a commit publishes (Writer)"
        )
        self.expect_names(client, storage, ["file.txt"])

    def expect_names(self, client: PersistientStorageClient, storage: Storage, names: list[str]) -> None:
        """Check that these files are stored and no others, hidden or not, as far as that can be known."""
        if hasattr(client, "list"):
            shown = sorted(stat.name for stat in storage.list())
            assert shown == names, "list is to give what is stored, and nothing that is being written (list)"
        if (found := self.raw_names(client)) is not None:
            assert sorted(found) == names, "what is not published is to leave nothing behind (Writer.abort)"


class Stop(Exception):
    """Raised inside a block by a test."""


def alike(one: bytes, other: bytes) -> bool:
    """Say whether both are the same; pytest would look for minutes how megabytes differ."""
    return one == other


def cannot(client: object, word: str) -> bool:
    """Say whether the client declares that it cannot promise *word*."""
    return word in getattr(client, "CANNOT_PROMISE", ())


def refuses(client: object, word: str) -> bool:
    """Say whether a write that needs *word* has to be refused: declared, or not to be had by five methods."""
    return not hasattr(client, "open_writer") or cannot(client, word)


def state(client: PersistientStorageClient, file_name: str = "file.txt") -> str | None:
    """Return the text that the client gives, or None if it says that there is none."""
    try:
        return client.get_file(file_name)
    except FileNotFoundError:
        return None
