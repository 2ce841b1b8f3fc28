"""How long assertions live: by tag, by source, by type, or by default.

The most particular lifetime that was set counts: that of the tag, else of the source, else of the type.  It bounds
an end that the source states.  The default lifetime stands in only where no end is stated (decision 0070).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from core.errors import NotFound
from core.store.audit import note
from core.store.databases.interface import Connection as DriverConnection
from core.store.merge import Life
from core.store.schema import assertion, observable, source, source_setting, type_lifetime
from core.store.store import Store
from core.values.types import TYPES

FOR_EVER_S = -1


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """What was set, in seconds, -1 for ever: of tags and sources by row id, of types by name.

    Attributes:
        default_s: Where nothing was set.
        from_last_seen: Sources whose assertions live from the source's own date of last sight, where it gives one.
    """

    default_s: int
    tags: Mapping[int, int] = field(default_factory=dict)
    sources: Mapping[int, int] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)
    from_last_seen: frozenset[int] = frozenset()

    @property
    def is_plain(self) -> bool:
        """Whether nothing but the default counts, and that from the time of receipt."""
        return not (self.tags or self.sources or self.types or self.from_last_seen)

    def of(self, tag: int, source: int, type_: str) -> Life:
        """Return how long an assertion by that tag and source on an observable of that type lives."""
        own_s = self.tags.get(tag)
        if own_s is None:
            own_s = self.sources.get(source)
        if own_s is None:
            own_s = self.types.get(type_)
        return Life(self.default_s, own_s, source in self.from_last_seen)


def read_lifetimes(connection: DriverConnection, default_s: int) -> Lifetimes:
    """Return what was set, on a connection of the driver."""
    tags = dict(connection.execute("SELECT id, lifetime_s FROM tag WHERE lifetime_s IS NOT NULL"))
    sources = {}
    seen = set()
    query = "SELECT source_id, lifetime_s, from_last_seen FROM source_setting"
    for key, lifetime_s, is_from_last_seen in connection.execute(query):
        if lifetime_s is not None:
            sources[key] = lifetime_s
        if is_from_last_seen:
            seen.add(key)
    types = dict(connection.execute("SELECT type, lifetime_s FROM type_lifetime"))
    return Lifetimes(default_s, tags, sources, types, frozenset(seen))


@dataclass(frozen=True, slots=True)
class Source:
    """A source and what was set for it.

    Attributes:
        lifetime_s: How long its assertions live; ``None`` is the default.
        from_last_seen: They live from its own date of last sight, where it gives one.
        confidence: What counts as its confidence where it states none; ``None`` is unknown.
    """

    name: str
    lifetime_s: int | None
    from_last_seen: bool
    confidence: int | None


def sources(store: Store) -> list[Source]:
    """Return all sources, by name."""
    own = source_setting.c
    query = (
        select(source.c.name, own.lifetime_s, own.from_last_seen, own.confidence)
        .join(source_setting, own.source_id == source.c.id, isouter=True)
        .order_by(source.c.name)
    )
    with store.reading() as connection:
        return [
            Source(row.name, row.lifetime_s, bool(row.from_last_seen), row.confidence)
            for row in connection.execute(query)
        ]


def set_source(store: Store, given: Source) -> None:
    """Set for the source of that name what *given* says.

    Raises:
        NotFound: There is no such source.
    """
    with store.writing() as connection:
        found = connection.scalar(select(source.c.id).where(source.c.name == given.name))
        if found is None:
            raise NotFound(f"there is no source {given.name!r}")
        connection.execute(delete(source_setting).where(source_setting.c.source_id == found))
        connection.execute(
            insert(source_setting).values(
                source_id=found,
                lifetime_s=given.lifetime_s,
                from_last_seen=given.from_last_seen,
                confidence=given.confidence,
            )
        )
        claimed = select(assertion.c.observable_id).where(assertion.c.source_id == found)
        forget_bounds(connection, observable.c.id.in_(claimed))
        told = asdict(given)
        note(connection, "source changed", told.pop("name"), told)


def type_lifetimes(store: Store) -> dict[str, int]:
    """Return the lifetimes that were set for types."""
    with store.reading() as connection:
        rows = connection.execute(select(type_lifetime.c.type, type_lifetime.c.lifetime_s))
        return {row.type: row.lifetime_s for row in rows.all()}


def set_type_lifetime(store: Store, type_: str, lifetime_s: int | None) -> None:
    """Set how long assertions on observables of a type live; ``None`` is the default.

    Raises:
        NotFound: There is no such type.
    """
    if type_ not in TYPES:
        raise NotFound(f"there is no type {type_!r}; known: {', '.join(sorted(TYPES))}")
    with store.writing() as connection:
        connection.execute(delete(type_lifetime).where(type_lifetime.c.type == type_))
        if lifetime_s is not None:
            connection.execute(insert(type_lifetime).values(type=type_, lifetime_s=lifetime_s))
        forget_bounds(connection, observable.c.type == type_)
        note(connection, "type changed", type_, {"lifetime_s": lifetime_s})


def forget_bounds(connection: Connection, which: ColumnElement[bool]) -> None:
    """Make no promise any more for the observables of a condition; snapshots then look at their assertions."""
    connection.execute(update(observable).where(which).values(sure_until=0))
