"""Prove that what is derived is what the assertions say, and make it so."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from typing import Any, Literal, NamedTuple

import msgspec

from core.errors import AlreadyExists, StoreDamaged
from core.schemas.instant import Instant
from core.store.audit import note
from core.store.clock import last_look, tick
from core.store.databases.interface import Connection
from core.store.derive import Named, derive, derived, named_assertions
from core.store.store import Store
from core.values.types import TYPES

BATCH = 5_000

_UNREADABLE = (StoreDamaged, LookupError, TypeError, ValueError, ArithmeticError)
_OF_AN_INDEX = re.compile(r"(row \d+ missing from|wrong # of entries in) index \S+")

What = Literal["summary", "lost", "sources", "context", "observable", "gone", "twice", "name", "index", "file"]
_FORBIDS_REPAIR = frozenset[What](("file", "gone", "twice"))


class Fault(NamedTuple):
    """What is not as it should be: of one observable, of one name, or of the database.

    Attributes:
        key: The row id of an observable, a tag or a source; 0 if it is none of these.
        type, value: The observable; ``tag`` or ``source`` and its name; empty and what is said.
        what: ``summary``: the derived text is wrong, or the sure bound says too much; it can be made anew.
            ``lost``: the derived text tells of more than its assertions do, so that it is all that is left of them.
            ``sources``: what its sources said cannot be read.  ``context``: its context cannot be read.
            ``observable``: its type, value or dates cannot be read.  ``gone``: its assertions are there, and it is not.
            ``twice``: there are two of it, since the index lacked one when it was imported again.
            ``name``: that of a tag or a source cannot be read, so that nothing was compared.
            ``index``: the database does not find what it has; it can be made anew.
            ``file``: what the database keeps is damaged.
    """

    key: int
    type: str
    value: str
    what: What


class _Pair(msgspec.Struct):
    tag: str
    source: str


UNREADABLE = Fault(0, "", "it cannot be read to its end", "file")


def verify(store: Store, on_rows: Callable[[int], None] = lambda _: None) -> list[Fault]:
    """Return what is not as it should be.

    A sure bound is a promise for every instant from the last write on, with the default lifetime of then.

    Args:
        store: Where they are.
        on_rows: Called with the number of observables just looked at.

    Raises:
        StoreError: The database is away.
    """
    faults: list[Fault] = []
    try:
        for text in store.database.damage():
            what: What = "index" if _OF_AN_INDEX.fullmatch(text) else "file"
            faults.append(Fault(0, "", text, what))
        with closing(store.connect()) as connection, store.database.errors():
            connection.begin_reading()
            faults += _names(connection)
            if not any(fault.what == "name" for fault in faults):
                # One by one: what was found before the damage is told.
                for fault in _observables(store, connection, on_rows):
                    faults.append(fault)
                faults += _gone(connection)
                if any(fault.what == "index" for fault in faults):
                    faults += _twice(connection)
    except StoreDamaged:
        faults.append(UNREADABLE)
    return faults


def rebuild(
    store: Store, ids: Sequence[int], now: Instant, on_rows: Callable[[int], None] = lambda _: None
) -> None:
    """Write anew what is derived of observables, in batches; they count as modified, so that lists tell of it.

    Args:
        store: Where they are.
        ids: Their row ids; what the sources said of each can be read.
        now: When they are modified.
        on_rows: Called with the number of observables just written.

    Raises:
        StoreError: The database is damaged, or away.
    """
    with closing(store.connect()) as connection:
        for batch in (ids[start : start + BATCH] for start in range(0, len(ids), BATCH)):
            with store.database.writing(connection):
                # Each has an instant of its own: somebody else may write between two.
                instant = tick(connection, now, store.lifetime_s)
                derive(connection, batch, instant, store.lifetime_s, modified=True)
                note(connection, "summaries made anew", "", {"observables": len(batch)}, now=now)
            on_rows(len(batch))


def may_repair(faults: Sequence[Fault]) -> bool:
    """Say whether anything may be made anew: not of what is damaged itself, whose remains would be taken for all."""
    return not any(fault.what in _FORBIDS_REPAIR for fault in faults)


def make_indexes_anew(store: Store, now: Instant) -> bool:
    """Write all indexes anew from the tables, and say whether that was done; only SQLite tells that one is damaged."""
    with (
        suppress(StoreDamaged, AlreadyExists),
        closing(store.connect()) as connection,
        store.database.writing(connection),
    ):
        connection.execute("REINDEX")
        note(connection, "indexes made anew", "", now=now)
        return True
    return False


def count(store: Store) -> int:
    """Return how many observables there are; 0 if that cannot be read."""
    with suppress(StoreDamaged), closing(store.connect()) as connection, store.database.errors():
        return int(connection.execute("SELECT count(*) FROM observable").fetchone()[0])
    return 0


def _names(connection: Connection) -> Iterator[Fault]:
    """Find names that are no text."""
    for table in ("tag", "source"):
        query = f"SELECT id, {connection.words.as_bytes('name')} FROM {table} ORDER BY id"  # noqa: S608 (our own words)
        for key, name in connection.execute(query).fetchall():
            if _text(name) is None:
                yield Fault(key, table, _shown(name), "name")


def _observables(store: Store, connection: Connection, on_rows: Callable[[int], None]) -> Iterator[Fault]:
    try:
        last_instant, reckoned_s = last_look(connection)
    except ValueError:
        yield Fault(0, "", "the last instant of its clock cannot be read", "file")
        return
    lifetime_s = store.lifetime_s if reckoned_s is None else reckoned_s
    words = connection.words
    # As bytes, since text that was damaged may be none.
    texts = ", ".join(words.as_bytes(name) for name in ("type", "value", "assertions", "context"))
    query = (
        f"SELECT id, {texts}, created_at, modified_at, sure_until FROM observable WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
    )
    last = 0
    while rows := connection.execute(query, (last, BATCH)).fetchall():
        held = _held(store, connection, [row[0] for row in rows], lifetime_s)
        for key, type_, value, text, context, created, modified, sure in rows:
            is_known = _text(type_) in TYPES and _text(value) is not None
            if not (is_known and isinstance(created, int) and isinstance(modified, int)):
                yield Fault(key, _shown(type_), _shown(value), "observable")
            for what in _faults(held.get(key, []), last_instant, text, sure, context):
                yield Fault(key, _shown(type_), _shown(value), what)
        last = rows[-1][0]
        on_rows(len(rows))


def _gone(connection: Connection) -> list[Fault]:
    """Find assertions about what is not there."""
    rows = connection.execute(
        "SELECT DISTINCT a.observable_id FROM assertion a"
        " WHERE NOT EXISTS (SELECT 1 FROM observable o WHERE o.id = a.observable_id) ORDER BY a.observable_id"
    )
    return [Fault(key, "", f"row {key}", "gone") for (key,) in rows]


def _twice(connection: Connection) -> list[Fault]:
    """Find observables of which there are two, without the index that should have kept the second out."""
    rows = connection.execute(
        "SELECT max(id), CAST(type AS BLOB), CAST(value AS BLOB) FROM observable NOT INDEXED"
        " GROUP BY type, value HAVING count(*) > 1 ORDER BY max(id)"
    )
    return [Fault(key, _shown(type_), _shown(value), "twice") for key, type_, value in rows]


def _held(
    store: Store, connection: Connection, ids: Sequence[int], lifetime_s: int
) -> dict[int, list[Named] | None]:
    """Return the assertions of observables, ``None`` for one of which they cannot be read."""
    connection.execute("SAVEPOINT held")
    try:
        with store.database.errors():
            return {**named_assertions(connection, ids, lifetime_s)}
    except _UNREADABLE:
        # PostgreSQL takes nothing more in a transaction in which something failed.
        connection.execute("ROLLBACK TO SAVEPOINT held")
        if len(ids) == 1:
            return {ids[0]: None}
    finally:
        connection.execute("RELEASE SAVEPOINT held")
    found: dict[int, list[Named] | None] = {}
    for key in ids:
        found.update(_held(store, connection, [key], lifetime_s))
    return found


def _faults(
    named: Sequence[Named] | None, instant: Instant, text: bytes, sure: object, context: bytes
) -> Iterator[What]:
    right = None
    try:
        if named is not None:
            said, bound = derived(named, instant)
            right = said.encode()
    except _UNREADABLE:
        pass
    if right is None:
        yield "sources"
    elif text != right or not isinstance(sure, int) or sure > bound:
        yield "lost" if _pairs(text) - _pairs(right) else "summary"
    try:
        msgspec.json.decode(context, type=list[dict[str, Any]])
    except (msgspec.MsgspecError, TypeError, ValueError):
        yield "context"


def _pairs(text: bytes) -> set[tuple[str, str]]:
    """Return tag and source of each assertion that a derived text tells of; none if it cannot be read."""
    try:
        return {(item.tag, item.source) for item in msgspec.json.decode(text, type=list[_Pair])}
    except (msgspec.MsgspecError, TypeError, ValueError):
        return set()


def _text(kept: bytes | None) -> str | None:
    """Return the text that bytes of the database are; ``None`` if they are none."""
    try:
        return None if kept is None else kept.decode()
    except UnicodeDecodeError:
        return None


def _shown(kept: bytes | None) -> str:
    """Return the same for people, whatever the bytes are."""
    return "" if kept is None else kept.decode(errors="backslashreplace")
