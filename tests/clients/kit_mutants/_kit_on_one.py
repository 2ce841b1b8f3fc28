"""The kit on one client; run by test_conformance_kit.py in a session of its own, whose plugin says which."""

import pytest

from core.testing.storage import StorageClientTests


class TestOne(StorageClientTests):
    @pytest.fixture
    def path(self, one, tmp_path):
        self.one, self.folder = one, tmp_path / "exports"
        return one.path(self.folder)

    def raw(self, client, file_name):
        return self.one.raw(client, self.folder, file_name)

    def raw_names(self, client):
        return self.one.raw_names(client, self.folder)

    def path_through(self, proxy, path, monkeypatch):
        return self.one.path_through(proxy, path, monkeypatch)
