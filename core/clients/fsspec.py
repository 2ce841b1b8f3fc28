"""Published files for every program that reads through fsspec: pandas, DuckDB, Dask, pyarrow.

    pandas.read_csv("yeti://lists/c2.csv", storage_options={"path": "s3://bucket/prefix"})
    fsspec.filesystem("yeti", path="/opt/yeti/exports").ls("lists")

``path`` is any storage path, as for `get_client`; what follows ``yeti://`` is the file's name there.  `Storage` does
the work: names are checked, errors are ours, a file is written whole or not at all (`fsspec_files.Writer`), and what
a client cannot carry is refused in words.  Folders are made of names: one without files is not there.

fsspec comes with the extra ``fsspec``: ``pip install '.[fsspec]'``.
"""

import io
import os
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from functools import partial
from typing import Any, BinaryIO

from core.clients import fsspec_entries as entries
from core.clients.fsspec_files import Reader, TextWriter, Writer
from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.extras import needed
from core.clients.persistient_storage.policies import Create, Replace
from core.clients.persistient_storage.receipts import WriteRequest
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileExists,
    FileMissing,
    InvalidFileName,
    InvalidStoragePath,
    StoragePermissionDenied,
    UnsupportedOperation,
)

_fsspec: Any = needed("fsspec", extra="fsspec", scheme="yeti://")
_NO_CALLBACK: Any = _fsspec.callbacks.DEFAULT_CALLBACK
_CHUNK_BYTES = 1 << 20
_MODES = {"overwrite": "wb", "create": "xb"}


