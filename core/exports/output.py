"""Where a format writes to: the files of a run in the spool folder, and what it could not write."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from core.clients.persistient_storage import names
from core.errors import RenderError
from core.exports.formats import Gone, Numbered, Tried, Value
from core.exports.formatting.memory import Memory
from core.exports.spool import RenderedFile, SpoolFile
from core.schemas.instant import Instant
from core.store.snapshot import Row

_encode_lines = msgspec.json.Encoder().encode_lines
_decode = msgspec.json.Decoder(tuple[str, str, str]).decode


@dataclass(frozen=True, slots=True)
class Rendered:
    """What was written.

    Attributes:
        files: The set of files; one of most formats.
        entries: Observables written.
        refused: Observables that the format cannot express.
        reasons: How many for which reason.
        is_complete: All rows were read.
        refusals: A local file with each of them; `refused_rows` reads it.
        notes: What the format said of its work, each one line.
    """

    files: tuple[RenderedFile, ...]
    entries: int
    refused: int
    reasons: dict[str, int]
    is_complete: bool
    refusals: Path | None = None
    notes: tuple[str, ...] = ()


class SpoolOutput:
    """Where a format writes to; see ``core.exports.formats.Output``."""

    def __init__(
        self,
        folder: Path,
        file_name: str,
        media_type: str,
        *,
        export: str = "",
        instant: Instant = 0,
        memory: Memory | None = None,
    ) -> None:
        self.file_name, self.export, self.instant = file_name, export, instant
        self._memory = memory or Memory()
        self.key, self.export_id = self._memory.key or export, self._memory.export_id
        self._notes: list[str] = []
        self.reasons: Counter[str] = Counter()
        self._folder, self._media_type = folder, media_type
        self._files: dict[str, SpoolFile] = {}
        self._refusals: BinaryIO | None = None

    @property
    def tried(self) -> Tried:
        """What the format's own check found bad when these files were written before."""
        return self._memory.tried

    def open(self, name: str = "", media_type: str = "") -> SpoolFile:
        """Begin a file of the set."""
        name = names.check(name or self.file_name)
        if name in self._files:
            raise RenderError(f"the format began the file {name} twice")
        path = self._folder / f"{len(self._files)}.part"
        self._files[name] = SpoolFile(path, name, media_type or self._media_type)
        return self._files[name]

    def refuse(self, row: Row | Value, reason: str) -> None:
        """Count a row that cannot be expressed, and put it down: there may be very many."""
        self.reasons[f"{row.type} {reason}"] += 1
        self._put_down([row], reason)

    def refuse_all(self, rows: Sequence[Row | Value], reason: str) -> None:
        """Refuse many for one reason."""
        for type_, count in Counter([row.type for row in rows]).items():
            self.reasons[f"{type_} {reason}"] += count
        if rows:
            self._put_down(rows, reason)

    def note(self, text: str) -> None:
        """Take down a line for whoever runs the export."""
        self._notes.append(text)

    def numbers(self, kind: str, texts: Sequence[tuple[Value, str]]) -> list[Numbered]:
        """Return the number of each observable and the revision of its text."""
        return self._memory.numbers(kind, texts)

    def gone(self) -> Iterator[Gone]:
        """Yield what earlier versions had and this one has not."""
        return self._memory.gone()

    def withdrawals(self) -> Iterator[Gone]:
        """Yield what was withdrawn from earlier versions, each time."""
        return self._memory.withdrawals()

    def close(self) -> None:
        """Close what is open."""
        for file in self._files.values():
            file.stream.close()
        if self._refusals is not None:
            self._refusals.close()

    def start_over(self) -> None:
        """Forget what was written."""
        self.close()
        self._files.clear()
        self.reasons.clear()
        self._notes.clear()
        self._refusals = None

    def _put_down(self, rows: Sequence[Row | Value], reason: str) -> None:
        if self._refusals is None:
            self._refusals = (self._folder / "refusals.jsonl").open("wb")
        self._refusals.write(_encode_lines([(row.type, row.value, reason) for row in rows]))

    def finish(self, is_complete: bool) -> Rendered:
        """Close the files."""
        files = tuple(file.finish() for file in self._files.values())
        refusals = None
        if self._refusals is not None:
            self._refusals.close()
            refusals = Path(self._refusals.name)
        return Rendered(
            refusals=refusals,
            files=files,
            entries=sum(file.entries for file in files),
            refused=self.reasons.total(),
            reasons=dict(sorted(self.reasons.items())),
            is_complete=is_complete,
            notes=tuple(self._notes),
        )


def refused_rows(rendered: Rendered) -> Iterator[tuple[str, str, str]]:
    """Yield type, value and reason of what the format could not express, in order."""
    if rendered.refusals is not None:
        with rendered.refusals.open("rb") as lines:
            yield from map(_decode, lines)
