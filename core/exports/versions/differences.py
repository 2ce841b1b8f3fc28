"""How two versions of an export differ, or what its held candidate would change: change by change, from the ledger."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from core.errors import NotFound, StorageError
from core.exports.answers.explain import oldest_kept
from core.exports.settings import Settings
from core.exports.versions.archive import lines_of
from core.exports.versions.held_changes import changes_file
from core.schemas.export import ExportDefinition
from core.store import archives, definitions, ledger, versions
from core.store.archives import HELD, KEPT, Archived
from core.store.ledger.lines import ADDED, CHANGED, REMOVED, decode, different, word_of

if TYPE_CHECKING:
    from core.store import Store

HELD_CANDIDATE = "held"

_word_of = lru_cache(maxsize=10_000)(word_of)

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
        for change in different(map(decode, lines)):
            if change.change not in (ADDED, REMOVED, CHANGED):
                continue
            self.counts[change.change] += 1
            reason = ""
            if change.change == REMOVED:
                reason = bytes(change.why).decode()
                self.reasons[_word_of(reason)] += 1
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
        before: A side; versions may be as old as the oldest that is kept, or 0.
        after: As *before*, which may be the newer one.

    Raises:
        NotFound: There is no such export or version, nothing is held, or the sides cannot be compared.
        StorageError: What is held cannot be read.
    """
    definition = definitions.get_export(store, name)
    with ExitStack() as stack:
        if HELD_CANDIDATE in (before, after):
            held = _held(store, name, before, after)
            found = Differences(held.record.base, HELD_CANDIDATE)
            path = stack.enter_context(changes_file(held, definition, settings))
            lines = lines_of(path) if path is not None else iter(())
        else:
            first, last = _numbers(store, name, before, after)
            found = Differences(first, last)
            lines = stack.enter_context(_lines(store, definition, settings, first, last))
        found.changes = found.read(lines)
        yield found


def _held(store: "Store", name: str, before: Side | None, after: Side | None) -> Archived:
    held = next(iter(reversed(archives.find(store, name, HELD))), None)
    if held is None:
        raise NotFound(f"nothing of {name!r} is held; yetictl export versions {name} shows what there is")
    base = held.record.base
    if (before, after) not in ((HELD_CANDIDATE, None), (base, HELD_CANDIDATE)):
        raise NotFound(
            f"what is held can only be compared with the version that it starts from, which is {base}: "
            f"yetictl export diff {name} held"
        )
    return held


def _numbers(store: "Store", name: str, before: Side | None, after: Side | None) -> tuple[int, int]:
    """Return the numbers of two versions that can be compared."""
    version = versions.current_version(store, name)
    current = version.number if version else 0
    if not current:
        raise NotFound(f"{name!r} has no versions yet; yetictl export run {name} makes the first")
    if before is None:
        return current - 1, current
    first, last = int(before), current if after is None else int(after)
    oldest = oldest_kept(store, name)
    for number in (first, last):
        if number and not oldest <= number <= current:
            raise NotFound(
                f"version {number} of {name!r} is not known (any more): the ledger tells of {oldest} to {current}"
            )
    return first, last


@contextmanager
def _lines(
    store: "Store", definition: ExportDefinition, settings: Settings, first: int, last: int
) -> Iterator[Iterator[str]]:
    """Give the lines of changes between two versions: those kept with the later one, or else from the ledger."""
    with ExitStack() as stack:
        kept = next((item for item in archives.find(store, definition.name, KEPT) if item.number == last), None)
        path = None
        if kept is not None and kept.record.base == first:
            with suppress(StorageError):  # the ledger has it, too
                path = stack.enter_context(changes_file(kept, definition, settings))
        if path is not None:
            yield lines_of(path)
            return
        snapshot = stack.enter_context(store.snapshot())
        key = ledger.export_key(snapshot.connection, definition.name)
        yield ledger.changes_between(snapshot.connection, key, first, last)
