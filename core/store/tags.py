"""Tags as the store knows them: their spellings, lifetimes, and whether an exclusion by them lapses."""

import re
from collections.abc import Iterable
from functools import lru_cache

import msgspec
from sqlalchemy import select, update

from core.errors import NotFound
from core.store.audit import note
from core.store.databases.interface import Connection
from core.store.lifetimes import forget_bounds
from core.store.schema import assertion, observable, tag
from core.store.store import Store
from core.values.tags import tag_key

# What says "not a threat": such a tag keeps its value off a list even when it was last heard of long ago.
_STICKY = re.compile(
    r"(^|[_.:=\"'-])"
    r"(benign|harmless|(allow|white|safe)[_-]?list(ed)?|false[_-]?positives?|known[_-]?good)"
    r"($|[_.:=\"'-])"
)


class Tag(msgspec.Struct, frozen=True, gc=False):
    """A tag: ``lifetime_s`` ``None`` is the default, -1 for ever; ``sticky`` ``None`` is by its name."""

    id: int
    name: str
    key: str
    lifetime_s: int | None
    sticky: bool | None

    @property
    def is_sticky(self) -> bool:
        """Whether an exclusion by this tag holds after the tag went stale."""
        return is_sticky_name(self.key) if self.sticky is None else self.sticky


@lru_cache(maxsize=65_536)  # every selection asks it of every tag
def is_sticky_name(key: str) -> bool:
    """Say whether a tag of that key is of the families benign, allow-listed, false positive, known good."""
    return _STICKY.search(key.replace(" ", "_")) is not None


def read_tags(connection: Connection) -> list[Tag]:
    """Return all tags, on a connection of the driver."""
    rows = connection.execute("SELECT id, name, key, lifetime_s, sticky FROM tag ORDER BY id").fetchall()
    return [_tag(row) for row in rows]


def tags(store: Store) -> list[Tag]:
    """Return all tags, by name."""
    with store.reading() as connection:
        query = select(tag.c.id, tag.c.name, tag.c.key, tag.c.lifetime_s, tag.c.sticky).order_by(tag.c.name)
        return [_tag(tuple(row)) for row in connection.execute(query)]


def sticky_among(connection: Connection, names: Iterable[str]) -> list[str]:
    """Return those of *names* that are sticky, or would be."""
    known = {item.key: item.is_sticky for item in read_tags(connection)}
    return [name for name in names if known.get(key := tag_key(name), is_sticky_name(key))]


def set_tag(store: Store, name: str, *, lifetime_s: int | None, sticky: bool | None) -> None:
    """Fix how long assertions of the tag live and whether an exclusion by it lapses; ``None`` is the default.

    All spellings of the name are meant.

    Raises:
        NotFound: There is no such tag.
    """
    with store.writing() as connection:
        ids = list(connection.scalars(select(tag.c.id).where(tag.c.key == tag_key(name))))
        if not ids:
            raise NotFound(f"there is no tag {name!r}")
        connection.execute(update(tag).where(tag.c.id.in_(ids)).values(lifetime_s=lifetime_s, sticky=sticky))
        tagged = select(assertion.c.observable_id).where(assertion.c.tag_id.in_(ids))
        forget_bounds(connection, observable.c.id.in_(tagged))
        note(connection, "tag changed", name, {"lifetime_s": lifetime_s, "sticky": sticky})


def _tag(row: tuple[int, str, str, int | None, int | bool | None]) -> Tag:
    key, name, form, lifetime_s, sticky = row
    return Tag(key, name, form, lifetime_s, None if sticky is None else bool(sticky))
