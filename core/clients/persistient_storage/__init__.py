"""Put finished files where people fetch them: a folder, an S3 bucket, or any storage with a client.

``get_client(path)`` gives the client for a path, by its prefix; `storage.Storage` puts streaming, receipts and
write policies on top of any client.  `spec` is the contract for those who write one.
"""

from core.clients.persistient_storage.registry import get_client
from core.clients.persistient_storage.spec import PersistientStorageClient

__all__ = ["PersistientStorageClient", "get_client"]
