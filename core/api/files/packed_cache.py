"""Files in a coding, made here because the storage of versions holds text only: a bounded folder of this machine."""

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from core.api.files.catalog import PublishedFile, Representation, representation
from core.api.files.negotiation import IDENTITY
from core.exports.versions import packing
from core.exports.versions.packing import Coding
from core.schemas.version import StoredObject

MOST_BYTES = 1 << 30
_CHUNK_BYTES = 1 << 20
_LONGEST_S = 3_600


class PackedCache:
    """Makes what is asked for once; what was not asked for the longest goes first.

    Args:
        folder: Made when it is needed; several processes may have it.
        open_object: Returns an object under ``system.versions_path`` as a file.
        most_bytes: How much may lie there.
    """

    def __init__(
        self, folder: Path, open_object: Callable[[str], BinaryIO], *, most_bytes: int = MOST_BYTES
    ) -> None:
        self._folder, self._open, self._most_bytes = folder, open_object, most_bytes
        self._made: dict[tuple[str, Coding], Representation | None] = {}
        self._lock = threading.Lock()

    def known(self, file: PublishedFile, coding: Coding) -> Representation | bool | None:
        """Return a file in a coding, ``None`` if that does not pay; false if it is not made yet."""
        found = self._made.get((self.key(file), coding), False)
        if isinstance(found, Representation) and found.path is not None:
            return found if self._touch(found.path) else False
        return found

    def get(self, file: PublishedFile, coding: Coding) -> Representation | None:
        """Return a file in a coding; ``None`` if that does not pay.  Several may be made at once.

        Raises:
            StorageError: The file cannot be read.
            OSError: The folder cannot be written.
        """
        if not isinstance(found := self.known(file, coding), bool):
            return found
        made = self._make(file, coding)
        with self._lock:
            if len(self._made) > 10_000:
                self._made.clear()
            self._made[self.key(file), coding] = made
        return made

    def _make(self, file: PublishedFile, coding: Coding) -> Representation | None:
        plain = file.representations[IDENTITY]
        if plain.size_bytes < packing.LEAST_BYTES:
            return None
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with TemporaryDirectory(dir=self._folder, prefix=".new-") as scratch:
            source, target = Path(scratch) / "plain", Path(scratch) / "packed"
            with self._open(plain.object) as stream, source.open("wb") as out:
                while chunk := stream.read(_CHUNK_BYTES):
                    out.write(chunk)
            packing.pack(source, target, coding)
            size_bytes = target.stat().st_size
            if not packing.pays(plain.size_bytes, size_bytes):
                return None
            with target.open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            path = self._folder / f"{sha256}.{coding}"
            target.replace(path)
        self._evict(keep=path)
        item = StoredObject(role=coding, name=path.name, size_bytes=size_bytes, sha256=sha256)
        return representation(item, coding, file.modified_s, is_public=file.is_public, path=path)

    def _evict(self, keep: Path) -> None:
        """Delete what was not asked for the longest until the rest fits; other processes may do the same."""
        found = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                status = path.stat()
                if path.is_file():
                    found.append((status.st_mtime_ns, status.st_size, path))
                elif status.st_mtime < time.time() - _LONGEST_S:  # of a process that was killed
                    shutil.rmtree(path, ignore_errors=True)
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._most_bytes:
                return
            if path != keep:
                path.unlink(missing_ok=True)
                total -= size

    def _touch(self, path: Path) -> bool:
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        return True

    @staticmethod
    def key(file: PublishedFile) -> str:
        """Return what files have in common that are packed to the same."""
        # Of the same bytes in another version, or for other people, date and lifetime differ.
        return f"{file.representations[IDENTITY].etag}{file.modified_s}{file.is_public}"
