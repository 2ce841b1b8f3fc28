"""One upload in parts: begun, fed one part at a time behind the caller's back, completed or forgotten."""

import hashlib
import logging
import os
import threading
from typing import Any

from core.clients.persistient_storage.s3.connection import Connection
from core.clients.persistient_storage.s3.errors import asking, explained, status_of, was_retried
from core.clients.persistient_storage.s3.octets import body, crc32, crc32_field
from core.clients.persistient_storage.s3.place import Place
from core.errors import StorageUnavailable

_log = logging.getLogger(__name__)

_FORGET_ATTEMPTS = 4


class Upload:
    """An upload in parts that the server knows of.

    One part is on its way, by a thread of its own, while the caller fills the next: no more than two are in
    memory.  What goes wrong with a part is raised by the next call.

    Args:
        connection: Where to.
        place: The bucket, with its options.
        key: The object's.
        fields: Its metadata and what else goes with the making of an object.
    """

    def __init__(self, connection: Connection, place: Place, key: str, fields: dict[str, Any]) -> None:
        self._client, self._target, self._address = connection.client, place.target(key), place.address(key)
        self._gives_checksums = connection.gives_checksums
        self._process = os.getpid()
        self._parts: list[dict[str, Any]] = []
        self._crc32 = 0
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        with asking(self._address):
            sums = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"} if self._gives_checksums else {}
            self._id = self._client.create_multipart_upload(**self._target, **fields, **sums)["UploadId"]

    @property
    def parts(self) -> int:
        """How many parts were sent or are on their way."""
        return len(self._parts)

    def send(self, buffer: bytearray) -> None:
        """Send the next part; *buffer* is the upload's from now on."""
        self._wait()
        part: dict[str, Any] = {"PartNumber": len(self._parts) + 1}
        self._parts.append(part)
        thread = threading.Thread(target=self._send, args=(part, buffer), name="s3-part", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads to be had, or the interpreter is ending
            self._send(part, buffer)
        else:
            self._thread = thread

    def complete(self, condition: dict[str, str]) -> Any:
        """Make the object visible, and return what the server says to that."""
        self._wait()
        sums = {"ChecksumCRC32": crc32_field(self._crc32), "ChecksumType": "FULL_OBJECT"}
        try:
            return self._client.complete_multipart_upload(
                **self._target,
                UploadId=self._id,
                MultipartUpload={"Parts": self._parts},
                **condition,
                **(sums if self._gives_checksums else {}),
            )
        except self._client.exceptions.ClientError as error:
            if not was_retried(error) or status_of(error) != 404:
                raise
            # The answer to the first try was lost, and by the second the upload was an object already.
            there = self._client.head_object(**self._target)
            if there["ETag"] != self._etag():
                raise
            return there

    def forget(self) -> None:
        """Make the server drop the parts; if it cannot be had, say so in the log: they cost money, unseen."""
        if os.getpid() != self._process:
            return  # a forked child holds a copy of what its parent is still doing
        if self._thread is not None:
            self._thread.join()  # a part that arrives later would stay
        try:
            forget(self._client, self._target, self._id)
        except Exception as error:
            said = {"file": self._address, "upload": self._id, "reason": str(explained(error, self._address))}
            _log.warning("parts of an upload could not be removed", extra=said)

    def _etag(self) -> str:
        """Return the ETag that Amazon, and most who follow it, give to an object made of these parts."""
        try:
            sums = b"".join(bytes.fromhex(part["ETag"].strip('"')) for part in self._parts)
        except ValueError:
            return ""
        return f'"{hashlib.md5(sums, usedforsecurity=False).hexdigest()}-{len(self._parts)}"'

    def _send(self, part: dict[str, Any], buffer: bytearray) -> None:
        try:
            sums = {}
            if self._gives_checksums:
                sums["ChecksumCRC32"] = crc32_field(crc32(buffer))
                self._crc32 = crc32(buffer, self._crc32)
            answer = self._client.upload_part(
                **self._target, UploadId=self._id, PartNumber=part["PartNumber"], Body=body(buffer), **sums
            )
            part["ETag"] = answer["ETag"]
        except BaseException as failure:
            self._failure = failure

    def _wait(self) -> None:
        """Wait for the part that is on its way, and raise what went wrong with it."""
        if os.getpid() != self._process:
            raise StorageUnavailable(f"{self._address}: the write was begun by another process; begin it anew")
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._failure is not None:
            with asking(self._address):
                raise self._failure


def forget(client: Any, target: dict[str, str], upload: str) -> None:
    """Abort an upload until the server says that it knows no such: a part that was arriving outlives an abort.

    Raises:
        Exception: Whatever boto3 raises, or `StorageUnavailable` if parts keep arriving.
    """
    for attempt in range(_FORGET_ATTEMPTS):
        try:
            client.abort_multipart_upload(**target, UploadId=upload)
            client.list_parts(**target, UploadId=upload, MaxParts=1)
        except client.exceptions.ClientError as error:
            match status_of(error):
                case 404:
                    return
                case 403 | 501 if error.operation_name == "ListParts":  # no right to look; the abort was done
                    return
                case status if attempt == _FORGET_ATTEMPTS - 1 or status is None or status < 500:
                    raise
    raise StorageUnavailable(f"upload {upload} still gets parts: somebody is writing it; try again later")
