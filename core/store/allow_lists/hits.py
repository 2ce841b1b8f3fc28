"""Which observables meet which allow-lists: looked up once for each, kept, and asked by every run.

`refresh` looks at what came in since, and at everything with a list that changed.  What a list does (block, inform)
is asked at the time of the question, so that changing it needs no new look.  Decision 0072 says why it is kept.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from core.schemas.export import Selection
from core.schemas.instant import Instant
from core.store import dialect
from core.store.allow_lists import carried as carried_lists
from core.store.allow_lists.entries import ListEntries, address_entry, canonical
from core.store.allow_lists.kinds import Action, Kind, default_action, family_of, reason_word
from core.store.allow_lists.matching import ABOVE, CONTAINS, EQUAL, INSIDE, Matcher
from core.store.collector import collector_off
from core.store.databases.interface import Connection
from core.store.store import Store
from core.values.networks import NestedNetworks, Span, span_of

if TYPE_CHECKING:
    from core.store.snapshot import Snapshot

BATCH = 25_000
"""Observables looked at in one transaction: a writer waits for a fraction of a second."""

MOST_TOLD = 5
"""So many lists that inform are named in one note."""

_encode = msgspec.json.Encoder().encode
_HIT = ("observable_id", "allow_list_id", "position", "relation", "special_class")


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a list when it is asked what it does."""

    id: int
    name: str
    list_type: str
    matching_attributes: tuple[str, ...]
    kind: Kind
    action: Action


@dataclass(frozen=True, slots=True)
class _Task:
    """What is to be looked at next: lists by row id, with digests; observables after ``low`` until ``high``."""

    lists: tuple[tuple[int, str], ...]
    low: int
    high: int


def refresh(store: Store, now: Instant, on_progress: Callable[[int], None] = lambda _: None) -> None:
    """Bring the hits up to date, in steps: if it is stopped, the next one goes on there.

    Several processes may do it at once; each takes what no other has.

    Args:
        store: Where observables and lists are.
        now: When; for what the program carries.
        on_progress: Called with the number of observables just looked at.
    """
    carried_lists.bring_up_to_date(store, now)
    with store.reading() as reading:
        if _next_task(store.database.under(reading)) is None:  # mostly, and then no connection is made for it
            return
    connection = store.connect()
    matchers: dict[tuple[tuple[int, str], ...], Matcher] = {}
    try:
        while True:
            with store.database.errors():
                connection.begin_reading()
                task = _next_task(connection)
                if task is not None and task.lists not in matchers:
                    with collector_off():
                        matchers = {task.lists: Matcher(entries(connection, dict(task.lists)))}
                connection.execute("COMMIT")
            if task is None:
                return
            with store.database.writing(connection):
                number = _look(connection, task, matchers[task.lists])
            if number:
                on_progress(number)
    finally:
        connection.close()


def is_up_to_date(snapshot: "Snapshot") -> bool:
    """Say whether every observable of the snapshot was looked at, with the lists as they are there."""
    connection = snapshot.connection
    row = connection.execute("SELECT state FROM allow_check WHERE id = 1").fetchone()
    return row is not None and row[0] == carried_lists.state() and _next_task(connection) is None


def _next_task(connection: Connection) -> _Task | None:
    """Return what to look at: with the lists that are furthest behind, as far as the next ones have come."""
    highest = int(connection.execute("SELECT COALESCE(max(id), 0) FROM observable").fetchone()[0])
    rows = connection.execute(
        "SELECT checked_until, allow_list_id, digest FROM allow_list_setting WHERE checked_until < ? ORDER BY 1, 2",
        (highest,),
    ).fetchall()
    if not rows:
        return None
    low = int(rows[0][0])
    lists = tuple((key, digest) for until, key, digest in rows if until == low)
    return _Task(lists, low, next((int(until) for until, _, _ in rows if until > low), highest))


def _look(connection: Connection, task: _Task, matcher: Matcher) -> int:
    """Look at a batch of observables and keep what is found; do nothing if the task is done, or another one."""
    now = _next_task(connection)
    if now is None or (now.lists, now.low) != (task.lists, task.low):
        return 0
    query = "SELECT id, type, value FROM observable WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
    rows = connection.execute(query, (now.low, now.high, BATCH)).fetchall()
    with collector_off():
        ways = {type_: matcher.of_type(type_) for type_ in {row[1] for row in rows}}
        hits = [(key, *hit) for key, type_, value in rows for hit in ways[type_](value)]
    connection.put("allow_hit", _HIT, hits)
    until = rows[-1][0] if len(rows) == BATCH else now.high
    connection.executemany(
        "UPDATE allow_list_setting SET checked_until = ? WHERE allow_list_id = ?",
        [(until, key) for key, _ in now.lists],
    )
    return len(rows)


