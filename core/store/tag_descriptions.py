"""Tags as people manage them: described, looked for, renamed, merged, taken away.

The row of a tag stays when it is taken away, since an import that goes on may know its id; what nobody describes and
nothing has is no tag to anybody who asks.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, delete, func, insert, or_, select

from core.errors import AlreadyExists, NotFound
from core.schemas.claim import CLEARED_BY
from core.schemas.instant import Instant
from core.store import audit, definitions, tags
from core.store.clock import tick
from core.store.databases.interface import Connection
from core.store.derive import derive
from core.store.names import Names
from core.store.schema import assertion, tag, tag_description
from core.store.store import Store
from core.values.tags import tag_key

BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Described:
    """A tag with what people wrote about it.

    Attributes:
        count: How many observables have it, whatever became of that.
        created_at: When it was described, or first claimed; ``None`` if neither ever happened.
        lifetime_s: As `core.store.tags.Tag` has it.
        produces, replaces: Names of tags, kept for people: nothing acts on them.
    """

    id: int
    name: str
    description: str
    count: int
    created_at: Instant | None
    lifetime_s: int | None
    produces: tuple[str, ...]
    replaces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """What is to be written about a tag."""

    text: str = ""
    produces: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()


def get(store: Store, key: int) -> Described:
    """Return the tag of a row id.

    Raises:
        NotFound: There is none.
    """
    with store.reading() as connection:
        row = connection.execute(_described().where(tag.c.id == key)).first()
    if row is None:
        raise NotFound(f"there is no tag with the id {key}")
    return _of(row)


def find(store: Store, text: str, *, limit: int | None, offset: int) -> tuple[list[Described], int]:
    """Return a page of the tags with *text* in the name, in upper or lower case, by name; and how many there are."""
    return _page(store, func.lower(tag.c.name).contains(text.lower(), autoescape=True), limit, offset)


def named(
    store: Store, names: Sequence[str], *, limit: int | None = None, offset: int = 0
) -> tuple[list[Described], int]:
    """Return a page of the tags of these names, whatever their spelling; and how many there are."""
    return _page(store, tag.c.key.in_([tag_key(name) for name in names]), limit, offset)


def describe(store: Store, name: str, description: Description, now: Instant) -> Described:
    """Write about the tag *name*, in that spelling, which is made if need be."""
    key = _kept(store, name)
    with store.writing() as connection:
        before = connection.scalar(select(tag_description.c.created_at).where(tag_description.c.tag_id == key))
        connection.execute(delete(tag_description).where(tag_description.c.tag_id == key))
        connection.execute(
            insert(tag_description).values(
                tag_id=key,
                description=description.text,
                produces=json.dumps(description.produces, ensure_ascii=False),
                replaces=json.dumps(description.replaces, ensure_ascii=False),
                created_at=now if before is None else before,
            )
        )
        audit.note(connection, "tag described", name, {"description": description.text}, now=now)
    return get(store, key)


def merge(store: Store, names: Sequence[str], into: str, now: Instant) -> tuple[int, Described]:
    """Let what has one of the tags *names* have *into* instead, and return how many observables that changed.

    Raises:
        NotFound: There is no such tag.
        AlreadyExists: An export names one of them, or somebody was cleared by it.
    """
    if not named(store, [into])[1]:
        raise NotFound(f"there is no tag {into!r}")
    old = [_existing(store, name) for name in dict.fromkeys(names) if name != into]
    for item in old:
        _refuse_needed(store, item.name)
    target = _kept(store, into)
    changed = sum(_move(store, item.id, target, now, _Told("tag merged", item.name, into)) for item in old)
    for item in old:
        _forget_description(store, item.id)
    return changed, get(store, target)


def rename(store: Store, key: int, name: str, now: Instant) -> None:
    """Let what has the tag of a row id have one of the new name *name* instead; that is another row.

    Raises:
        NotFound: There is no such tag.
        AlreadyExists: There is a tag of that name; or as `merge`.
    """
    item = get(store, key)
    if any(other.name == name for other in named(store, [name])[0]):
        raise AlreadyExists(f"there is a tag {name!r} already; merge {item.name!r} into it")
    _refuse_needed(store, item.name)
    _move(store, key, _kept(store, name), now, _Told("tag renamed", item.name, name))
    _forget_description(store, key)


def remove(store: Store, key: int, now: Instant) -> None:
    """Take a tag away from whatever has it.

    Raises:
        NotFound: There is none.
        AlreadyExists: An export names it, or somebody was cleared by it.
    """
    item = get(store, key)
    _refuse_needed(store, item.name)
    _move(store, key, None, now, _Told("tag removed", item.name))
    _forget_description(store, key)


def _page(store: Store, condition: Any, limit: int | None, offset: int) -> tuple[list[Described], int]:
    with store.reading() as connection:
        total = connection.scalar(select(func.count()).select_from(tag).where(condition, _is_there()))
        query = _described().where(condition).order_by(tag.c.name).limit(limit).offset(offset)
        return [_of(row) for row in connection.execute(query)], int(total or 0)


def _described() -> Select[Any]:
    mine = assertion.c.tag_id == tag.c.id
    count = select(func.count(assertion.c.observable_id.distinct())).where(mine).scalar_subquery()
    # The oldest observable that has it: when it came is nearly when the tag did, and found at once.
    first = (
        select(assertion.c.created_at).where(mine).order_by(assertion.c.observable_id).limit(1).scalar_subquery()
    )
    about = tag_description.c
    return (
        select(
            tag.c.id,
            tag.c.name,
            func.coalesce(about.description, "").label("description"),
            count.label("number"),
            func.coalesce(about.created_at, first).label("created_at"),
            tag.c.lifetime_s,
            func.coalesce(about.produces, "[]").label("produces"),
            func.coalesce(about.replaces, "[]").label("replaces"),
        )
        .join(tag_description, about.tag_id == tag.c.id, isouter=True)
        .where(_is_there())
    )


def _is_there() -> Any:
    described = (
        select(tag_description.c.tag_id).where(tag_description.c.tag_id == tag.c.id).correlate(tag).exists()
    )
    used = select(assertion.c.tag_id).where(assertion.c.tag_id == tag.c.id).correlate(tag).exists()
    return or_(described, used)


def _of(row: Row[Any]) -> Described:
    return Described(
        row.id,
        row.name,
        row.description,
        row.number,
        row.created_at,
        row.lifetime_s,
        tuple(json.loads(row.produces)),
        tuple(json.loads(row.replaces)),
    )


def _existing(store: Store, name: str) -> Described:
    found, _ = named(store, [name])
    exact = [item for item in found if item.name == name] or found
    if not exact:
        raise NotFound(f"there is no tag {name!r}")
    return exact[0]


def _kept(store: Store, name: str) -> int:
    """Return the row id of a tag of that spelling, made if need be; it lives as the others of its key do."""
    with _writing(store) as connection:
        names = Names(connection, store.lifetime_s)
        names.refresh()
        names.add_tags([name])
        return names.tag_ids[name]


def _refuse_needed(store: Store, name: str) -> None:
    """Refuse to touch what decides what exports list: whoever changes that shall see it."""
    key = tag_key(name)
    for item in definitions.exports(store):
        chosen = item.selection
        if key in map(tag_key, (*chosen.include, *chosen.require, *chosen.exclude, *chosen.ignore)):
            raise AlreadyExists(f"the export {item.name!r} goes by the tag {name!r}; change that first")
    with closing(store.connect()) as connection, store.database.errors():
        cleared = connection.execute(
            "SELECT 1 FROM assertion a JOIN tag n ON n.id = a.tag_id JOIN source s ON s.id = a.source_id"
            " WHERE n.name = ? AND s.name = ? LIMIT 1",
            (name, CLEARED_BY),
        ).fetchone()
    if cleared is not None:
        raise AlreadyExists(f"by the tag {name!r} values are known to be false positives; reinstate those first")


class _Told(NamedTuple):
    """What is put down of what becomes of a tag: an action, its name, and the one that takes its place."""

    action: str
    name: str
    into: str = ""


def _move(store: Store, old: int, new: int | None, now: Instant, told: _Told) -> int:
    """Give what has the tag *old* the tag *new* instead, or none; return how many observables that were."""
    changed, entry = 0, 0
    detail: dict[str, Any] = {"into": told.into} if told.into else {}
    with closing(store.connect()) as connection:
        while True:
            with store.database.writing(connection):
                rows = connection.execute(
                    "SELECT DISTINCT observable_id FROM assertion WHERE tag_id = ? ORDER BY 1 LIMIT ?",
                    (old, BATCH),
                )
                ids = [key for (key,) in rows.fetchall()]
                entry = entry or audit.note(connection, told.action, told.name, detail, now=now)
                if not ids:
                    audit.amend(connection, entry, {**detail, "observables": changed})
                    return changed
                instant = tick(connection, now, store.lifetime_s)
                if new is not None:
                    # What the same source says under both stays as it is under the new one.
                    connection.execute(
                        "UPDATE assertion SET tag_id = ? WHERE tag_id = ? AND observable_id <= ? AND NOT EXISTS"
                        " (SELECT 1 FROM assertion b WHERE b.tag_id = ? AND b.observable_id = assertion.observable_id"
                        " AND b.source_id = assertion.source_id)",
                        (new, old, ids[-1], new),
                    )
                connection.execute("DELETE FROM assertion WHERE tag_id = ? AND observable_id <= ?", (old, ids[-1]))
                derive(connection, ids, instant, store.lifetime_s, modified=True)
                changed += len(ids)


def _forget_description(store: Store, key: int) -> None:
    with store.writing() as connection:
        connection.execute(delete(tag_description).where(tag_description.c.tag_id == key))


def set_lifetime(store: Store, name: str, lifetime_s: int | None) -> None:
    """Fix how long assertions of the tag live, in all its spellings; see `core.store.tags.set_tag`."""
    known = next(item for item in tags.tags(store) if item.key == tag_key(name))
    if known.lifetime_s != lifetime_s:
        tags.set_tag(store, name, lifetime_s=lifetime_s, sticky=known.sticky)


@contextmanager
def _writing(store: Store) -> Iterator[Connection]:
    with closing(store.connect()) as connection, store.database.writing(connection):
        yield connection
