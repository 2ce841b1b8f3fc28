"""The S3 client: a bucket of Amazon S3 or of any server that speaks its protocol.

Path: ``s3://bucket/prefix``; a slash at the end makes no difference, and the prefix may be missing.  Options follow
behind a question mark, percent-encoded where they must be, as in
``s3://lists/feeds?storage-class=STANDARD_IA&tag:team=intel&tag:tlp=clear``:

=========================  ==================================================================================
``storage-class``          of the objects that are stored: ``STANDARD_IA``, ``INTELLIGENT_TIERING``, …
``kms-key-id``             encrypt them with this key (SSE-KMS); by default the bucket decides
``acl``                    ``bucket-owner-full-control`` or another of Amazon's names; by default none is sent
``tag:NAME``               a tag with this value; up to ten
``expected-bucket-owner``  the account (12 digits) whose bucket it must be, or every request is refused
=========================  ==================================================================================

Everything else comes from the environment, as boto3 documents it: ``AWS_ACCESS_KEY_ID``,
``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``, ``AWS_PROFILE`` and the files of profiles,
``AWS_DEFAULT_REGION`` (or ``AWS_REGION``), ``AWS_ENDPOINT_URL_S3`` (or ``AWS_ENDPOINT_URL``) for another server,
``AWS_CA_BUNDLE``, ``AWS_MAX_ATTEMPTS``, ``AWS_RETRY_MODE``, ``AWS_REQUEST_CHECKSUM_CALCULATION``.  An empty
variable counts as unset.  boto3 is imported when the first request is made.

A file up to 8 MiB is one request, which needs the right ``s3:PutObject`` and no other; a larger one is sent in
parts of 8 MiB, two of them in memory, and becomes visible as one.  Without its size said beforehand a file may have
78 GiB.  A server that cannot be reached is given up after 5 s, one that says nothing after 30 s; errors of the
server are tried again for a few seconds.  The keys of prefix and name together have up to 1024 bytes.

A process that is killed leaves an incomplete upload, invisible but paid for; ``yetictl storage clean`` removes it,
if the path has a prefix: in a whole bucket nobody can tell whose upload it is, and a lifecycle rule is the remedy.

What it cannot promise: policies ``Create`` and ``IfMatch`` are refused where the server ignores them, which is
tried out and takes the right to delete; for files above 8 MiB that is a trial of its own, and may end otherwise.
Links die with the credentials that made them: those of a role after hours, however long they were to live; and a
link is not bound to ``expected-bucket-owner``, since browsers could not open it.  On other servers than Amazon's
the parts of a large file are covered by signatures alone.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from core.clients.persistient_storage.bucket_client import BucketClient
from core.clients.persistient_storage.receipts import Leftover, Metadata, Stat, WriteRequest, attachment
from core.clients.persistient_storage.s3 import leftovers
from core.clients.persistient_storage.s3.connection import connection
from core.clients.persistient_storage.s3.errors import asking
from core.clients.persistient_storage.s3.place import SCHEME, SETTINGS, S3Place, parsed
from core.clients.persistient_storage.s3.reader import S3Reader
from core.clients.persistient_storage.s3.writer import HEADERS, SHA256, S3Writer
from core.schemas.instant import from_datetime


class S3Client(BucketClient):
    """Objects in a bucket."""

    PREFIX = SCHEME
    SETTINGS = SETTINGS

    _place: S3Place

    def __init__(self, path: str) -> None:
        self._place = parsed(path)

    def delete_file(self, file_name: str) -> None:
        key = self._place.key(file_name)
        client = self._client(key)
        with asking(self._place.address(key)):
            client.delete_object(**self._place.target(key))

    def open_writer(self, file_name: str, request: WriteRequest) -> S3Writer:
        return S3Writer(connection(self._place.url(file_name)), self._place, file_name, request)

    def open_reader(self, file_name: str) -> BinaryIO:
        key = self._place.key(file_name)
        return cast("BinaryIO", S3Reader(self._client(key), self._place, key).buffered())

    def stat(self, file_name: str) -> Stat:
        key = self._place.key(file_name)
        client = self._client(key)
        with asking(self._place.address(key)):
            answer = client.head_object(**self._place.target(key))
        items = dict(answer.get("Metadata", {}))
        sha256 = items.pop(SHA256, None)
        metadata = Metadata.found({name: answer.get(field) for name, field in HEADERS.items()}, items)
        return _stat(file_name, answer, answer["ContentLength"], sha256, metadata)

    def list(self, prefix: str = "") -> Iterator[Stat]:
        start = self._place.start(prefix)
        with asking(self._place.address(start)):
            pages = self._client(start).get_paginator("list_objects_v2")
            for page in pages.paginate(**self._place.whole(), Prefix=start):
                for entry in page.get("Contents", ()):
                    name = self._place.listed(entry["Key"], prefix)
                    if name is not None:
                        yield _stat(name, entry, entry["Size"], None, Metadata())

    def presign(self, file_name: str, expires_in_s: int, download_name: str | None) -> str:
        key = self._place.key(file_name)
        # Without the expected owner: it would be a signed header, which no browser sends.
        target = {"Bucket": self._place.bucket, "Key": key}
        if download_name is not None:
            target["ResponseContentDisposition"] = attachment(download_name)
        client = self._client(key)
        with asking(self._place.address(key)):
            link: str = client.generate_presigned_url("get_object", Params=target, ExpiresIn=expires_in_s)
            return link

    def leftovers(self) -> Iterator[Leftover]:
        return leftovers.below(self._client(self._place.prefix), self._place)

    def remove_leftover(self, leftover: Leftover) -> None:
        leftovers.remove(self._client(self._place.prefix), self._place, leftover)

    def _client(self, key: str) -> Any:
        return connection(self._place.address(key)).client


def _stat(name: str, answer: Any, size_bytes: int, sha256: str | None, metadata: Metadata) -> Stat:
    etag = str(answer.get("ETag", "")).strip('"') or None
    modified = answer.get("LastModified")
    return Stat(name, size_bytes, etag, sha256, from_datetime(modified) if modified else None, metadata)