def entries(connection: Connection, ids: Collection[int]) -> Iterator[ListEntries]:
    """Yield lists, by row id, as they are matched; the entries are to be read before the next is asked for."""
    query = "SELECT position, entry FROM allow_list_entry WHERE allow_list_id = ? ORDER BY position"
    for item in told(connection):
        if item.id in ids:
            found = connection.execute(query, (item.id,))
            yield ListEntries(item.id, item.list_type, item.kind, item.matching_attributes, found)


def told(connection: Connection) -> list[Told]:
    """Return every list, by name."""
    rows = connection.execute(
        "SELECT l.id, l.name, l.list_type, l.matching_attributes, l.action, s.family, s.special_class, s.is_carried,"
        " s.is_own FROM allow_list l LEFT JOIN allow_list_setting s ON s.allow_list_id = l.id ORDER BY l.name"
    )
    found = []
    for key, name, list_type, attributes, action, family, special, is_carried, is_own in rows:
        matching = tuple(json.loads(attributes))
        kind = Kind(family or family_of(name, matching), special or "", bool(is_carried), bool(is_own))
        found.append(Told(key, name, list_type, matching, kind, action or default_action(kind)))
    return found


def blocked(snapshot: "Snapshot", allowed: Collection[str]) -> Iterator[tuple[int, str]]:
    """Yield the row id of each observable that an allow-list blocks, and the reason as JSON.

    Args:
        snapshot: The state of the store.
        allowed: Classes of special-purpose addresses that are no reason.
    """
    for item in _doing(snapshot.connection, "block"):
        rows = snapshot.connection.execute(
            "SELECT h.observable_id, e.entry, h.relation, h.special_class FROM allow_hit h"  # noqa: S608
            " JOIN allow_list_entry e ON e.allow_list_id = h.allow_list_id AND e.position = h.position"
            f" WHERE h.allow_list_id = ? AND h.relation IN ('{EQUAL}', '{INSIDE}'){_but(allowed)}",
            (item.id,),
        ).fetchall()
        for key, entry, relation, special in rows:
            reason = {"reason": reason_word(item.name), "list": item.name, "entry": entry, "relation": relation}
            yield key, _encode(reason | ({"class": special} if special else {})).decode()


def contained(snapshot: "Snapshot", allowed: Collection[str]) -> dict[int, list[tuple[str, str]]]:
    """Return the row id of each network that contains blocking entries, and those, each with the name of its list."""
    found: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    for item in _doing(snapshot.connection, "block"):
        rows = snapshot.connection.execute(
            "SELECT h.observable_id, e.entry FROM allow_hit h"  # noqa: S608
            " JOIN allow_list_entry e ON e.allow_list_id = h.allow_list_id AND e.position = h.position"
            f" WHERE h.allow_list_id = ? AND h.relation = '{CONTAINS}'{_but(allowed)}",
            (item.id,),
        )
        for key, entry in rows:
            found[key].append((canonical(entry), item.name))
    return dict(found)


def _but(allowed: Collection[str]) -> str:
    """Return SQL that leaves out hits of classes of special-purpose addresses that are no reason."""
    classes = ", ".join(dialect.literal(each) for each in sorted(allowed) if each)
    return f" AND h.special_class NOT IN ({classes})" if classes else ""


def own_assets(snapshot: "Snapshot", selection: Selection, instant: Instant) -> list[str]:
    """Return what *selection* lists of the user's own assets, each in words: networks around one, and pieces, too."""
    own = [item for item in told(snapshot.connection) if item.kind.is_own and item.action != "off"]
    if not own:
        return []
    ids = ", ".join(str(item.id) for item in own)
    with snapshot.selected(selection, instant, among=_met(own, f"<> '{ABOVE}'")) as table:
        rows = snapshot.connection.execute(
            "SELECT o.value, l.name, e.entry FROM allow_hit h"  # noqa: S608 (whole numbers)
            f" JOIN {table} t ON t.id = h.observable_id JOIN observable o ON o.id = h.observable_id"
            " JOIN allow_list l ON l.id = h.allow_list_id"
            " JOIN allow_list_entry e ON e.allow_list_id = h.allow_list_id AND e.position = h.position"
            f" WHERE h.allow_list_id IN ({ids}) AND h.relation <> '{ABOVE}' ORDER BY o.type, o.value, l.name, e.position"
        )
        found: dict[str, str] = {}
        for value, name, entry in rows:
            found.setdefault(value, f"{value} ({name}: {entry})")
    return [*found.values(), *_own_pieces(snapshot, own)]


