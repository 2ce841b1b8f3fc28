"""The Azure client on Azurite: the kit, and what is Azure's own."""

import os

import pytest
from cloud_servers import Missing, azurite

from core.testing.storage import StorageClientTests


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory):
    """Azurite; its absence is told loudly."""
    try:
        with azurite(tmp_path_factory.mktemp("azurite")) as server:
            yield server
    except Missing as reason:
        pytest.skip(str(reason))


@pytest.fixture(autouse=True)
def azure(azure_server, monkeypatch):
    """Azurite, and an environment that points at it and at nothing else."""
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)
    for name, value in azure_server.environment().items():
        monkeypatch.setenv(name, value)
    return azure_server


class TestAzure(StorageClientTests):
    """The conformance kit."""

    @pytest.fixture
    def path(self, azure):
        self.server, self.container = azure, azure.new_container()
        return f"az://{self.container}/some/prefix/"

    def raw(self, client, file_name):
        return self.server.stored(self.container, f"some/prefix/{file_name}")

    def raw_names(self, client):
        return [name.removeprefix("some/prefix/") for name in self.server.names(self.container)]

    def path_through(self, proxy, path, monkeypatch):
        endpoint = proxy.to(os.environ["AZURE_STORAGE_BLOB_ENDPOINT"])
        monkeypatch.setenv("AZURE_STORAGE_BLOB_ENDPOINT", endpoint)
        return path
