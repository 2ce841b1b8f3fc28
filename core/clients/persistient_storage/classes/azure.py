"""The Azure client: a container of Azure Blob Storage.  It needs ``pip install 'yeti-exports[azure]'``.

Path: ``az://container/prefix``; the container (``$web`` is one) must have been made by somebody else.

From the environment: ``AZURE_STORAGE_CONNECTION_STRING``; or ``AZURE_STORAGE_ACCOUNT_NAME`` with
``AZURE_STORAGE_ACCOUNT_KEY`` or ``AZURE_STORAGE_SAS_TOKEN``, or with what azure-identity finds if that package is
installed.  ``AZURE_STORAGE_BLOB_ENDPOINT`` is for another server.  ``AZURE_STORAGE_ACCOUNT``,
``AZURE_STORAGE_KEY`` and ``AZURE_STORAGE_ENDPOINT`` are understood too.  An empty variable counts as unset.

A file of up to 8 MiB is one request; a larger one is sent in blocks of 8 MiB and becomes visible as one.  Azure
cannot be told to forget blocks: they vanish after a week, or when the name is written again.  So of two large
writes of one name at once the slower fails, and is to be repeated.  Left-over blocks are found where nothing was
stored under their name; those over a stored file are not seen.  Links need the account key.  In the names of
metadata, what Azure does not take is kept as ``_x2d_`` (a hyphen).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

from core.clients.persistient_storage.answers import asking
from core.clients.persistient_storage.azure.connection import KEYS, SCHEME, condition, container, explained, sdk
from core.clients.persistient_storage.azure.download import opened
from core.clients.persistient_storage.azure.writer import BLOCK, AzureWriter, found_metadata
from core.clients.persistient_storage.bucket_client import BucketClient
from core.clients.persistient_storage.receipts import Leftover, Stat, WriteRequest, attachment
from core.errors import FileExists, FileMissing, UnsupportedOperation
from core.schemas.instant import SECOND, from_datetime


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
        for found in self._found(self._place.start(prefix), "metadata"):
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

    def leftovers(self) -> Iterator[Leftover]:
        for found in self._found(self._place.prefix, "uncommittedblobs"):
            name = self._place.name(found.name)
            if name is None or found.size or found.content_settings.content_type:
                continue
            with asking(self._place.url(name), explained):
                blocks = self._blob(name).get_block_list("uncommitted")[1]
            began = [int(ours["began_s"]) for block in blocks if (ours := BLOCK.fullmatch(block.id))]
            if began:
                size = sum(block.size for block in blocks)
                yield Leftover("incomplete upload", self._place.url(name), name, max(began) * SECOND, size)

    def remove_leftover(self, leftover: Leftover) -> None:
        blob, missing = self._blob(leftover.token), {"match_condition": condition("IfMissing")}
        try:
            with asking(leftover.location, explained):
                # Only a commit makes Azure forget blocks.  From the archive the empty blob cannot be read meanwhile.
                made = blob.commit_block_list([], standard_blob_tier=sdk().StandardBlobTier.ARCHIVE, **missing)
                blob.delete_blob(etag=made["etag"], match_condition=condition("IfNotModified"))
        except (FileExists, FileMissing):
            pass

    def _blob(self, file_name: str) -> Any:
        return container(self._place.bucket).get_blob_client(self._place.key(file_name))

    def _found(self, start: str, what: str) -> Iterator[Any]:
        with asking(self._place.address(start), explained):
            yield from container(self._place.bucket).list_blobs(name_starts_with=start, include=[what])


def _stat(name: str, properties: Any) -> Stat:
    metadata, sha256 = found_metadata(properties)
    etag = str(properties.etag).strip('"')
    return Stat(name, properties.size, etag, sha256, from_datetime(properties.last_modified), metadata)
