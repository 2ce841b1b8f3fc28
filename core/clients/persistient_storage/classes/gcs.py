"""The Google client: a bucket of Google Cloud Storage.  It needs ``pip install '.[gcs]'``.

Path: ``gs://bucket/prefix``; the bucket must have been made by somebody else.

From the environment, as Google documents it: ``GOOGLE_APPLICATION_CREDENTIALS``, the file of a service account's
key, or else what ``gcloud auth application-default login`` left, or the account of the machine at Google's.
``STORAGE_EMULATOR_HOST`` (``http://host:port``) is for another server, which is asked without credentials.

A file of up to 8 MiB is one request; a larger one is a resumable upload that becomes visible as one.  It is
cancelled when it fails.  Those of a killed process cannot be listed; they are invisible and vanish after a week.
A file's ETag is its generation.  Policies ``Create`` and ``IfMatch`` are refused for more than 8 MiB where the
server ignores them then, as emulators do; whoever is killed while that is tried out leaves a small hidden object,
which ``yetictl storage clean`` removes.  An emulator that loses an answer may add the bytes of a part twice: that
is said, but only after the file is visible; Google refuses it before.  Compressed files are read as they are
stored.  Links need the key file of a service account.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, BinaryIO

from core.clients.persistient_storage import names
from core.clients.persistient_storage.border import asking
from core.clients.persistient_storage.bucket_client import BucketClient, CountedReader
from core.clients.persistient_storage.gcs.connection import (
    SCHEME,
    SETTINGS,
    connection,
    explained,
    options,
    signer,
)
from core.clients.persistient_storage.gcs.download import Download
from core.clients.persistient_storage.gcs.writer import SHA256, GcsWriter
from core.clients.persistient_storage.receipts import Leftover, Metadata, Stat, WriteRequest, attachment
from core.errors import FileMissing, UnsupportedOperation
from core.schemas.instant import from_datetime

_FIELDS = ("content_type", "cache_control", "content_encoding", "content_disposition")


class GcsClient(BucketClient):
    """Objects in a bucket."""

    PREFIX = SCHEME
    SETTINGS = SETTINGS

    def delete_file(self, file_name: str) -> None:
        self._delete(self._place.key(file_name))

    def open_writer(self, file_name: str, request: WriteRequest) -> GcsWriter:
        self._place.key(file_name)
        return GcsWriter(connection(), self._place, file_name, request)

    def open_reader(self, file_name: str) -> BinaryIO:
        address = self._place.url(file_name)
        with asking(address, explained):
            download = Download(connection(), self._blob(file_name).path, address)
        return CountedReader(address, download.length, download, explained, download.again).buffered()

    def stat(self, file_name: str) -> Stat:
        blob = self._blob(file_name)
        with asking(self._place.url(file_name), explained):
            blob.reload(**options())
        return _stat(file_name, blob)

    def list(self, prefix: str = "") -> Iterator[Stat]:
        for blob in self._found(self._place.start(prefix)):
            name = self._place.listed(blob.name, prefix)
            if name is not None:
                yield _stat(name, blob)

    def presign(self, file_name: str, expires_in_s: int, download_name: str | None) -> str:
        address = self._place.url(file_name)
        with asking(address, explained):
            credentials = signer()
            if credentials is None:
                raise UnsupportedOperation(
                    f"{address}: links need the key file of a service account; set {SETTINGS}"
                )
            link: str = self._blob(file_name).generate_signed_url(
                version="v4",
                expiration=timedelta(seconds=expires_in_s),
                credentials=credentials,
                response_disposition=attachment(download_name) if download_name is not None else None,
            )
            return link

    def leftovers(self) -> Iterator[Leftover]:
        for blob in self._found(self._place.prefix):
            if names.is_part_file(blob.name):
                where, began_at = self._place.address(blob.name), from_datetime(blob.updated)
                yield Leftover("part file", where, blob.name, began_at, blob.size)

    def remove_leftover(self, leftover: Leftover) -> None:
        self._delete(leftover.token)

    def _delete(self, key: str) -> None:
        try:
            with asking(self._place.address(key), explained):
                connection().bucket(self._place.bucket).blob(key).delete(**options())
        except FileMissing:
            pass

    def _found(self, start: str) -> Iterator[Any]:
        with asking(self._place.address(start), explained):
            yield from connection().list_blobs(self._place.bucket, prefix=start, **options())

    def _blob(self, file_name: str) -> Any:
        return connection().bucket(self._place.bucket).blob(self._place.key(file_name))


def _stat(name: str, blob: Any) -> Stat:
    items = dict(blob.metadata or {})
    sha256 = items.pop(SHA256, None)
    metadata = Metadata.found({field: getattr(blob, field) for field in _FIELDS}, items)
    return Stat(name, blob.size, str(blob.generation), sha256, from_datetime(blob.updated), metadata)
