"""What is served just now, and to whom: all of one moment, for whoever keeps it in memory."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, and_, select

from core.errors import StoreError
from core.schemas.instant import Instant
from core.schemas.version import StoredObject
from core.store.archives import KEPT
from core.store.schema import (
    archive,
    consumer,
    consumer_export,
    consumer_token,
    export,
    export_access,
    export_networks,
    version,
)

if TYPE_CHECKING:
    from core.store.databases.interface import Connection as DriverConnection
    from core.store.store import Store


@dataclass(frozen=True, slots=True)
class ServedExport:
    """One export.

    Attributes:
        id: Its row id.
        versions_key: What it is known by whatever it is called.
        destination: Where it is published; empty is the default place.
        networks: Where it may be fetched from; empty is anywhere.
        version: Number of the current version; 0: none, or nothing is kept of it.
        made_at: When that was made current.
        before_at: When the version before it was.
        objects: What is kept of it.
    """

    id: int
    name: str
    versions_key: str
    destination: str
    file_name: str
    description: str
    is_public: bool
    networks: tuple[str, ...]
    version: int = 0
    made_at: Instant = 0
    before_at: Instant | None = None
    objects: tuple[StoredObject, ...] = ()


@dataclass(frozen=True, slots=True)
class ServedToken:
    """One token: its hash, its row id, and what its consumer may do."""

    sha256: str
    expires_at: Instant | None
    consumer: int
    name: str
    is_enabled: bool
    networks: tuple[str, ...]
    all_exports: bool
    exports: frozenset[int]
    id: int


@dataclass(frozen=True, slots=True)
class Served:
    """All exports, by row id, and all tokens."""

    exports: tuple[ServedExport, ...]
    tokens: tuple[ServedToken, ...]


class _Kept(msgspec.Struct):
    """What of a manifest matters here."""

    objects: tuple[StoredObject, ...] = ()


_decode = msgspec.json.Decoder(_Kept).decode


def served(store: "Store") -> Served:
    """Return what is served just now."""
    with store.reading() as connection:
        return Served(_exports(connection), _tokens(connection))


class Watch:
    """Says whether a database may have changed since it was last asked.

    That is known without a look at any table.
    """

    def __init__(self, store: "Store") -> None:
        """Keep where to look."""
        self._store = store
        self._connection: DriverConnection | None = None
        self._seen: int | str | None = None

    def has_changed(self) -> bool:
        """Say whether anybody committed something since the last call; true at the first.

        Raises:
            StoreError: That cannot be known; the next call begins anew.
        """
        try:
            with self._store.database.errors():
                if self._connection is None:
                    self._connection = self._store.connect()
                now = self._connection.state()
        except StoreError:
            self.close()
            raise
        has_changed = bool(now != self._seen)
        self._seen = now
        return has_changed

    def close(self) -> None:
        """Close what was opened."""
        connection, self._connection, self._seen = self._connection, None, None
        if connection is not None:
            connection.close()


def _exports(connection: Connection) -> tuple[ServedExport, ...]:
    before = version.alias()
    before_at = (
        select(before.c.created_at)
        .where(before.c.export_id == version.c.export_id, before.c.number < version.c.number)
        .order_by(before.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(
            export.c.id,
            export.c.name,
            export.c.versions_key,
            export.c.destination,
            export.c.file_name,
            export.c.description,
            export_access.c.is_public,
            export_networks.c.networks,
            version.c.number,
            version.c.created_at,
            before_at.label("before_at"),
            archive.c.record,
        )
        .join(export_access, export_access.c.export_id == export.c.id, isouter=True)
        .join(export_networks, export_networks.c.export_id == export.c.id, isouter=True)
        .join(
            version,
            and_(version.c.export_id == export.c.id, version.c.number == export.c.current_version),
            isouter=True,
        )
        .join(
            archive,
            and_(
                archive.c.export_id == version.c.export_id,
                archive.c.number == version.c.number,
                archive.c.state == KEPT,
            ),
            isouter=True,
        )
        .order_by(export.c.id)
    )
    found = []
    for row in connection.execute(query):
        networks = tuple(json.loads(row.networks or "[]"))
        names = (row.id, row.name, row.versions_key, row.destination, row.file_name, row.description)
        known = (*names, bool(row.is_public), networks)
        if row.record is None:
            found.append(ServedExport(*known))
        else:
            kept = _decode(row.record)
            found.append(ServedExport(*known, row.number, row.created_at, row.before_at, kept.objects))
    return tuple(found)


def _tokens(connection: Connection) -> tuple[ServedToken, ...]:
    granted: dict[int, set[int]] = {}
    for key, export_id in connection.execute(select(consumer_export)):
        granted.setdefault(key, set()).add(export_id)
    query = select(
        consumer_token.c.id.label("token"), consumer_token.c.sha256, consumer_token.c.expires_at, consumer
    ).join(consumer, consumer.c.id == consumer_token.c.consumer_id)
    return tuple(
        ServedToken(
            row.sha256,
            row.expires_at,
            row.id,
            row.name,
            bool(row.is_enabled),
            tuple(json.loads(row.networks)),
            bool(row.all_exports),
            frozenset(granted.get(row.id, ())),
            row.token,
        )
        for row in connection.execute(query)
    )
