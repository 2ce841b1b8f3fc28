"""Write one object: a single request if it is small, else parts of equal size that become visible as one."""

from typing import Any

from core.clients.persistient_storage.policies import Create, IfMatch
from core.clients.persistient_storage.receipts import Outcome, Stat, WriteRequest
from core.clients.persistient_storage.s3.conditions import require
from core.clients.persistient_storage.s3.connection import Connection
from core.clients.persistient_storage.s3.errors import asking, status_of, was_retried
from core.clients.persistient_storage.s3.octets import body, sha256_field
from core.clients.persistient_storage.s3.place import S3Place
from core.clients.persistient_storage.s3.uploads import Upload
from core.errors import FileExists, StorageError

PART_BYTES = 8 << 20
_MOST_PARTS = 10_000
_CONFLICT_ATTEMPTS = 4

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

    def __init__(self, link: Connection, place: S3Place, name: str, request: WriteRequest) -> None:
        self._link, self._place, self._name, self._request = link, place, name, request
        self._key = place.key(name)
        self._address = place.address(self._key)
        self._condition = _condition(request)
        for condition in self._condition:
            require(link, place, condition)
        # All parts have one size: some servers refuse anything else.  An unknown length must do with 78 GiB.
        needed = -(-(request.size_bytes or 0) // _MOST_PARTS)
        self._part_bytes = max(PART_BYTES, -(-needed // (1 << 20)) << 20)
        self._buffer, self._filled = bytearray(), 0
        self._size_bytes = 0
        self._upload: Upload | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes; a full part is sent as soon as more come."""
        with memoryview(data) as view, view.cast("B") as octets:
            self._size_bytes += len(octets)
            taken = 0
            while taken < len(octets):
                if self._filled == self._part_bytes:
                    self._send_part()
                chunk = octets[taken : taken + self._part_bytes - self._filled]
                self._keep(chunk)
                taken += len(chunk)

    def commit(self, sha256: str) -> tuple[Stat, Outcome]:
        """Make the object visible."""
        try:
            answer = self._put(sha256) if self._upload is None else self._complete(self._upload)
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
        """Leave no parts behind."""
        self._buffer, self._filled = bytearray(), 0
        upload, self._upload = self._upload, None
        if upload is not None:
            upload.forget()

    def _put(self, sha256: str) -> Any:
        client, target = self._link.client, self._place.target(self._key)
        options = {**self._fields(sha256), **self._condition}
        if self._link.gives_checksums:
            options["ChecksumSHA256"] = sha256_field(sha256)
        for attempt in range(_CONFLICT_ATTEMPTS):
            try:
                return client.put_object(**target, Body=body(memoryview(self._buffer)), **options)
            except client.exceptions.ClientError as error:
                status = status_of(error)
                if status == 412 and was_retried(error):
                    # The answer to the first try was lost, and the object that is in the way may be this one.
                    there = client.head_object(**target)
                    if there["Metadata"].get(SHA256) == sha256:
                        return there
                if status != 409 or attempt == _CONFLICT_ATTEMPTS - 1:
                    raise
        raise StorageError(f"{self._address}: not stored")

    def _keep(self, chunk: memoryview) -> None:
        end = self._filled + len(chunk)
        if end > len(self._buffer):
            self._buffer += chunk  # the first part, which grows with the file: most files are small
        else:
            with memoryview(self._buffer) as view:
                view[self._filled : end] = chunk
        self._filled = end

    def _send_part(self) -> None:
        if self._upload is None:
            for condition in self._condition:
                require(self._link, self._place, condition, in_parts=True)
            fields = self._fields(self._request.sha256)
            self._upload = Upload(self._link, self._place, self._key, fields)
        elif self._upload.parts == _MOST_PARTS:
            most = _MOST_PARTS * self._part_bytes
            raise StorageError(f"{self._address}: longer than {most} bytes; say its size beforehand")
        self._buffer = self._upload.send(self._buffer, self._filled)
        self._filled = 0

    def _complete(self, upload: Upload) -> Any:
        if self._filled:
            self._send_part()
        return upload.complete(self._condition)

    def _fields(self, sha256: str | None) -> dict[str, Any]:
        """Return what goes with the making of the object."""
        metadata = self._request.metadata
        fields: dict[str, Any] = {HEADERS[name]: value for name, value in metadata.headers().items()}
        fields.update(self._place.options.stored)
        items = {**metadata.items, **({SHA256: sha256} if sha256 else {})}
        return {**fields, "Metadata": items} if items else fields


def _condition(request: WriteRequest) -> dict[str, str]:
    match request.policy:
        case Create():
            return {"IfNoneMatch": "*"}
        case IfMatch(etag):
            return {"IfMatch": f'"{etag}"'}
        case _:
            return {}
