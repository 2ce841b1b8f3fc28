"""The kit as ``pytest --storage-url=URL`` runs it; nobody else imports this."""

from collections.abc import Iterator

import pytest

from core.clients.persistient_storage import PersistientStorageClient
from core.testing.faults import Proxy
from core.testing.storage import StorageClientTests
from core.testing.storage.url import UrlUnderTest, chosen


class TestStorageUrl(StorageClientTests):
    """The client of the URL, in a new place for every test."""

    @pytest.fixture
    def path(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        self.url: UrlUnderTest = chosen(request.config)
        self.place = self.url.new_place(monkeypatch)
        yield self.place
        monkeypatch.undo()
        self.url.remove(self.place)

    def raw(self, client: PersistientStorageClient, file_name: str) -> bytes:
        return self.url.raw(self.place, file_name)

    def raw_names(self, client: PersistientStorageClient) -> list[str] | None:
        return self.url.raw_names(self.place)

    def path_through(self, proxy: Proxy, path: str, monkeypatch: pytest.MonkeyPatch) -> str:
        far = self.url.through(proxy, path, monkeypatch)
        if far is None:
            pytest.skip(self.url.why_no_faults())
        return far
