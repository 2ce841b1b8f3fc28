"""What every importer is given and what it gives back.

An importer is a module of this folder with four names::

    NAME = "csv"                                   # the word for ``--format``
    MEANING = "delimited text, with or without a header"
    def recognises(file: InputFile) -> int: ...    # 0 no … 100 certain; looks at ``file.head`` only
    def read(file: InputFile, options: Options) -> Iterator[Item]: ...

``read`` yields items as it goes, in the order of the file, and never gives up on a row for the sake of its
neighbour: what cannot be taken is a ``Refusal`` with line and reason.  It raises ``UnreadableFile`` only when
nothing of the file can be read.  When the rest of a file is lost (truncated JSON, say) it yields a ``Refusal``
and sets ``file.is_damaged``.
"""

import codecs
import io
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

from core.errors import UnreadableFile
from core.schemas.claim import AllowListEntries, Claim, Kind, Refusal, StoredTemplate
from core.values.characters import one_line

Item = Claim | Refusal | AllowListEntries | StoredTemplate

HEAD_BYTES = 65_536
MOST_CONTROLS = 10
"""One control character in so many is the most that a text has."""

_control = re.compile("[\x00-\x08\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class Options:
    """What the user said about the files.

    Attributes:
        source: Name of the source; ``None`` leaves it to the importer (organisation, identity, file name).
        tags: Added to every claim, original spelling.
        columns: For tables: role -> column name or 1-based number (``--map value=2``).
        kind: Overrides the kind of every claim.
    """

    source: str | None = None
    tags: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    kind: Kind | None = None

    def tagged(self, tags: "tuple[str, ...] | list[str]" = ()) -> tuple[str, ...]:
        """Return *tags* and the user's, in that order, each once, empty ones left out."""
        return tuple(dict.fromkeys(tag for tag in (*tags, *self.tags) if tag))


class InputFile:
    """One file to read: where it is, how it begins, in which encoding it is.

    Attributes:
        path: Where it is.
        name: What messages and sources call it.
        head: Its first 64 KiB.
        size_bytes: Its size.
        is_damaged: Set by an importer when a part of the file was lost, so that a snapshot of it ends nothing.
    """

    def __init__(self, path: Path, name: str = "", on_bytes: Callable[[int], None] | None = None) -> None:
        """Look at the start of *path*.

        Raises:
            UnreadableFile: It is missing, no regular file, or may not be read.
        """
        self.path = path
        self.name = one_line(name or path.name)
        self.is_damaged = False
        self._on_bytes = on_bytes
        try:
            known = path.stat()
            if not stat.S_ISREG(known.st_mode) and not stat.S_ISDIR(known.st_mode):
                # A pipe would be waited for, and a device may have no end.
                raise UnreadableFile("is not a regular file")
            self.size_bytes = known.st_size
            with path.open("rb") as stream:
                self.head = stream.read(HEAD_BYTES)
        except OSError as error:
            raise UnreadableFile(error.strerror or "cannot be opened") from error
        self.encoding = _encoding(self.head)

    @property
    def text_head(self) -> str:
        """The head as text, without byte order mark; a character cut at the end is dropped."""
        return codecs.getincrementaldecoder(self.encoding)("replace").decode(self.head).lstrip("\ufeff")

    @property
    def is_binary(self) -> bool:
        """Whether this is no text: more than a few control characters.  One among lines spoils only its own."""
        return len(_control.findall(self.text_head)) * MOST_CONTROLS > len(self.text_head)

    def open_binary(self) -> BinaryIO:
        """Open it for reading bytes; bytes read are reported as progress."""
        raw = _Counted(self.path, self._on_bytes)
        return io.BufferedReader(raw, 1 << 20)

    def open_text(self) -> TextIO:
        """Open it as text: byte order mark gone, line ends untouched, undecodable bytes as U+FFFD."""
        text = io.TextIOWrapper(self.open_binary(), self.encoding, errors="replace", newline="")
        if text.read(1) != "\ufeff":
            text.seek(0)
        return text


class _Counted(io.FileIO):
    def __init__(self, path: Path, on_bytes: Callable[[int], None] | None) -> None:
        super().__init__(path, "rb")
        self._on_bytes = on_bytes
        self._told = 0

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        count = super().readinto(buffer) or 0
        # What is read again after a look at the start was told the first time.
        if self._on_bytes is not None and self.tell() > self._told:
            self._on_bytes(self.tell() - self._told)
            self._told = self.tell()
        return count


def _encoding(head: bytes) -> str:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(head)
    except UnicodeDecodeError:
        # Feeds made on Windows; every byte has a meaning there, and values themselves are nearly always ASCII.
        return "cp1252"
    return "utf-8"
