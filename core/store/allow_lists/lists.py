"""Lists of what must not be blocked: as they were imported, and what is done by them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from core.errors import NotFound, RefusedValue
from core.schemas.claim import AllowListEntries
from core.schemas.instant import Instant
from core.store.allow_lists.kinds import CARVED_OUT, Action, Kind, default_action, does, family_of, is_reserved
from core.store.audit import note
from core.store.schema import allow_hit, allow_list, allow_list_entry, allow_list_setting
from core.store.soundness import fault_of_text
from core.store.store import Store

_BATCH = 10_000
_encode = msgspec.json.Encoder().encode
_SETTINGS = allow_list_setting.c


@dataclass(frozen=True, slots=True)
class AllowList:
    """What is known of a list, without its entries.

    ``chosen_action`` is what somebody said is done by it; ``None`` is by its kind.
    """

    name: str
    list_type: str
    version: str
    description: str
    matching_attributes: tuple[str, ...]
    entries: int
    received_at: Instant
    kind: Kind
    chosen_action: Action | None

    @property
    def action(self) -> Action:
        """What is done by it, own assets aside."""
        return self.chosen_action or default_action(self.kind)

    @property
    def does(self) -> str:
        """What becomes of a run by it: ``hold``, ``block``, ``inform`` or ``off``."""
        return does(self.kind, self.action)


def put_allow_list(store: Store, given: AllowListEntries, now: Instant) -> None:
    """Keep a list; one of that name is replaced whole, but for what was set for it.

    Entries that no database can keep are left out.

    Raises:
        RefusedValue: The name is that of a list which the program keeps itself.
    """
    if is_reserved(given.name):
        raise RefusedValue(f"the allow-list {given.name!r} is kept by the program; give yours another name")
    with store.writing() as connection:
        before = _digest_of(connection, given.name)
        key = put(connection, given, now, Kind(family_of(given.name, given.matching_attributes)))
        if before != _digest_of(connection, given.name):
            number = connection.scalar(select(func.count()).where(allow_list_entry.c.allow_list_id == key))
            action = "allow-list added" if before is None else "allow-list replaced"
            note(connection, action, given.name, {"entries": number, "version": given.version})


def put(connection: Connection, given: AllowListEntries, now: Instant, kind: Kind) -> int:
    """Keep a list, inside a write transaction, and return its row id; its kind but for ``is_own`` is as given.

    One that is the same as before keeps its hits.
    """
    columns = {
        "list_type": given.list_type,
        "version": given.version,
        "description": given.description,
        "matching_attributes": json.dumps(given.matching_attributes),
        "received_at": now,
    }
    entries = [(place, entry) for place, entry in enumerate(given.entries) if fault_of_text(entry) is None]
    digest = _digest(given.list_type, given.matching_attributes, entries)
    named = allow_list.c.name == given.name
    if not connection.execute(update(allow_list).where(named).values(columns)).rowcount:
        connection.execute(insert(allow_list).values(name=given.name, **columns))
    key = int(connection.execute(select(allow_list.c.id).where(named)).scalar_one())
    if _settle(connection, key, kind, digest):
        connection.execute(delete(allow_list_entry).where(allow_list_entry.c.allow_list_id == key))
        rows = ({"allow_list_id": key, "position": place, "entry": entry} for place, entry in entries)
        while batch := list(islice(rows, _BATCH)):
            connection.execute(insert(allow_list_entry), batch)
    return key


def _settle(connection: Connection, key: int, kind: Kind, digest: str) -> bool:
    """Keep of what kind a list is, and say whether it is another one than before; then its hits are forgotten."""
    known = connection.execute(select(allow_list_setting).where(_SETTINGS.allow_list_id == key)).first()
    columns = {"family": kind.family, "special_class": kind.special_class, "is_carried": kind.is_carried}
    if known is None:
        columns |= {"is_own": kind.is_own, "digest": digest, "checked_until": 0}
        connection.execute(insert(allow_list_setting).values(allow_list_id=key, **columns))
        return True
    has_changed = (known.digest, known.family, known.special_class) != (digest, kind.family, kind.special_class)
    if has_changed:
        columns |= {"digest": digest, "checked_until": 0}
        connection.execute(delete(allow_hit).where(allow_hit.c.allow_list_id == key))
    connection.execute(update(allow_list_setting).where(_SETTINGS.allow_list_id == key).values(columns))
    return has_changed


def adopt(connection: Connection) -> None:
    """Settle lists that a version of the program took in which knew no kinds, inside a write transaction."""
    strangers = select(allow_list).where(allow_list.c.id.not_in(select(_SETTINGS.allow_list_id)))
    for row in connection.execute(strangers).all():
        matching = tuple(json.loads(row.matching_attributes))
        entries = connection.execute(
            select(allow_list_entry.c.position, allow_list_entry.c.entry)
            .where(allow_list_entry.c.allow_list_id == row.id)
            .order_by(allow_list_entry.c.position)
        )
        digest = _digest(row.list_type, matching, [(place, entry) for place, entry in entries])
        _settle(connection, row.id, Kind(family_of(row.name, matching)), digest)


def forget_hits(connection: Connection) -> None:
    """Let everything be looked at again, inside a write transaction."""
    connection.execute(delete(allow_hit))
    connection.execute(update(allow_list_setting).values(checked_until=0))


def set_allow_list(
    store: Store, name: str, *, action: Action | str | None = "", is_own: bool | None = None
) -> AllowList:
    """Say what is done by a list, and return it.

    Args:
        store: Where.
        name: Of the list.
        action: What; ``None`` is by its kind again, and an empty text leaves it as it is.
        is_own: Whether it has the user's own assets; ``None`` leaves that as it is.

    Raises:
        NotFound: There is none of that name.
        RefusedValue: It is carried, and cannot be of own assets.
    """
    with store.writing() as connection:
        key, kind = _found(connection, name)
        if is_own and kind.is_carried:
            raise RefusedValue(f"the allow-list {name!r} comes with the program; it does not hold your own assets")
        if action != "":
            connection.execute(update(allow_list).where(allow_list.c.id == key).values(action=action))
        if is_own is not None:
            connection.execute(
                update(allow_list_setting).where(_SETTINGS.allow_list_id == key).values(is_own=is_own)
            )
        told = {"action": action, "is_own": is_own}
        kept = {"action": "", "is_own": None}
        note(connection, "allow-list changed", name, {key: told[key] for key in told if told[key] != kept[key]})
    return next(item for item in allow_lists(store) if item.name == name)


def allow_lists(store: Store) -> list[AllowList]:
    """Return all lists, by name."""
    counts = (
        select(allow_list_entry.c.allow_list_id, func.count().label("entries"))
        .group_by(allow_list_entry.c.allow_list_id)
        .subquery()
    )
    query = (
        select(allow_list, func.coalesce(counts.c.entries, 0).label("entries"), *_kind_columns())
        .join(counts, counts.c.allow_list_id == allow_list.c.id, isouter=True)
        .join(allow_list_setting, _SETTINGS.allow_list_id == allow_list.c.id, isouter=True)
        .order_by(allow_list.c.name)
    )
    with store.reading() as connection:
        return [
            AllowList(
                row.name,
                row.list_type,
                row.version,
                row.description,
                tuple(json.loads(row.matching_attributes)),
                row.entries,
                row.received_at,
                _kind(row),
                row.action,
            )
            for row in connection.execute(query)
        ]


def get_allow_list(store: Store, name: str) -> AllowListEntries:
    """Return the list *name* with its entries.

    Raises:
        NotFound: There is none.
    """
    with store.reading() as connection:
        key, _ = _found(connection, name)
        row = connection.execute(select(allow_list).where(allow_list.c.id == key)).one()
        entries = connection.scalars(
            select(allow_list_entry.c.entry)
            .where(allow_list_entry.c.allow_list_id == row.id)
            .order_by(allow_list_entry.c.position)
        )
        return AllowListEntries(
            name=row.name,
            list_type=row.list_type,
            version=row.version,
            description=row.description,
            matching_attributes=tuple(json.loads(row.matching_attributes)),
            entries=tuple(entries),
        )


def remove_allow_list(store: Store, name: str) -> None:
    """Forget the list *name*.

    Raises:
        NotFound: There is none.
        RefusedValue: The program keeps it.
    """
    with store.writing() as connection:
        key, kind = _found(connection, name)
        if kind.is_carried or kind.family == CARVED_OUT:
            raise RefusedValue(
                f"the allow-list {name!r} is kept by the program; yetictl allow-list set NAME --action off switches it off"
            )
        connection.execute(delete(allow_list).where(allow_list.c.id == key))
        note(connection, "allow-list removed", name)


def _found(connection: Connection, name: str) -> tuple[int, Kind]:
    row = connection.execute(
        select(allow_list, *_kind_columns())
        .join(allow_list_setting, _SETTINGS.allow_list_id == allow_list.c.id, isouter=True)
        .where(allow_list.c.name == name)
    ).first()
    if row is None:
        raise NotFound(no_such_list(name, connection.scalars(select(allow_list.c.name)).all()))
    return int(row.id), _kind(row)


def no_such_list(name: str, known: Sequence[str]) -> str:
    """Return what is to be said of a name that no list has: the nearest one that there is."""
    lower = {other.lower(): other for other in known}
    near = get_close_matches(name.lower(), lower, n=1)
    hint = f"did you mean {lower[near[0]]!r}?" if near else "yetictl allow-list list shows them"
    return f"there is no allow-list {name!r}; {hint}"


def _digest_of(connection: Connection, name: str) -> str | None:
    query = select(_SETTINGS.digest).join(allow_list, allow_list.c.id == _SETTINGS.allow_list_id)
    return connection.scalar(query.where(allow_list.c.name == name))


def _kind_columns() -> list[ColumnElement[Any]]:
    return [_SETTINGS.family, _SETTINGS.special_class, _SETTINGS.is_carried, _SETTINGS.is_own]


def _kind(row: Row[Any]) -> Kind:
    if row.family is None:
        return Kind(family_of(row.name, tuple(json.loads(row.matching_attributes))))
    return Kind(row.family, row.special_class, bool(row.is_carried), bool(row.is_own))


def _digest(list_type: str, matching: tuple[str, ...], entries: list[tuple[int, str]]) -> str:
    return hashlib.sha256(_encode([list_type, matching, entries])).hexdigest()
