"""What people do to observables through the API: take many in, tag, remark, delete.

Claims go the way of every import (`core.store.imports`).  What a person says again counts again, even if it was
withdrawn before: nobody but the same person could have meant it.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from core.errors import NotFound, RefusedValue
from core.schemas.claim import CLEARED_BY, Claim
from core.schemas.instant import Instant
from core.store import audit, dialect
from core.store.changes import KEY, OBSERVABLE_COLUMNS
from core.store.clock import tick
from core.store.databases.interface import Connection
from core.store.derive import derive
from core.store.imports import ImportSession
from core.store.observables import fault_of_tags, split_by_kind, told_of
from core.store.rendering import context_object, context_text, with_context
from core.store.soundness import fault_of, fault_of_numbers, fault_of_text
from core.store.store import Store
from core.store.tags import sticky_among

_encode = msgspec.json.Encoder().encode
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """An observable as somebody gives it.

    Attributes:
        type: One of ``core.values.types.TYPES``.
        value: The canonical value.
        tags: What is claimed of it; of one without tags nothing is claimed.
        context: A remark; ``None`` is none.
    """

    type: str
    value: str
    tags: tuple[str, ...] = ()
    context: dict[str, Any] | None = None


def take_in(store: Store, entries: Sequence[Entry], source: str, now: Instant) -> list[str | None]:
    """Keep *entries* as *source* gives them, and return for each why it cannot be kept, ``None`` if it is."""
    plain = [
        Claim(type=item.type, value=item.value, source=source, tags=item.tags, context=item.context)
        for item in entries
    ]
    faults = [fault_of(claim) or fault_of_tags(claim.tags) for claim in plain]
    sound = [item for item, fault in zip(entries, faults, strict=True) if fault is None]
    tagged = [item for item in sound if item.tags]
    untagged = [item for item in sound if not item.tags]
    if tagged:
        claims = claims_of(store, tagged, source)
        with ImportSession(store, now, told=told_of(claims)) as session:
            session.add(claims)
        _let_count_again(store, [(item.type, item.value, item.tags) for item in tagged], source, now)
    for start in range(0, len(untagged), _BATCH):
        _keep_untagged(store, untagged[start : start + _BATCH], source, now)
    return faults


def claims_of(store: Store, entries: Iterable[Entry], source: str) -> list[Claim]:
    """Return what *source* claims with tagged *entries*: under sticky tags, that they are good."""
    given = list(entries)
    with _reading(store) as connection:
        sticky = set(sticky_among(connection, {name for item in given for name in item.tags}))
    return [
        Claim(type=item.type, value=item.value, source=source, tags=tags, kind=kind, context=item.context)
        for item in given
        for kind, tags in split_by_kind(item.tags, sticky)
    ]


def refuse_context(source: str, context: dict[str, Any]) -> None:
    """Do nothing if a remark of *source* may be kept.

    Raises:
        RefusedValue: It may not.
    """
    fault = fault_of_text(source) or ("an empty source" if not source else None) or _fault_of(context)
    if source == CLEARED_BY:
        fault = f"the source {CLEARED_BY!r} is reserved"
    if fault:
        raise RefusedValue(f"the context cannot be kept: {fault}")


def add_context(store: Store, key: int, source: str, context: dict[str, Any], now: Instant) -> None:
    """Keep a remark of *source* with the observable of that row id; one that is there already stays once.

    Raises:
        NotFound: There is no such observable.
        RefusedValue: It cannot be kept, or the source has as many remarks there as one may have.
    """
    refuse_context(source, context)
    new = msgspec.json.decode(_encode(context_object(source, context)))
    with _writing(store) as connection:
        row = connection.execute("SELECT context FROM observable WHERE id = ?", (key,)).fetchone()
        if row is None:
            raise _none(key)
        known = msgspec.json.decode(row[0])
        if new in known:
            return
        if not with_context(known, new):
            raise RefusedValue(f"{source!r} has as many remarks there as one source may have")
        _put_context(connection, store, [(context_text(known), key)], now)
        audit.note(connection, "context added", _named(connection, [key]), {"source": source}, now=now)


def remove_context(store: Store, key: int, source: str, context: dict[str, Any], now: Instant) -> None:
    """Take a remark of *source* away; nothing happens if it is not there.

    Raises:
        NotFound: There is no such observable.
    """
    with _writing(store) as connection:
        row = connection.execute("SELECT context FROM observable WHERE id = ?", (key,)).fetchone()
        if row is None:
            raise _none(key)
        known = msgspec.json.decode(row[0])
        left = [item for item in known if item != context_object(source, context)]
        if left != known:
            _put_context(connection, store, [(context_text(left), key)], now)
            audit.note(connection, "context removed", _named(connection, [key]), {"source": source}, now=now)


def keep_only(store: Store, keys: Sequence[int], tags: Sequence[str], reason: str, now: Instant) -> None:
    """Withdraw what anybody claims of the observables of these row ids under other tags than *tags*."""
    marks = dialect.marks(tags)
    with _writing(store) as connection:
        instant = tick(connection, now, store.lifetime_s)
        query = (
            "UPDATE assertion SET withdrawn_at = ?, withdrawn_reason = ? WHERE withdrawn_at IS NULL"  # noqa: S608
            f" AND observable_id = ? AND tag_id NOT IN (SELECT id FROM tag WHERE name IN ({marks}))"
            " AND source_id NOT IN (SELECT id FROM source WHERE name = ?)"
        )
        changed = [
            key for key in keys if connection.execute(query, (instant, reason, key, *tags, CLEARED_BY)).rowcount
        ]
        derive(connection, changed, instant, store.lifetime_s, modified=True)
        if changed:
            told = {"all_tags_but": [*tags], "reason": reason}
            audit.note(connection, "observable withdrawn", _named(connection, changed), told, now=now)


def remove(store: Store, key: int, reason: str, now: Instant) -> bool:
    """Forget the observable of a row id, and say whether it is gone.

    One that stands in the history of an export, or might by a run that goes on, stays, so that versions can be
    explained; all that is claimed of it is withdrawn.

    Raises:
        NotFound: There is no such observable.
    """
    with _writing(store) as connection:
        if connection.execute("SELECT 1 FROM observable WHERE id = ?", (key,)).fetchone() is None:
            raise _none(key)
        instant = tick(connection, now, store.lifetime_s)
        is_told_of, name = _is_told_of(connection, key, now), _named(connection, [key])
        action = "observable withdrawn" if is_told_of else "observable deleted"
        audit.note(connection, action, name, {"reason": reason}, now=now)
        if is_told_of:
            query = "UPDATE assertion SET withdrawn_at = ?, withdrawn_reason = ? WHERE withdrawn_at IS NULL"
            connection.execute(f"{query} AND observable_id = ?", (instant, reason, key))
            derive(connection, [key], instant, store.lifetime_s, modified=True)
            return False
        connection.execute("DELETE FROM observable WHERE id = ?", (key,))
        # The row id may be given again: the next one to have it has not been looked at.
        connection.execute(
            "UPDATE allow_list_setting SET checked_until = ? WHERE checked_until >= ?", (key - 1, key)
        )
        return True


def _is_told_of(connection: Connection, key: int, now: Instant) -> bool:
    """Say whether an export has the observable in its history, or may get it there by a run that goes on."""
    query = (
        "SELECT 1 FROM export e WHERE EXISTS"
        " (SELECT 1 FROM ledger l WHERE l.export_id = e.id AND l.observable_id = ?)"
        " OR EXISTS (SELECT 1 FROM export_lease s WHERE s.export_id = e.id AND s.owner IS NOT NULL"
        " AND s.lease_until > ?) LIMIT 1"
    )
    return connection.execute(query, (key, now)).fetchone() is not None


def _keep_untagged(store: Store, entries: Sequence[Entry], source: str, now: Instant) -> None:
    """Keep observables of which nobody claims anything, with their remarks."""
    with _writing(store) as connection:
        instant = tick(connection, now, store.lifetime_s)
        known = _known(connection, [(item.type, item.value) for item in entries])
        key = int(connection.execute("SELECT COALESCE(max(id), 0) FROM observable").fetchone()[0])
        added = []
        # In the order of the index, as every batch is written.
        for name in sorted({(item.type, item.value) for item in entries} - known.keys()):
            key += 1
            known[name] = key
            added.append((key, *name, instant, instant, 0, "[]", "[]"))
        connection.put("observable", OBSERVABLE_COLUMNS, added)
        if added:
            audit.note(connection, "observable added", _named(connection, [row[0] for row in added]), now=now)
        remarks: dict[int, list[dict[str, Any]]] = {}
        for item in entries:
            if item.context is not None:
                remarks.setdefault(known[item.type, item.value], []).append(
                    msgspec.json.decode(_encode(context_object(source, item.context)))
                )
        new = {row[0] for row in added}
        if told_more := [key for key in _add_remarks(connection, store, remarks, now) if key not in new]:
            audit.note(connection, "context added", _named(connection, told_more), {"source": source}, now=now)


def _add_remarks(
    connection: Connection, store: Store, remarks: dict[int, list[dict[str, Any]]], now: Instant
) -> list[int]:
    """Keep remarks with observables, and return the row ids of those that had them not."""
    changed = []
    for key, text in dialect.find_by_ids(connection, "t.id, t.context", "observable", list(remarks), key="id"):
        known = msgspec.json.decode(text)
        if sum(with_context(known, new) for new in remarks[key]):
            changed.append((context_text(known), key))
    _put_context(connection, store, changed, now)
    return [key for _, key in changed]


def _put_context(connection: Connection, store: Store, changed: Sequence[tuple[str, int]], now: Instant) -> None:
    if changed:
        instant = tick(connection, now, store.lifetime_s)
        rows = [(text, instant, key) for text, key in changed]
        connection.change("observable", ("context", "modified_at"), ("id",), rows)


def _let_count_again(
    store: Store, said: Sequence[tuple[str, str, tuple[str, ...]]], source: str, now: Instant
) -> None:
    """Undo what was withdrawn of what *source* says now."""
    with _reading(store) as connection:
        row = connection.execute("SELECT id FROM source WHERE name = ?", (source,)).fetchone()
        own = 0 if row is None else int(row[0])
        tags = {name: key for key, name in connection.execute("SELECT id, name FROM tag")}
        known = _known(connection, [(type_, value) for type_, value, _ in said])
        wanted = {(known[type_, value], tags[name]) for type_, value, names in said for name in names}
        columns = "t.observable_id, t.tag_id, t.source_id, t.withdrawn_at"
        rows = dialect.find_by_ids(connection, columns, "assertion", sorted(set(known.values())))
        pairs = [
            (key, tag)
            for key, tag, by, withdrawn_at in rows
            if withdrawn_at is not None and by == own and (key, tag) in wanted
        ]
    if not pairs:
        return
    with _writing(store) as connection:
        instant = tick(connection, now, store.lifetime_s)
        rows = [(None, None, key, own, tag) for key, tag in pairs]
        connection.change("assertion", ("withdrawn_at", "withdrawn_reason"), KEY, rows)
        keys = sorted({key for key, _ in pairs})
        derive(connection, keys, instant, store.lifetime_s, modified=True)
        audit.note(connection, "observable reinstated", _named(connection, keys), {"source": source}, now=now)


def _named(connection: Connection, keys: Sequence[int]) -> str:
    """Return the value of one observable, or how many there are."""
    if len(keys) != 1:
        return f"{len(keys):,} values"
    return str(connection.execute("SELECT value FROM observable WHERE id = ?", tuple(keys)).fetchone()[0])


def _known(connection: Connection, named: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return the row ids of those of *named* (type, value) that there are."""
    by_type: dict[str, list[str]] = {}
    for type_, value in named:
        by_type.setdefault(type_, []).append(value)
    return {
        (type_, value): key
        for type_, values in by_type.items()
        for value, key, _ in dialect.find_observables(connection, type_, values)
    }


def _fault_of(context: dict[str, Any]) -> str | None:
    return fault_of(Claim(type="x", value="x", source="x", context=context)) or fault_of_numbers(context)


def _none(key: int) -> NotFound:
    return NotFound(f"there is no observable with the id {key}")


@contextmanager
def _reading(store: Store) -> Iterator[Connection]:
    with closing(store.connect()) as connection, store.database.errors():
        connection.begin_reading()
        yield connection


@contextmanager
def _writing(store: Store) -> Iterator[Connection]:
    with closing(store.connect()) as connection, store.database.writing(connection):
        yield connection