class YetiFileSystem(_fsspec.AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """A storage as a file system of fsspec.

    It may be used by several threads and after a fork, with any client that has a place for them.

    Args:
        path: The storage path.
        options: What fsspec itself understands.
    """

    protocol = "yeti"
    root_marker = "/"  # without it fsspec takes a copy of "a.csv" into folder "b" for one that is to be called "b"
    cachable = False  # making one is cheap, and a drop-in client that was changed must be used at once

    def __init__(self, path: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        if path is None:
            raise InvalidStoragePath(
                "yeti:// must be told where the files are: give storage_options={'path': 's3://bucket/prefix'}, "
                "or set FSSPEC_YETI_PATH before fsspec is imported"
            )
        self._path = os.fspath(path)
        client = get_client(self._path)
        self._is_shared = {"fork", "threads"}.isdisjoint(getattr(client, "CANNOT_PROMISE", ()))
        self._first, self._here = Storage(client), _Here()

    @property
    def _storage(self) -> Storage:
        if self._is_shared:
            return self._first
        here, process = self._here, os.getpid()
        if here.storage is None or here.process != process:  # one client for each thread of each process
            here.storage, here.process = Storage(get_client(self._path)), process
        return here.storage

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        stripped = super()._strip_protocol(path)
        return stripped if isinstance(stripped, list) else cls.root_marker + stripped.strip("/")

    def _name(self, path: Any) -> str:
        """Return the name in the storage: fsspec's path without its first slash."""
        return str(self._strip_protocol(path)[1:])

    def info(self, path: Any, **_: Any) -> entries.Entry:
        """Return what is known of the file or folder."""
        name = self._name(path)
        if not name:
            return entries.folder("")
        try:
            return entries.file(self._storage.stat(name))
        except FileMissing:
            if self._has_files_below(name):
                return entries.folder(name)
            raise

    def ls(self, path: Any, detail: bool = True, **_: Any) -> list[Any]:
        """Return what is in the folder, without what is in its folders; or the file itself."""
        name = self._name(path)
        found = self.find(name, maxdepth=1, withdirs=True, detail=True)
        if entry := found.pop(f"/{name}", None):
            found = {entry["name"]: entry, **found} if entry["type"] == "file" else found
        elif name:
            raise FileMissing(f"{self._place(name)}: there is no such file or folder")
        return list(found.values() if detail else found)

    def find(
        self, path: Any, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **_: Any
    ) -> Any:
        """Return all files below *path*, by one list of the storage; with *withdirs* the folders too."""
        name = self._name(path)
        if maxdepth is not None and maxdepth < 1:
            raise ValueError("maxdepth must be at least 1")
        found = entries.tree(self._storage.list(name), name, maxdepth, with_folders=withdirs)
        return found if detail else list(found)

    def du(
        self, path: Any, total: bool = True, maxdepth: int | None = None, withdirs: bool = False, **_: Any
    ) -> Any:
        """Return how many bytes the files below *path* have."""
        found = self.find(path, maxdepth=maxdepth, withdirs=withdirs, detail=True)
        sizes = {name: entry["size"] for name, entry in found.items()}
        return sum(sizes.values()) if total else sizes

    def exists(self, path: Any, **_: Any) -> bool:
        """Say whether there is such a file or folder; a storage that does not answer is an error, not a no."""
        return self._type(path) is not None

    def isfile(self, path: Any) -> bool:
        """Say whether there is such a file."""
        return self._type(path) == "file"

    def isdir(self, path: Any) -> bool:
        """Say whether there is a file below."""
        return self._type(path) == "directory"

    def modified(self, path: Any) -> datetime:
        """Return when the file was stored."""
        moment: datetime | None = self.info(path).get("modified")
        if moment is None:
            raise UnsupportedOperation(f"{path}: it is not known when it was stored")
        return moment

    def created(self, path: Any) -> datetime:
        """Return when the file was stored, which is when it was made: files are replaced whole."""
        return self.modified(path)

    def sign(self, path: Any, expiration: int = 100, download_name: str | None = None, **_: Any) -> str:
        """Return a link that gives the file to whoever has it, for so many seconds."""
        return self._storage.presign(self._name(path), expiration, download_name=download_name)

    def open(
        self,
        path: Any,
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: Any = None,
        compression: str | None = None,
        **options: Any,
    ) -> Any:
        """Return the file; see `fsspec_files.Writer` for what publishes one that is written.

        Text is UTF-8 unless *encoding* says otherwise.  Other options, when writing, are those of
        `Storage.open_writer`: ``content_type``, ``cache_control``, ``metadata``, …
        """
        if "b" in mode:
            is_read = mode == "rb"
            codec = None if is_read else _fsspec.core.get_compression(self._strip_protocol(path), compression)
            options = options if codec is None else {**options, "codec": codec}
            return super().open(path, mode, compression=compression if is_read else None, **options)
        text = {key: options.pop(key) for key in ("encoding", "errors", "newline") if key in options}
        file = self.open(path, mode.replace("t", "") + "b", compression=compression, **options)
        wrapper = io.TextIOWrapper if "r" in mode else TextWriter
        return wrapper(file, **{"encoding": "utf-8", **text})

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: Any = None,
        autocommit: bool = True,
        cache_options: Any = None,
        codec: str | None = None,
        **options: Any,
    ) -> Reader | Writer:
        name, storage = self._name(path), self._storage
        if mode == "rb":
            return Reader(name, partial(storage.open_reader, name), lambda: storage.stat(name).size_bytes)
        if mode not in _MODES.values():
            raise UnsupportedOperation(
                f"{name} cannot be opened with mode {mode!r}: files are published whole; known: rb, wb, xb"
            )
        if mode == "xb":
            self._check_free(name)
            options["policy"] = Create()
        if codec == "gzip":
            options["compression"] = codec  # ours: the same bytes give the same file
        publication = storage.open_writer(name, **options)
        return Writer(publication, compress=_compressor(codec), is_held=not autocommit)

    def pipe_file(self, path: Any, value: Any, mode: str = "overwrite", **options: Any) -> None:
        """Store the bytes; with mode ``create`` only if the name is free."""
        self._store(path, (value,), mode, {"size_bytes": memoryview(value).nbytes, **options}, _NO_CALLBACK)

    def put_file(
        self, lpath: Any, rpath: Any, callback: Any = _NO_CALLBACK, mode: str = "overwrite", **options: Any
    ) -> None:
        """Store a file of this machine; one whose size changes meanwhile is not stored."""
        if os.path.isdir(lpath):  # noqa: PTH112 - bytes too
            return
        with open(lpath, "rb") as file:  # noqa: PTH123 - bytes too
            size = os.fstat(file.fileno()).st_size
            callback.set_size(size)
            chunks = iter(partial(file.read, _CHUNK_BYTES), b"")
            self._store(rpath, chunks, mode, {"size_bytes": size, **options}, callback)

    def cp_file(self, path1: Any, path2: Any, **_: Any) -> None:
        """Copy one file with its metadata: read and written, and published whole or not at all."""
        source, target = self._name(path1), self._name(path2)
        if source == target:
            raise FileExists(f"{self._place(source)} cannot be copied onto itself")
        try:
            request = WriteRequest(Replace(), self._storage.stat(source).metadata)
        except FileMissing:
            if self._has_files_below(source):
                return  # a folder comes to be with its files
            raise
        with (
            closing(self._storage.open_reader(source)) as file,
            self._storage.begin(target, request) as copy,
        ):
            while data := file.read(_CHUNK_BYTES):
                copy.write(data)

    def mv(self, path1: Any, path2: Any, recursive: bool = False, maxdepth: int | None = None, **_: Any) -> None:
        """Copy, then delete what was there when the copying began."""
        if self._strip_protocol(path1) == self._strip_protocol(path2):
            return
        names = self._files_of(path1, recursive, maxdepth)
        self.copy(path1, path2, recursive=recursive, maxdepth=maxdepth, on_error="raise")
        for name in names:
            self._storage.delete(name)

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:
        """Delete files, and with *recursive* all that are below."""
        for name in self._files_of(path, recursive, maxdepth):
            self._storage.delete(name)

    def _rm(self, path: Any) -> None:
        self.rm(path)

    def _files_of(self, path: Any, recursive: bool, maxdepth: int | None) -> list[str]:
        found: set[str] = set()
        for each in self.expand_path(path):
            if not recursive and self.info(each)["type"] == "directory":
                raise FileExists(f"{each} is a folder; recursive=True stands for all files in it")
            found.update(self.find(each, maxdepth=maxdepth) if recursive else [each])
        if not found:
            raise FileMissing(f"{path}: there is no such file or folder")
        return [self._name(each) for each in sorted(found)]

    def _store(self, path: Any, chunks: Iterable[Any], mode: str, options: dict[str, Any], callback: Any) -> None:
        with self.open(path, _MODES[mode], **options) as file:
            for chunk in chunks:
                file.write(chunk)
                callback.relative_update(memoryview(chunk).nbytes)

    def _type(self, path: Any) -> str | None:
        try:
            return str(self.info(path)["type"])
        except (FileMissing, InvalidFileName):
            return None

    def _has_files_below(self, name: str) -> bool:
        try:
            return any(True for _ in self._storage.list(name))
        except UnsupportedOperation:  # then folders cannot be known
            return False

    def _check_free(self, name: str) -> None:
        try:
            self._storage.stat(name)
        except (FileMissing, StoragePermissionDenied):  # who may write need not be allowed to read
            return
        raise FileExists(f"{self._place(name)}: the name is taken")

    def _place(self, name: str) -> str:
        return self._storage.client.file_path(name)


class _Here(threading.local):
    storage: Storage | None = None
    process = 0


def _compressor(codec: str | None) -> Callable[[BinaryIO], Any] | None:
    return None if codec in (None, "gzip") else partial(_fsspec.compression.compr[codec], mode="w")
