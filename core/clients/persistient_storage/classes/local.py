"""The local client: a folder of this machine.  It serves every path that no other client claims.

Path: ``/opt/yeti/exports``, ``exports`` (below the working folder of now), ``~/exports``.

A file is written beside its place and renamed, with file and folder flushed to the disk: a reader sees the old
file or the new one, whatever happens, a power cut included.  Rights follow the umask and the folder's default
ACL.  Names cannot leave the folder, and symbolic links below it are not followed.  Metadata beyond the content
type that the name implies is kept in an extended attribute, or in a hidden file ``.yeti-<16 digits>.meta`` where
the file system has none.  That file is found by the inode: where inodes get other numbers (a copy to another disk,
some network file systems after a restart), such metadata is lost until the file is published again.  A process
that is killed while writing may leave a hidden file ``.yeti-<16 digits>.part``, which nobody takes for an export;
``yetictl storage clean`` removes it.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from core.clients.persistient_storage import names
from core.clients.persistient_storage.border import wrapped
from core.clients.persistient_storage.local import leftovers, metadata, walk
from core.clients.persistient_storage.local.writer import LocalWriter, stat_of
from core.clients.persistient_storage.receipts import (
    TEXT,
    Leftover,
    Stat,
    WriteRequest,
    default_metadata,
)
from core.clients.persistient_storage.spec import PersistientStorageClient
from core.clients.persistient_storage.text import decoded, encoded, put
from core.errors import FileMissing, InvalidFileName, InvalidStoragePath, StoragePermissionDenied


class LocalStorageClient(PersistientStorageClient):
    """Files in a folder of this machine."""

    PREFIX = ""

    def __init__(self, path: str) -> None:
        if not path or "\0" in path:
            raise InvalidStoragePath("a storage path must not be empty" if not path else "NUL in a storage path")
        try:
            root = Path(path).expanduser() if path[0] == "~" else Path(path)
            # Fixed now: the working folder may be another one when the first file is written.
            self._root = root if path[0] == "/" else root.absolute()
        except RuntimeError as error:
            raise InvalidStoragePath(f"the home folder in {path!r} is not known") from error

    def file_path(self, file_name: str) -> str:
        place = f"{self._root}/{names.check(file_name)}"
        is_linked = walk.meets_link(str(self._root), file_name)
        if is_linked and not Path(place).resolve().is_relative_to(self._root.resolve()):
            raise InvalidFileName(f"{place} leads out of the folder through a symbolic link")
        return place

    def get_file(self, file_name: str) -> str:
        with self.open_reader(file_name) as file, wrapped(str(self._root / file_name)):
            return decoded(file.read(), str(self._root / file_name))

    def put_file(self, file_name: str, contents: str) -> None:
        data = encoded(contents)
        kept = default_metadata(file_name, otherwise=TEXT)
        put(self.open_writer(file_name, WriteRequest(metadata=kept)), data)

    def delete_file(self, file_name: str) -> None:
        walk.delete(self._root, names.check(file_name))

    def open_writer(self, file_name: str, request: WriteRequest) -> LocalWriter:
        return LocalWriter(self._root, names.check(file_name), request)

    def open_reader(self, file_name: str) -> BinaryIO:
        return os.fdopen(walk.open_file(self._root, names.check(file_name)), "rb")

    def stat(self, file_name: str) -> Stat:
        with walk.opened(self._root, names.check(file_name)) as (descriptor, folder):
            return stat_of(file_name, os.fstat(descriptor), metadata.found(descriptor, folder, file_name))

    def list(self, prefix: str = "") -> Iterator[Stat]:
        itself = [prefix] if names.check_prefix(prefix) else []
        for name in chain(itself, walk.files_below(self._root, prefix)):
            try:
                yield self.stat(name)
            except (FileMissing, InvalidFileName):  # being written, no regular file, deleted or a link by now
                continue
            except StoragePermissionDenied:  # it is there all the same; its metadata cannot be read
                with suppress(FileMissing):
                    yield stat_of(name, walk.status(self._root, name), default_metadata(name))

    def leftovers(self) -> Iterator[Leftover]:
        return leftovers.below(self._root)

    def remove_leftover(self, leftover: Leftover) -> None:
        walk.delete(self._root, leftover.token)
