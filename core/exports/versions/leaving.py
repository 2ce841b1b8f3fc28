"""What leaves a version before the next run does: what was withdrawn, and networks around what was carved out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from operator import itemgetter
from typing import TYPE_CHECKING, TextIO

import msgspec

from core.exports.gate import limits
from core.exports.gate.keeping_off import reason_text
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import Instant
from core.schemas.version import ManifestRecord
from core.store import carve_outs, ledger
from core.store.allow_lists.kinds import CARVED_OUT_OF
from core.store.ledger.history import is_listed_at, let_in_by
from core.store.ledger.lines import ADDED, FREED, KEPT_OFF, REMOVED, decode, encode, line_of
from core.store.ledger.pieces import type_of_piece
from core.store.ledger.texts import as_json
from core.values import types
from core.values.networks import split

if TYPE_CHECKING:
    import sqlite3

    from core.store.snapshot import Piece, Snapshot


@dataclass(frozen=True, slots=True)
class Cut:
    """An address or a network that may not stay as it is: something was carved out of it, or of what is around it.

    Attributes:
        type, value, modified_at: Of the observable.
        why: JSON, why it is kept off from now on.
        let_in: JSON, what let it in.
        stay: What is left of it; it may be nothing.
    """

    type: str
    value: str
    modified_at: Instant
    why: str
    let_in: str
    stay: "tuple[Piece, ...]"


@dataclass(frozen=True, slots=True)
class Leaving:
    """What leaves a version of an export, by row id."""

    withdrawn: frozenset[int] = frozenset()
    cuts: Mapping[int, Cut] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.withdrawn or self.cuts)

    def __len__(self) -> int:
        return len(self.withdrawn) + len(self.cuts)

    def __contains__(self, key: int) -> bool:
        return key in self.withdrawn or key in self.cuts

    @property
    def stay(self) -> "list[Piece]":
        """What is left of the networks that something was carved out of."""
        return [piece for cut in self.cuts.values() for piece in cut.stay]

    @property
    def text(self) -> str:
        """How many left, in words."""
        said = [f"{len(self.withdrawn):,} withdrawn"] if self.withdrawn or not self.cuts else []
        if self.cuts:
            said.append(f"{len(self.cuts):,} that something was carved out of")
        return " and ".join(said)


def leaving(
    snapshot: "Snapshot",
    export_id: int,
    record: ManifestRecord,
    number: int,
    *,
    instant: Instant,
    after: Instant | None = None,
    unless: Sequence[Selection] = (),
) -> Leaving:
    """Return what version *number* lists and may list no longer.

    Args:
        snapshot: The state of the store.
        export_id: Row id of the export.
        record: Of that version; its limits say whether networks are split.
        number: Of the version.
        instant: Assertions that have ended by then do not count for staying.
        after: Only what was withdrawn, or carved out, later than that.
        unless: What one of these takes all the same is not withdrawn.
    """
    gone = frozenset(
        ledger.withdrawn_since(snapshot, export_id, number, instant=instant, after=after, unless=unless)
    )
    return Leaving(gone, _cuts(snapshot, export_id, record, number, gone, after))


def changes_of(
    connection: "sqlite3.Connection", export_id: int, before: int, after: int, leaving: Leaving
) -> Iterator[str]:
    """Yield the lines of changes from version *before* to version *after* less what leaves it.

    Args:
        connection: Its temporary tables are used.
        export_id: Row id of the export.
        before: Number of a version.
        after: The same, or an older one.
        leaving: Of version *after*.
    """
    ids = sorted({*leaving.withdrawn, *leaving.cuts})
    lines = ledger.changes_between(connection, export_id, before, after, ids)
    if not leaving.cuts:
        yield from lines
        return
    there = {(key, value) for key, _, value in ledger.pieces_at(connection, export_id, before)}
    more = sorted(_more(connection, export_id, before, leaving, there))
    for _, _, line in merge(_rest(lines, leaving, there), more, key=itemgetter(0, 1)):
        yield line


def write_counted(lines: Iterable[str], out: TextIO) -> dict[str, int]:
    """Write lines of changes, and return how many entries they add, remove and change."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts[line.partition(':"')[2].partition('"')[0]] += 1
        out.write(line)
    return {word: counts[word] for word in ("added", "removed", "changed")}