def _own_pieces(snapshot: "Snapshot", own: list[Told]) -> Iterator[str]:
    """Yield which pieces of split networks hold own assets: of the networks themselves nothing is listed."""
    if not snapshot.pieces:
        return
    known: dict[Span, str] = {}
    for item in own:
        query = "SELECT entry FROM allow_list_entry WHERE allow_list_id = ?"
        for (entry,) in snapshot.connection.execute(query, (item.id,)):
            if (span := address_entry(entry)) is not None:
                known.setdefault(span, f"{item.name}: {entry}")
    index = NestedNetworks(known)
    for _, _, value in snapshot.pieces:
        span = span_of(value)
        place = index.innermost(span)
        if place < 0:
            place = next(index.inside(span), -1)
        if place >= 0:
            yield f"{value} ({known[index.spans[place]]})"


def worth_telling(snapshot: "Snapshot", selection: Selection, instant: Instant) -> list[str]:
    """Return what lists that only inform have to say of *selection*, and which names are above allow-listed ones."""
    items = {item.id: item for item in told(snapshot.connection) if item.action != "off"}
    if not items:
        return []
    informed: Counter[str] = Counter()
    above: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    of_interest = (
        _met([item for item in items.values() if item.action == "inform"], f"<> '{ABOVE}'"),
        _met(items.values(), f"= '{ABOVE}'"),
    )
    with snapshot.selected(selection, instant, among=" UNION ALL ".join(of_interest)) as table:
        hits = f"FROM {table} t CROSS JOIN allow_hit h ON h.observable_id = t.id WHERE h.relation"
        counts = f"SELECT h.allow_list_id, count(DISTINCT t.id) {hits} <> '{ABOVE}' GROUP BY h.allow_list_id"
        for key, count in snapshot.connection.execute(counts):
            if key in items and items[key].action == "inform" and not items[key].kind.is_own:
                informed[items[key].name] += count
        names = (
            f"SELECT f.list, o.value, e.entry FROM (SELECT t.id AS id, h.allow_list_id AS list, h.position AS position"  # noqa: S608
            f" {hits} = '{ABOVE}') f JOIN observable o ON o.id = f.id"
            " JOIN allow_list_entry e ON e.allow_list_id = f.list AND e.position = f.position ORDER BY o.value"
        )
        for key, value, entry in snapshot.connection.execute(names):
            if key in items and (items[key].action == "block" or items[key].kind.is_own):
                above[items[key].name].append((value, entry))
    return [*_informed_note(informed), *(_above_note(name, pairs) for name, pairs in sorted(above.items()))]


def _met(items: Iterable[Told], relation: str) -> str:
    """Return SQL for the row ids of the observables that some lists have something of that *relation* to say of."""
    ids = ", ".join(str(item.id) for item in items) or "-1"
    return f"SELECT h.observable_id FROM allow_hit h WHERE h.allow_list_id IN ({ids}) AND h.relation {relation}"  # noqa: S608 (our own words)


def _informed_note(informed: Counter[str]) -> Iterator[str]:
    if informed:
        ordered = sorted(informed.items(), key=lambda pair: (-pair[1], pair[0]))
        shown = ", ".join(f"{name} {count:,}" for name, count in ordered[:MOST_TOLD])
        more = f", and {len(informed) - MOST_TOLD} more lists" if len(informed) > MOST_TOLD else ""
        yield f"on allow-lists that only inform: {shown}{more}; yetictl allow-list set NAME --action block keeps them off"


def _above_note(name: str, pairs: list[tuple[str, str]]) -> str:
    value, entry = pairs[0]
    what = f"{value} is above {entry}"
    if len(pairs) > 1:
        what = f"{len(pairs):,} names are above its entries, as {what}"
    return f"{name}: {what}; whoever blocks by suffix blocks that, too"


def _doing(connection: Connection, action: Action) -> list[Told]:
    # A user's own lists first: theirs is the reason that says most.
    found = [item for item in told(connection) if item.action == action and not item.kind.is_own]
    return sorted(found, key=lambda item: (item.kind.is_carried, item.name))
