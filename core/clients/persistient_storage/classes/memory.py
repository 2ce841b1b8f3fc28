"""The memory client: files in the memory of this process, for tests of programs that publish.

Path: ``memory://any-name``; all clients of one name share their files, and a new name is an empty place.

It has all verbs, metadata and write policies, and it forgets everything when the process ends.  It cannot promise
``fork``: a child would write into a memory of its own that nobody else sees, so every use there is refused.
There are no links for others.

    storage = Storage(get_client(f"memory://{uuid4()}"))
"""

import io
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from core.clients.persistient_storage import names
from core.clients.persistient_storage.policies import Create, IfMatch
from core.clients.persistient_storage.receipts import TEXT, Outcome, Stat, WriteRequest, default_metadata
from core.clients.persistient_storage.spec import PersistientStorageClient
from core.clients.persistient_storage.text import decoded, encoded, put
from core.errors import FileExists, FileMissing, InvalidStoragePath, PreconditionFailed, UnsupportedOperation

Box = dict[str, tuple[bytes, Stat]]

_boxes: dict[str, Box] = {}
_lock = threading.Lock()
_process = os.getpid()


class MemoryClient(PersistientStorageClient):
    """Files that are gone with the process."""

    PREFIX = "memory://"
    CANNOT_PROMISE = frozenset({"fork"})

    def __init__(self, path: str) -> None:
        name = path.removeprefix(self.PREFIX).strip("/")
        if not name:
            raise InvalidStoragePath(f"{path} names no place; the form is {self.PREFIX}any-name")
        self._path = self.PREFIX + name

    def file_path(self, file_name: str) -> str:
        return f"{self._path}/{names.check(file_name)}"

    def get_file(self, file_name: str) -> str:
        return decoded(self._found(file_name)[0], self.file_path(file_name))

    def put_file(self, file_name: str, contents: str) -> None:
        metadata = default_metadata(file_name, otherwise=TEXT)
        put(self.open_writer(file_name, WriteRequest(metadata=metadata)), encoded(contents))

    def delete_file(self, file_name: str) -> None:
        self._box().pop(names.check(file_name), None)

    def open_writer(self, file_name: str, request: WriteRequest) -> "MemoryWriter":
        return MemoryWriter(self._box(), names.check(file_name), request, self.file_path(file_name))

    def open_reader(self, file_name: str) -> BinaryIO:
        return io.BytesIO(self._found(file_name)[0])

    def stat(self, file_name: str) -> Stat:
        return self._found(file_name)[1]

    def list(self, prefix: str = "") -> Iterator[Stat]:
        for name, (_, stat) in sorted(self._box().items()):
            if not names.check_prefix(prefix) or name == prefix or name.startswith(prefix + "/"):
                yield stat

    def _box(self) -> Box:
        if os.getpid() != _process:
            raise UnsupportedOperation(f"{self._path} is in the memory of another process, which forked this one")
        return _boxes.setdefault(self._path, {})

    def _found(self, file_name: str) -> tuple[bytes, Stat]:
        try:
            return self._box()[names.check(file_name)]
        except KeyError:
            raise FileMissing(f"{self.file_path(file_name)}: there is no such file") from None


class MemoryWriter:
    """One file that is being written; see `spec.Writer`."""

    def __init__(self, box: Box, name: str, request: WriteRequest, place: str) -> None:
        self._box, self._name, self._request, self._place = box, name, request, place
        self._data = io.BytesIO()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._data.write(data)

    def commit(self, sha256: str) -> tuple[Stat, Outcome]:
        data = self._data.getvalue()
        stat = Stat(self._name, len(data), os.urandom(8).hex(), sha256, metadata=self._request.metadata)
        with _lock:
            there = self._box.get(self._name)
            match self._request.policy:
                case Create() if there:
                    raise FileExists(f"{self._place}: the name is taken")
                case IfMatch(etag) if not there or there[1].etag != etag:
                    found = there[1].etag if there else "gone"
                    raise PreconditionFailed(f"{self._place}: somebody else changed it; its ETag is {found}")
            self._box[self._name] = data, (stat := replace(stat, modified_at=time.time_ns() // 1_000))
        return stat, "replaced" if there else "created"

    def abort(self) -> None:
        self._data = io.BytesIO()
