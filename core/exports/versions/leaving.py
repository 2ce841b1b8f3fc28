"""What leaves a version before the next run does: what was withdrawn or carved out; of older ones also own assets."""

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
from core.store import dialect, ledger
from core.store.allow_lists import met
from core.store.allow_lists.entries import ADDRESSES, canonical
from core.store.allow_lists.kinds import CARVED_OUT_OF
from core.store.ledger.history import is_listed_at, let_in_by
from core.store.ledger.lines import ADDED, FREED, KEPT_OFF, REMOVED, decode, encode, line_of
from core.store.ledger.pieces import type_of_piece
from core.store.ledger.texts import as_json
from core.values import types
from core.values.networks import split

if TYPE_CHECKING:
    from core.store.databases.interface import Connection
    from core.store.snapshot import Piece, Snapshot


@dataclass(frozen=True, slots=True)
class Cut:
    """An entry that may not stay as it is.

    Attributes:
        type, value, modified_at: Of the observable.
        word: The reason, one word.
        why: JSON, why it is kept off from now on.
        let_in: JSON, what let it in.
        stay: What is left of a network; of all else that is nothing.
    """

    type: str
    value: str
    modified_at: Instant
    word: str
    why: str
    let_in: str
    stay: "tuple[Piece, ...]" = ()


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
        """What is left of networks."""
        return [piece for cut in self.cuts.values() for piece in cut.stay]

    @property
    def text(self) -> str:
        """How many leave for what, in words."""
        counts = Counter(cut.word for cut in self.cuts.values())
        counts["withdrawn"] = len(self.withdrawn)
        return " and ".join(f"{counts[word]:,} {words}" for word, words in _WORDS.items() if counts[word])


