"""The S3 client: a bucket of Amazon S3 or of any server that speaks its protocol.

Path: ``s3://bucket/prefix``; a slash at the end makes no difference, and the prefix may be missing.

Everything else comes from the environment, as boto3 documents it: ``AWS_ACCESS_KEY_ID``,
``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``, ``AWS_PROFILE`` and the files of profiles,
``AWS_DEFAULT_REGION`` (or ``AWS_REGION``), ``AWS_ENDPOINT_URL_S3`` (or ``AWS_ENDPOINT_URL``) for another server,
``AWS_CA_BUNDLE``, ``AWS_MAX_ATTEMPTS``, ``AWS_RETRY_MODE``.  An empty variable counts as unset.

A small file is one request, which needs the right ``s3:PutObject`` and no other; a large one is sent in parts of
8 MiB and becomes visible as one.  A process that is killed meanwhile leaves an incomplete upload, invisible but
paid for: give the bucket a lifecycle rule that removes those.  Policies ``Create`` and ``IfMatch`` are refused
where the server ignores them.  boto3 is imported when the first request is made.
"""

import io
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from core.clients.persistient_storage import names
from core.clients.persistient_storage.receipts import TEXT, Metadata, Stat, WriteRequest, attachment, media_type
from core.clients.persistient_storage.s3.connection import boto3_client
from core.clients.persistient_storage.s3.errors import asking
from core.clients.persistient_storage.s3.place import SCHEME, parsed
from core.clients.persistient_storage.s3.reader import S3Reader
from core.clients.persistient_storage.s3.writer import HEADERS, SHA256, S3Writer
from core.clients.persistient_storage.spec import PersistientStorageClient
from core.clients.persistient_storage.text import decoded, encoded, put
from core.schemas.instant import from_datetime

_READ_BUFFER = 1 << 18


class S3Client(PersistientStorageClient):
    """Objects in a bucket."""

    PREFIX = SCHEME

    def __init__(self, path: str) -> None:
        self._place = parsed(path)

    def file_path(self, file_name: str) -> str:
        return self._place.url(file_name)

    def get_file(self, file_name: str) -> str:
        with self._reader(file_name) as reader:
            return decoded(reader.readall(), self._place.url(file_name))

    def put_file(self, file_name: str, contents: str) -> None:
        data = encoded(contents)
        metadata = Metadata(content_type=media_type(file_name, otherwise=TEXT))
        put(self.open_writer(file_name, WriteRequest(metadata=metadata)), data)

    def delete_file(self, file_name: str) -> None:
        key, address = self._place.key(file_name), self._place.url(file_name)
        with asking(address):
            boto3_client().delete_object(Bucket=self._place.bucket, Key=key)

    def open_writer(self, file_name: str, request: WriteRequest) -> S3Writer:
        names.check(file_name)
        return S3Writer(boto3_client(), self._place, file_name, request)

    def open_reader(self, file_name: str) -> BinaryIO:
        return cast("BinaryIO", io.BufferedReader(self._reader(file_name), _READ_BUFFER))

    def stat(self, file_name: str) -> Stat:
        key, address = self._place.key(file_name), self._place.url(file_name)
        with asking(address):
            answer = boto3_client().head_object(Bucket=self._place.bucket, Key=key)
        items = dict(answer.get("Metadata", {}))
        sha256 = items.pop(SHA256, None)
        metadata = Metadata.found({name: answer.get(field) for name, field in HEADERS.items()}, items)
        return _stat(file_name, answer, answer["ContentLength"], sha256, metadata)

    def list(self, prefix: str = "") -> Iterator[Stat]:
        names.check_prefix(prefix)
        start = self._place.prefix + prefix
        with asking(f"{SCHEME}{self._place.bucket}/{start}"):
            pages = boto3_client().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._place.bucket, Prefix=start):
                for entry in page.get("Contents", ()):
                    name = self._place.name(entry["Key"])
                    # The server knows strings, not parts: asked for "a" it also gives "ab".
                    if name is not None and (not prefix or name == prefix or name.startswith(prefix + "/")):
                        yield _stat(name, entry, entry["Size"], None, Metadata())

    def presign(self, file_name: str, expires_in_s: int, download_name: str | None) -> str:
        target = {"Bucket": self._place.bucket, "Key": self._place.key(file_name)}
        if download_name is not None:
            target["ResponseContentDisposition"] = attachment(download_name)
        with asking(self._place.url(file_name)):
            link: str = boto3_client().generate_presigned_url("get_object", Params=target, ExpiresIn=expires_in_s)
            return link

    def _reader(self, file_name: str) -> S3Reader:
        key, address = self._place.key(file_name), self._place.url(file_name)
        return S3Reader(boto3_client(), self._place.bucket, key, address)


def _stat(name: str, answer: Any, size_bytes: int, sha256: str | None, metadata: Metadata) -> Stat:
    etag = str(answer.get("ETag", "")).strip('"') or None
    modified = answer.get("LastModified")
    return Stat(name, size_bytes, etag, sha256, from_datetime(modified) if modified else None, metadata)
