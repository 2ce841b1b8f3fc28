"""The folder where files are made before anybody sees them.

Every run has a folder of its own in ``spool``, named after the process, so that what a killed process left can be
told from what a living one needs.
"""

import errno
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import RenderError, StorageFull, YetiError
from core.exports.lease import is_dead, owner, was_before_boot


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A finished file in the spool folder."""

    path: Path
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    entries: int


class NotLines(Exception):
    """A text has other line breaks than those between its entries."""


class SpoolFile:
    """A file that is being made; its size and SHA-256 are known at any time."""

    def __init__(self, path: Path, name: str, media_type: str) -> None:
        self._path, self._name, self._media_type = path, name, media_type
        # Formats write a batch at a time; a buffer would only copy.
        self.stream: BinaryIO = path.open("wb", buffering=0)
        self._sha256 = hashlib.sha256()
        self.size_bytes = 0
        self.entries = 0

    def write(self, text: str, entries: int) -> None:
        """Add *text*, which holds so many entries."""
        self.write_bytes(text.encode())
        self.entries += entries

    def write_lines(self, text: str, entries: int) -> None:
        """Add *text*, which must be so many lines.

        Raises:
            NotLines: There is another line break in it.  Nothing was added.
        """
        if text.count("\n") != entries or "\r" in text:
            raise NotLines
        self.write(text, entries)

    def write_bytes(self, data: bytes) -> None:
        """Add bytes."""
        self._sha256.update(data)
        self.size_bytes += len(data)
        view = memoryview(data)
        while view:
            view = view[self.stream.write(view) :]

    def digest_again(self) -> None:
        """Find out size and SHA-256 of what another process wrote to it."""
        with self._path.open("rb") as stream:
            self._sha256 = hashlib.new("sha256")
            while chunk := stream.read(1 << 20):
                self._sha256.update(chunk)
            self.size_bytes = stream.tell()

    def finish(self) -> RenderedFile:
        """Close it."""
        self.stream.close()
        digest = self._sha256.hexdigest()
        return RenderedFile(self._path, self._name, self._media_type, self.size_bytes, digest, self.entries)


@contextmanager
def run_folder(spool: Path) -> Iterator[Path]:
    """Give an empty folder for one run, gone when the block ends; what dead processes left goes, too.

    Raises:
        RenderError: The spool folder cannot be used.
        StorageFull: Its disk is full.
    """
    try:
        spool.mkdir(parents=True, exist_ok=True, mode=0o700)
        _clean(spool)
        folder = Path(tempfile.mkdtemp(prefix=f"{owner()}:", dir=spool))
    except OSError as error:
        raise spool_error(error, spool) from error
    try:
        yield folder
    except YetiError:
        raise  # some of them are OSErrors, too
    except OSError as error:
        raise spool_error(error, spool) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def spool_error(error: OSError, spool: Path) -> RenderError | StorageFull:
    """Return an error of the operating system in our words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(f"no space is left in the spool folder {spool}")
    return RenderError(f"the spool folder {spool} cannot be used: {error.strerror or error}")


def _clean(spool: Path) -> None:
    for folder in spool.iterdir():
        name = folder.name.rpartition(":")[0]
        if is_dead(name) or was_before_boot(name):
            shutil.rmtree(folder, ignore_errors=True)