OWN_ASSET, ABOVE_CEILING = "own-asset", "above-tlp"
_WORDS = {
    "withdrawn": "withdrawn",
    "split": "networks that something was carved out of",
    CARVED_OUT_OF: "carved out, or around that",
    OWN_ASSET: "own assets, or around these",
    ABOVE_CEILING: "marked above what the export may pass on",
}


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
    """Return what version *number* lists and was withdrawn, or carved out, by now.

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
    cuts = _Version(snapshot, export_id, number).carved(record, after, gone)
    return Leaving(gone, cuts)


def with_barred(snapshot: "Snapshot", export_id: int, number: int, left: Leaving, ceiling: int | None) -> Leaving:
    """Return what leaves version *number* where somebody wants it published again, though nobody withdrew it.

    These are own assets, and what is marked above *ceiling*, a TLP level, by now.
    """
    version = _Version(snapshot, export_id, number)
    own = version.own_assets(left)
    above = {} if ceiling is None else version.above(ceiling)
    return Leaving(left.withdrawn - own.keys(), {**above, **left.cuts, **own})


def changes_of(
    connection: "Connection", export_id: int, before: int, after: int, leaving: Leaving
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


class _Version:
    """What a version lists."""

    def __init__(self, snapshot: "Snapshot", export_id: int, number: int) -> None:
        self._snapshot, self._connection = snapshot, snapshot.connection
        self._export_id, self._number = export_id, number
        self._parts: defaultdict[int, list[str]] = defaultdict(list)
        for key, _, value in ledger.pieces_at(self._connection, export_id, number):
            self._parts[key].append(value)

    def carved(self, record: ManifestRecord, after: Instant | None, gone: frozenset[int]) -> dict[int, Cut]:
        """Return what something was carved out of, or what was carved out itself, but for what is *gone*."""
        items = [item for item in met.carved_out(self._connection, after) if item.id not in gone]
        if not items:
            return {}
        definition = msgspec.convert(record.definition, ExportDefinition)
        is_split = limits.parse(definition.limits).split == "split"
        return self._cuts(items, gone, is_split=is_split, word=CARVED_OUT_OF)

    def own_assets(self, left: Leaving) -> dict[int, Cut]:
        """Return what is listed of own assets; a network around one is not split, it is nobody's to list."""
        items = [item for item in met.own_assets(self._connection) if item.id not in left.withdrawn]
        return self._cuts(items, left.withdrawn, is_split=False, word=OWN_ASSET)

    def above(self, ceiling: int) -> dict[int, Cut]:
        """Return what is marked above *ceiling*."""
        ids = ledger.above(self._snapshot, self._export_id, self._number, ceiling)
        columns = "t.id, t.type, t.value, t.modified_at"
        rows = dialect.find_by_ids(self._connection, columns, "observable", ids, "id")
        why = reason_text(ABOVE_CEILING)
        return {
            key: Cut(type_, value, modified_at, ABOVE_CEILING, why, self._let_in(key))
            for key, type_, value, modified_at in rows
        }

    def _cuts(
        self, items: Iterable[met.Met], gone: frozenset[int], *, is_split: bool, word: str
    ) -> dict[int, Cut]:
        by_id: defaultdict[int, list[met.Met]] = defaultdict(list)
        for item in items:
            by_id[item.id].append(item)
        taken = {
            value
            for key, values in self._parts.items()
            if key not in by_id and key not in gone
            for value in values
        }
        cuts = {}
        for key, found in sorted(by_id.items()):
            first = found[0]
            is_network = first.type == types.CIDR
            before = [first.value] if self._lists(key) else self._parts[key]
            holes = [canonical(item.entry) for item in found]
            # Of a name, or a URL, that meets an entry nothing can be left.
            left = _left(before, holes, is_split=is_split and is_network) if first.type in ADDRESSES else []
            if not before or left == before:
                continue
            stay = [value for value in left if value not in taken and not self._lists_value(value)]
            taken.update(stay)
            kind = "split" if left else word
            cuts[key] = Cut(
                first.type,
                first.value,
                first.modified_at,
                kind,
                reason_text(kind, list=first.list, entry=first.entry, relation=first.relation),
                self._let_in(key),
                tuple((key, type_of_piece(value), value) for value in stay),
            )
        return cuts

    def _lists(self, key: int) -> bool:
        return is_listed_at(self._connection, self._export_id, key, self._number)

    def _lists_value(self, value: str) -> bool:
        query = "SELECT id FROM observable WHERE type = ? AND value = ?"
        row = self._connection.execute(query, (type_of_piece(value), value)).fetchone()
        return row is not None and self._lists(row[0])

    def _let_in(self, key: int) -> str:
        return as_json(let_in_by(self._connection, self._export_id, key, self._number))


def _left(values: Sequence[str], holes: Sequence[str], *, is_split: bool) -> list[str]:
    """Return what is left of networks without holes; nothing of one with a hole if it is not split."""
    left: list[str] = []
    for value in values:
        pieces = split(value, holes)
        if pieces == [value] or (is_split and pieces is not None):
            left += pieces
    return left


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
    connection: "Connection",
    export_id: int,
    before: int,
    leaving: Leaving,
    there: set[tuple[int, str]],
) -> Iterator[tuple[str, str, str]]:
    """Yield what is new: parts that were not listed, and networks that the version before did not know."""
    known = f"SELECT 1 FROM ({ledger.state_at(export_id, before)}) s WHERE observable_id = ?"  # noqa: S608
    for key, cut in leaving.cuts.items():
        if connection.execute(known, (key,)).fetchone() is None:
            yield cut.type, cut.value, _kept_off_line(KEPT_OFF, key, cut)
        for _, type_, value in cut.stay:
            if (key, value) not in there:
                quoted = encode(value).decode()
                yield type_, value, line_of(ADDED, key, type_, quoted, cut.let_in, piece=True)


def _kept_off_line(change: str, key: int, cut: Cut) -> str:
    return line_of(change, key, cut.type, encode(cut.value).decode(), cut.why, cut.modified_at)
