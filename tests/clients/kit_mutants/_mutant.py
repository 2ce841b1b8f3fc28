"""What the mutants share."""

from dataclasses import replace

from core.clients.persistient_storage.classes.local import LocalStorageClient
from core.clients.persistient_storage.classes.memory import MemoryClient
from core.clients.persistient_storage.classes.s3 import S3Client
from core.clients.persistient_storage.policies import Replace


class LocalMutant(LocalStorageClient):
    """The local client below a prefix of its own."""

    def __init__(self, path):
        super().__init__(path.removeprefix(self.PREFIX))


class S3Mutant(S3Client):
    """The S3 client with a prefix of its own."""

    def __init__(self, path):
        super().__init__("s3://" + path.removeprefix(self.PREFIX))


class MemoryMutant(MemoryClient):
    """The memory client with a prefix of its own."""


class Around:
    """A writer around a writer; what a mutant does otherwise it overrides."""

    def __init__(self, writer, client=None):
        self.writer, self.client = writer, client

    def write(self, data):
        self.writer.write(data)

    def commit(self, sha256):
        return self.writer.commit(sha256)

    def abort(self):
        self.writer.abort()


def without(request, policy):
    """Return the request with policy ``Replace`` where it has that one."""
    return replace(request, policy=Replace()) if isinstance(request.policy, policy) else request
