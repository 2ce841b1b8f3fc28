"""The Azure client: a container of Azure Blob Storage.  It needs ``pip install '.[azure]'``.

Path: ``az://container/prefix``; the container (``$web`` is one) must have been made by somebody else.

From the environment: ``AZURE_STORAGE_CONNECTION_STRING``; or ``AZURE_STORAGE_ACCOUNT_NAME`` with
``AZURE_STORAGE_ACCOUNT_KEY`` or ``AZURE_STORAGE_SAS_TOKEN``, or with what azure-identity finds if that package is
installed.  ``AZURE_STORAGE_BLOB_ENDPOINT`` is for another server.  ``AZURE_STORAGE_ACCOUNT``,
``AZURE_STORAGE_KEY`` and ``AZURE_STORAGE_ENDPOINT`` are understood too.  An empty variable counts as unset.

A file of up to 8 MiB is one request; a larger one is sent in blocks of 8 MiB and becomes visible as one.  Azure
cannot be told to forget the blocks of a write that never ended: nobody sees them, and they vanish after a week, or
when the name is written again, so there is nothing for ``yetictl storage clean``.  Of two large writes of one name
at once the slower fails, and is to be repeated.  Links need the account key.  In the names of metadata, what Azure
does not take is kept as ``_x2d_`` (a hyphen).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

from core.clients.persistient_storage.azure.connection import KEYS, SCHEME, container, explained, sdk
from core.clients.persistient_storage.azure.download import opened
from core.clients.persistient_storage.azure.writer import AzureWriter, found_metadata
from core.clients.persistient_storage.border import asking
from core.clients.persistient_storage.bucket_client import BucketClient
from core.clients.persistient_storage.receipts import Stat, WriteRequest, attachment
from core.errors import FileMissing, UnsupportedOperation
from core.schemas.instant import from_datetime


class AzureClient(BucketClient):
    """Block blobs in a container."""

    PREFIX = SCHEME
    SETTINGS = KEYS

    def delete_file(self, file_name: str) -> None:
        try:
            with asking(self._place.url(file_name), explained):
                self._blob(file_name).delete_blob()
        except FileMissing:
            pass

    def open_writer(self, file_name: str, request: WriteRequest) -> AzureWriter:
        return AzureWriter(self._blob(file_name), self._place.url(file_name), file_name, request)

    def open_reader(self, file_name: str) -> BinaryIO:
        return opened(self._blob(file_name), self._place.url(file_name))

    def stat(self, file_name: str) -> Stat:
        with asking(self._place.url(file_name), explained):
            return _stat(file_name, self._blob(file_name).get_blob_properties())

    def list(self, prefix: str = "") -> Iterator[Stat]:
        start = self._place.start(prefix)
        with asking(self._place.address(start), explained):
            for found in container(self._place.bucket).list_blobs(name_starts_with=start, include=["metadata"]):
                name = self._place.listed(found.name, prefix)
                # An account with real folders lists those as well.
                if name is not None and "hdi_isfolder" not in (found.metadata or {}):
                    yield _stat(name, found)

    def presign(self, file_name: str, expires_in_s: int, download_name: str | None) -> str:
        blob, place = self._blob(file_name), self._place.url(file_name)
        key = getattr(blob.credential, "account_key", None)
        if key is None:
            raise UnsupportedOperation(f"{place}: links need the account key; set AZURE_STORAGE_ACCOUNT_KEY")
        until = datetime.now(UTC) + timedelta(seconds=expires_in_s)
        shown = attachment(download_name) if download_name is not None else None
        where = {"container_name": blob.container_name, "blob_name": blob.blob_name, "content_disposition": shown}
        token = sdk().generate_blob_sas(blob.account_name, account_key=key, permission="r", expiry=until, **where)
        return f"{blob.url}?{token}"

    def _blob(self, file_name: str) -> Any:
        return container(self._place.bucket).get_blob_client(self._place.key(file_name))


def _stat(name: str, properties: Any) -> Stat:
    metadata, sha256 = found_metadata(properties)
    etag = str(properties.etag).strip('"')
    return Stat(name, properties.size, etag, sha256, from_datetime(properties.last_modified), metadata)
