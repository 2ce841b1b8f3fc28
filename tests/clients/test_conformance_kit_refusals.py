"""A client that refuses in words what it says it cannot promise satisfies the conformance kit."""

import pytest
from kit_session import OnFolder

from core.clients.persistient_storage.spec import PROMISES
from core.testing.storage import StorageClientTests
from core.testing.storage.disk_full import DiskFullTests
from core.testing.storage.metadata import MetadataTests
from core.testing.storage.policies import PolicyTests
from core.testing.storage.promises import PromiseTests
from core.testing.storage.several_at_once import SeveralAtOnceTests


class TestRefusesAll(StorageClientTests):
    """A client that can promise nothing at all, not even ``atomic``: every word is refused, and the kit is green."""

    @pytest.fixture
    def path(self, mutants, tmp_path):
        return f"refuses-all://{tmp_path}"

    def raw(self, client, file_name):
        return client._found(file_name)[0]

    def raw_names(self, client):
        return list(client._box())


@pytest.mark.parametrize("declared", sorted(PROMISES))
class TestRefusesOne(PromiseTests, PolicyTests, MetadataTests, SeveralAtOnceTests, DiskFullTests):
    """A client that cannot promise one word: that one is refused, the others are kept."""

    @pytest.fixture
    def path(self, mutants, tmp_path, declared):
        self.root = tmp_path / "exports"
        return f"refuses-{declared}://{self.root}"

    def raw(self, client, file_name):
        return (self.root / file_name).read_bytes()

    def raw_names(self, client):
        return OnFolder("").raw_names(client, self.root)
