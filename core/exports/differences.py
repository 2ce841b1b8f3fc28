"""How two versions of an export differ, or what its held candidate would change: change by change, from the ledger."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from core.errors import NotFound
from core.exports.archive import lines_of
from core.exports.explain import oldest_kept
from core.exports.held_changes import changes_file
from core.exports.settings import Settings
from core.store import archives, definitions, ledger, runs
from core.store.archives import HELD
from core.store.ledger_lines import ADDED, CHANGED, REMOVED, decode

if TYPE_CHECKING:
    from core.store import Store

HELD_CANDIDATE = "held"

Side = int | Literal["held"]
"""A version by its number, 0 is before the first; or the candidate that is held."""


class Difference(NamedTuple):
    """One entry that is different.

    Attributes:
        change: ``added``, ``removed`` or ``changed``: something more is known of it, or something else.
        type, value: Of the entry.
        reason: Why it was removed, as JSON; else empty.
    """

    change: str
    type: str
    value: str
    reason: str


@dataclass(slots=True)
class Differences:
    """What is different between two sides; the counts grow as the changes are read.

    Attributes:
        before, after: The sides.
        changes: To be read once, in the order of type and value.
        counts: How many were added, removed, changed.
        reasons: How many were removed for which reason, by its word.
    """

    before: Side
    after: Side
    changes: Iterator[Difference] = field(default_factory=lambda: iter(()))
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def read(self, lines: Iterator[str]) -> Iterator[Difference]:
        """Yield what is different by lines of changes, and count it."""
        for line in lines:
            change = decode(line)
            if change.change not in (ADDED, REMOVED, CHANGED):
                continue
            self.counts[change.change] += 1
            reason = ""
            if change.change == REMOVED:
                reason = bytes(change.why).decode()
                self.reasons[str(msgspec.json.decode(reason).get("reason", ""))] += 1
            yield Difference(change.change, change.type, change.value, reason)


@contextmanager
def differences(
    store: "Store", name: str, settings: Settings, before: Side | None = None, after: Side | None = None
) -> Iterator[Differences]:
    """Give, for a block, what is different between two versions of the export *name*.

    Without sides these are the version before the current one, and the current one.  With one, it is compared with
    the current version; what is held, with the version that it starts from.

    Args:
        store: Where.
        name: Of the export.
        settings: Of this installation; to read what is held.
        before: A side; versions may be as old as the oldest that is kept.
        after: As *before*, which may be the newer one.

    Raises:
        NotFound: There is no such export or version, nothing is held, or the sides cannot be compared.
        StorageError: What is held cannot be read.
    """
    definition = definitions.get_export(store, name)
    version = runs.current_version(store, name)
    current = version.number if version else 0
    if HELD_CANDIDATE in (before, after):
        held = next(iter(reversed(archives.find(store, name, HELD))), None)
        if held is None:
            raise NotFound(f"nothing of {name!r} is held; yetictl export versions {name} shows what there is")
        base = held.record.base
        if after is None:
            before, after = base, before
        if (before, after) != (base, HELD_CANDIDATE):
            raise NotFound(
                f"what is held can only be compared with the version that it starts from, which is {base}: "
                f"yetictl export diff {name} held"
            )
        found = Differences(base, HELD_CANDIDATE)
        with changes_file(held, definition, settings) as path:
            found.changes = found.read(lines_of(path) if path is not None else iter(()))
            yield found
        return
    if not current:
        raise NotFound(f"{name!r} has no versions yet; yetictl export run {name} makes the first")
    first, last = _numbers(before, after, current)
    oldest = oldest_kept(store, name)
    for number in (first, last):
        if not (oldest <= number <= current or (number == 0 and oldest == 1)):
            raise NotFound(
                f"version {number} of {name!r} is not known (any more): the ledger tells of {oldest} to {current}"
            )
    found = Differences(first, last)
    with store.snapshot() as snapshot:
        key = ledger.export_key(snapshot.connection, name)
        found.changes = found.read(ledger.changes_between(snapshot.connection, key, first, last))
        yield found


def _numbers(before: Side | None, after: Side | None, current: int) -> tuple[int, int]:
    """Return the numbers of two versions."""
    if before is None:
        return current - 1, current
    return int(before), current if after is None else int(after)
