"""One upload in parts: begun, fed one part at a time behind the caller's back, completed or forgotten."""

import hashlib
import logging
import os
import threading
import time
from collections import deque
from typing import Any

from core.clients.persistient_storage.s3.connection import Connection
from core.clients.persistient_storage.s3.errors import asking, explained, status_of, was_retried
from core.clients.persistient_storage.s3.octets import body, crc32, crc32_field
from core.clients.persistient_storage.s3.place import S3Place
from core.errors import StorageUnavailable

_log = logging.getLogger(__name__)

_FORGET_ATTEMPTS = 4

_STARTED_WITHIN_S = 1


class Upload:
    """An upload in parts that the server knows of.

    A part goes its way by a thread of its own while the caller fills the next, and that is sent before the first
    is through: no more than two are in memory.  What goes wrong with a part is raised by the next call.

    Args:
        connection: Where to.
        place: The bucket, with its options.
        key: The object's.
        fields: Its metadata and what else goes with the making of an object.
    """

    def __init__(self, connection: Connection, place: S3Place, key: str, fields: dict[str, Any]) -> None:
        self._client, self._target, self._address = connection.client, place.target(key), place.address(key)
        self._gives_checksums = connection.gives_checksums
        self._process = os.getpid()
        self._parts: list[dict[str, Any]] = []
        self._crc32 = 0
        self._on_their_way: deque[tuple[threading.Thread, bytearray]] = deque()
        self._failure: BaseException | None = None
        with asking(self._address):
            sums = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"} if self._gives_checksums else {}
            self._id = self._client.create_multipart_upload(**self._target, **fields, **sums)["UploadId"]

    @property
    def parts(self) -> int:
        """How many parts were sent or are on their way."""
        return len(self._parts)

    def send(self, buffer: bytearray, filled: int) -> bytearray:
        """Send the next part, the first *filled* bytes of *buffer*, and return a buffer of its size for another.

        The same two serve all parts: buffers that come and go leave holes, which was 10 MiB in one run of eight.
        """
        self._check()
        part: dict[str, Any] = {"PartNumber": len(self._parts) + 1}
        self._parts.append(part)
        octets = memoryview(buffer)[:filled]
        sums = self._sums(octets) if self._gives_checksums else {}
        thread = threading.Thread(target=self._send, args=(part, octets, sums), name="s3-part", daemon=True)
        self._on_their_way.append((thread, buffer))
        try:
            thread.start()
        except RuntimeError:  # no more threads to be had, or the interpreter is ending
            self._on_their_way.pop()
            self._send(part, octets, sums)
            self._check()
            return buffer
        except BaseException as interruption:  # it may run all the same: starting waits until it does
            self._failure = interruption
            raise
        try:
            # Two are on their way for as long as this takes; while the caller fills the next, one is.
            return self._wait(1) or bytearray(len(buffer))
        except BaseException as interruption:  # the caller still holds the buffer, and must not send it again
            self._failure = interruption
            raise

    def complete(self, condition: dict[str, str]) -> Any:
        """Make the object visible, and return what the server says to that."""
        self._wait(0)
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
        for thread, _ in self._on_their_way:
            deadline = time.monotonic() + _STARTED_WITHIN_S
            while thread.ident is None and time.monotonic() < deadline:
                time.sleep(0.001)  # its start was interrupted: it runs soon, or never will
            if thread.ident is not None:
                thread.join()  # a part that arrives later would stay
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

    def _sums(self, octets: memoryview) -> dict[str, str]:
        self._crc32 = crc32(octets, self._crc32)
        return {"ChecksumCRC32": crc32_field(crc32(octets))}

    def _send(self, part: dict[str, Any], octets: memoryview, sums: dict[str, str]) -> None:
        try:
            answer = self._client.upload_part(
                **self._target, UploadId=self._id, PartNumber=part["PartNumber"], Body=body(octets), **sums
            )
            part["ETag"] = answer["ETag"]
        except BaseException as failure:
            self._failure = failure

    def _wait(self, most: int) -> bytearray | None:
        """Wait until no more than *most* parts are on their way, and raise what went wrong with any.

        Returns:
            The buffer of the last that was waited for.
        """
        self._check()
        free = None
        while len(self._on_their_way) > most:
            self._on_their_way[0][0].join()
            free = self._on_their_way.popleft()[1]
        self._check()
        return free

    def _check(self) -> None:
        if os.getpid() != self._process:
            raise StorageUnavailable(f"{self._address}: the write was begun by another process; begin it anew")
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
