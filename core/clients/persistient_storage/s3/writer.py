"""Write one object: a single request if it is small, else parts of equal size that become visible as one."""

import logging
from typing import Any

from core.clients.persistient_storage.policies import Create, IfMatch
from core.clients.persistient_storage.receipts import Metadata, Outcome, Stat, WriteRequest
from core.clients.persistient_storage.s3.conditions import require
from core.clients.persistient_storage.s3.connection import is_amazon
from core.clients.persistient_storage.s3.errors import asking, status_of
from core.clients.persistient_storage.s3.place import Place
from core.errors import FileExists, StorageError

_log = logging.getLogger(__name__)

PART_BYTES = 8 << 20
_MOST_PARTS = 10_000
_CONFLICT_ATTEMPTS = 4
_ABORT_ATTEMPTS = 3

HEADERS = {
    "content_type": "ContentType",
    "cache_control": "CacheControl",
    "content_encoding": "ContentEncoding",
    "content_disposition": "ContentDisposition",
}
"""How the fields of `Metadata` are called in requests and answers."""

SHA256 = "sha256"
"""The user metadata that holds the digest, where it was known when the write began."""


class S3Writer:
    """One object that is being written; see `spec.Writer`."""

    def __init__(self, client: Any, place: Place, name: str, request: WriteRequest) -> None:
        self._client, self._name, self._request = client, name, request
        self._target = {"Bucket": place.bucket, "Key": place.key(name)}
        self._address = place.url(name)
        self._condition = _condition(request)
        for condition in self._condition:
            require(client, place, condition)
        # All parts have one size: some servers refuse anything else.  An unknown length must do with 78 GiB.
        needed = -(-(request.size_bytes or 0) // _MOST_PARTS)
        self._part_bytes = max(PART_BYTES, -(-needed // (1 << 20)) << 20)
        self._buffer = bytearray()
        self._size_bytes = 0
        self._upload: str | None = None
        self._parts: list[dict[str, Any]] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes; every full part is sent at once."""
        with memoryview(data) as view, view.cast("B") as octets:
            self._size_bytes += len(octets)
            taken = 0
            while taken < len(octets):
                if len(self._buffer) == self._part_bytes:
                    self._send_part()
                chunk = octets[taken : taken + self._part_bytes - len(self._buffer)]
                self._buffer += chunk
                taken += len(chunk)

    def commit(self, sha256: str) -> tuple[Stat, Outcome]:
        """Make the object visible."""
        try:
            answer = self._put(sha256) if self._upload is None else self._complete()
        except Exception as error:
            if isinstance(self._request.policy, Create) and status_of(error) == 412:
                raise FileExists(f"{self._address}: the name is taken") from error
            with asking(self._address):
                raise
        is_known = self._upload is None or self._request.sha256 is not None
        self._upload = None
        stat = Stat(
            self._name,
            self._size_bytes,
            etag=str(answer.get("ETag", "")).strip('"') or None,
            sha256=sha256 if is_known else None,
            metadata=self._request.metadata,
        )
        outcomes: dict[type, Outcome] = {Create: "created", IfMatch: "replaced"}
        return stat, outcomes.get(type(self._request.policy), "stored")

    def abort(self) -> None:
        """Tell the server to forget the parts; tried again, since parts that stay cost money and are not seen."""
        self._buffer = bytearray()
        upload, self._upload = self._upload, None
        if upload is None:
            return
        for attempt in range(_ABORT_ATTEMPTS):
            try:
                self._client.abort_multipart_upload(**self._target, UploadId=upload)
            except Exception as error:
                if status_of(error) == 404:
                    return
                if attempt == _ABORT_ATTEMPTS - 1:
                    _log.warning(
                        "parts of an upload could not be removed", extra={"file": self._address, "upload": upload}
                    )
            else:
                return

    def _put(self, sha256: str) -> Any:
        options = {**_fields(self._request.metadata, sha256), **self._condition}
        if is_amazon(self._client):
            options["ChecksumSHA256"] = _base64(sha256)
        for attempt in range(_CONFLICT_ATTEMPTS):
            try:
                return self._client.put_object(**self._target, Body=bytes(self._buffer), **options)
            except self._client.exceptions.ClientError as error:
                if status_of(error) != 409 or attempt == _CONFLICT_ATTEMPTS - 1:
                    raise
        raise StorageError(f"{self._address}: not stored")

    def _send_part(self) -> None:
        if len(self._parts) == _MOST_PARTS:
            most = _MOST_PARTS * self._part_bytes
            raise StorageError(f"{self._address}: longer than {most} bytes; say its size beforehand")
        with asking(self._address):
            if self._upload is None:
                fields = _fields(self._request.metadata, self._request.sha256)
                self._upload = self._client.create_multipart_upload(**self._target, **fields)["UploadId"]
            number = len(self._parts) + 1
            answer = self._client.upload_part(
                **self._target, UploadId=self._upload, PartNumber=number, Body=bytes(self._buffer)
            )
        self._parts.append({"ETag": answer["ETag"], "PartNumber": number})
        self._buffer = bytearray()

    def _complete(self) -> Any:
        if self._buffer:
            self._send_part()
        return self._client.complete_multipart_upload(
            **self._target, UploadId=self._upload, MultipartUpload={"Parts": self._parts}, **self._condition
        )


def _condition(request: WriteRequest) -> dict[str, str]:
    match request.policy:
        case Create():
            return {"IfNoneMatch": "*"}
        case IfMatch(etag):
            return {"IfMatch": f'"{etag}"'}
        case _:
            return {}


def _fields(metadata: Metadata, sha256: str | None) -> dict[str, Any]:
    fields: dict[str, Any] = {HEADERS[name]: value for name, value in metadata.headers().items()}
    items = {**metadata.items, **({SHA256: sha256} if sha256 else {})}
    return {**fields, "Metadata": items} if items else fields


def _base64(sha256: str) -> str:
    from base64 import b64encode

    return b64encode(bytes.fromhex(sha256)).decode()