def _cuts(
    snapshot: "Snapshot",
    export_id: int,
    record: ManifestRecord,
    number: int,
    gone: frozenset[int],
    after: Instant | None,
) -> dict[int, Cut]:
    connection = snapshot.connection
    met: defaultdict[int, list[carve_outs.Met]] = defaultdict(list)
    for item in carve_outs.met(connection, after):
        if item.id not in gone:
            met[item.id].append(item)
    if not met:
        return {}
    parts: defaultdict[int, list[str]] = defaultdict(list)
    taken = set()
    for key, _, value in ledger.pieces_at(connection, export_id, number):
        parts[key].append(value)
        if key not in met and key not in gone:
            taken.add(value)
    definition = msgspec.convert(record.definition, ExportDefinition)
    is_split = limits.parse(definition.limits).split == "split"
    cuts = {}
    for key, items in sorted(met.items()):
        first = items[0]
        is_whole = is_listed_at(connection, export_id, key, number)
        before = [first.value] if is_whole else parts[key]
        left = _left(before, [item.entry for item in items], is_split=is_split and first.type == types.CIDR)
        if not before or left == before:
            continue
        stay = [
            value for value in left if value not in taken and not _is_listed(connection, export_id, value, number)
        ]
        taken.update(stay)
        why = reason_text(
            "split" if left else CARVED_OUT_OF, list=carve_outs.NAME, entry=first.entry, relation=first.relation
        )
        cuts[key] = Cut(
            first.type,
            first.value,
            first.modified_at,
            why,
            as_json(let_in_by(connection, export_id, key, number)),
            tuple((key, type_of_piece(value), value) for value in stay),
        )
    return cuts


def _left(values: Sequence[str], holes: Sequence[str], *, is_split: bool) -> list[str]:
    """Return what is left of networks without holes; nothing of one with a hole if it is not split."""
    left: list[str] = []
    for value in values:
        pieces = split(value, holes)
        if pieces == [value] or (is_split and pieces is not None):
            left += pieces
    return left


def _is_listed(connection: "sqlite3.Connection", export_id: int, value: str, number: int) -> bool:
    query = "SELECT id FROM observable WHERE type = ? AND value = ?"
    row = connection.execute(query, (type_of_piece(value), value)).fetchone()
    return row is not None and is_listed_at(connection, export_id, row[0], number)


def _rest(lines: Iterable[str], leaving: Leaving, there: set[tuple[int, str]]) -> Iterator[tuple[str, str, str]]:
    """Yield type, value and line of what holds of *lines*: what is cut stays kept off, and parts of it stay."""
    stay = {(key, value) for key, _, value in leaving.stay} & there
    for line in lines:
        found = decode(line)
        cut = leaving.cuts.get(found.id)
        if cut is None:
            yield found.type, found.value, line
        elif found.piece:
            if (found.id, found.value) not in stay:
                why = cut.why if found.change == REMOVED else bytes(found.why).decode()
                quoted = encode(found.value).decode()
                yield (
                    found.type,
                    found.value,
                    line_of(found.change, found.id, found.type, quoted, why, piece=True),
                )
        elif found.change != FREED:
            yield found.type, found.value, _kept_off_line(found.change, found.id, cut)


def _more(
    connection: "sqlite3.Connection",
    export_id: int,
    before: int,
    leaving: Leaving,
    there: set[tuple[int, str]],
) -> Iterator[tuple[str, str, str]]:
    """Yield what is new: parts that were not listed, and networks that the version before did not know."""
    known = f"SELECT 1 FROM ({ledger.state_at(export_id, before)}) WHERE observable_id = ?"  # noqa: S608
    for key, cut in leaving.cuts.items():
        if connection.execute(known, (key,)).fetchone() is None:
            yield cut.type, cut.value, _kept_off_line(KEPT_OFF, key, cut)
        for _, type_, value in cut.stay:
            if (key, value) not in there:
                quoted = encode(value).decode()
                yield type_, value, line_of(ADDED, key, type_, quoted, cut.let_in, piece=True)


def _kept_off_line(change: str, key: int, cut: Cut) -> str:
    return line_of(change, key, cut.type, encode(cut.value).decode(), cut.why, cut.modified_at)
