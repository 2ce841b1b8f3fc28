"""The bytes of one blob, from a download that can be taken up again.

The library asks for pieces of 8 MiB of one and the same blob.  Whether it asks again for one that broke off depends
on its version (12.28 does not), so that is seen to here.
"""

from typing import Any, BinaryIO

from core.clients.persistient_storage.azure.connection import condition, explained
from core.clients.persistient_storage.border import asking
from core.clients.persistient_storage.bucket_client import CountedReader
from core.errors import PreconditionFailed, StorageTimeout, StorageUnavailable

_TRIES = 2


def opened(blob: Any, address: str) -> BinaryIO:
    """Return the blob as a file to be closed; reading raises rather than ends early."""
    first = _begun(blob, address, 0)

    def again(position: int) -> Any:
        same = {"etag": first.properties.etag, "match_condition": condition("IfNotModified")}
        try:
            return _begun(blob, address, position, **same)
        except PreconditionFailed as error:
            message = f"{address}: the file was replaced while it was read; read it again"
            raise StorageUnavailable(message) from error

    return CountedReader(address, first.size, first, explained, again).buffered()


def _begun(blob: Any, address: str, start: int, **same: Any) -> Any:
    """Return a download whose first piece has been read."""
    for tries_left in reversed(range(_TRIES)):
        try:
            with asking(address, explained):
                return blob.download_blob(
                    offset=start or None,
                    max_concurrency=1,
                    decompress=False,  # undone, it would give other bytes than are stored
                    retry_hook=_closed,
                    **same,
                )
        except StorageTimeout:
            raise
        except StorageUnavailable:
            if not tries_left:
                raise
    raise AssertionError


def _closed(response: Any = None, **_: Any) -> None:
    """Give back the connection of an answer that is not read because the library asks again."""
    if response is not None:
        response.internal_response.close()
