"""What lies under ``system.versions_path``, as the store knows it: versions, and the candidate that is held.

A row names every object before it is written, and tells how far it came:

=============  ==============================================================================
``writing``    objects are being written; after a crash they are removed
``held``       the candidate of a held run, complete but for its number and manifest
``publishing`` it has a number, its manifest is written and its files are being published
``kept``       a version
``removing``   retention removes its objects; after a crash that goes on
``removed``    only its row is left, so that the chain of manifests can still be told
=============  ==============================================================================
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, and_, delete, func, insert, select, update

from core.errors import NotFound
from core.schemas.export import PublishedFile, Version
from core.schemas.instant import Instant
from core.schemas.version import ManifestRecord, from_manifest, manifest_bytes
from core.store import pins
from core.store.audit import note
from core.store.definitions import export_id, no_export
from core.store.leases import Lease, lease_held
from core.store.ledger.writing import apply, prune
from core.store.schema import archive, export, version
from core.store.store import Store
from core.store.versions import insert_version

WRITING, HELD, PUBLISHING, KEPT, REMOVING, REMOVED = (
    "writing",
    "held",
    "publishing",
    "kept",
    "removing",
    "removed",
)

NUMBERED = (PUBLISHING, KEPT, REMOVING, REMOVED)
"""States in which a row has the number of a version."""

_BY_SOMEBODY = {"release": "export released", "rollback": "export rolled back"}
"""Causes of versions that somebody is put down for."""


@dataclass(frozen=True, slots=True)
class Archived:
    """One row: its state and what it holds."""

    id: int
    state: str
    manifest_sha256: str
    record: ManifestRecord

    @property
    def number(self) -> int:
        """The number of the version; 0 while it is none."""
        return self.record.number


def begin(store: Store, lease: Lease, record: ManifestRecord) -> Archived:
    """Record what is about to be written.

    Raises:
        ExportBusy: The claim is another's by now.
    """
    with store.writing() as connection:
        found = lease_held(connection, lease)
        made = connection.execute(
            insert(archive).values(
                export_id=found,
                state=WRITING,
                number=None,
                base=record.base,
                cause=record.cause,
                made_at=record.made_at,
                record=manifest_bytes(record).decode(),
                manifest_sha256="",
            )
        )
        key = made.inserted_primary_key
    return Archived(int(key[0]) if key else 0, WRITING, "", record)


def hold(store: Store, lease: Lease, item: Archived) -> None:
    """Make what was written the candidate that is held; `forget` removes an older one.

    Raises:
        ExportBusy: The claim is another's by now.
    """
    with store.writing() as connection:
        lease_held(connection, lease)
        connection.execute(update(archive).where(archive.c.id == item.id).values(state=HELD))


def number_for(store: Store, lease: Lease) -> tuple[int, str]:
    """Return the number of the next version, and the SHA-256 of the manifest before it.

    Raises:
        ExportBusy: The claim is another's by now.
    """
    with store.reading() as connection:
        found = lease_held(connection, lease)
        last = connection.scalar(select(func.max(version.c.number)).where(version.c.export_id == found)) or 0
        # One that was undone and cannot be removed yet still has its number, and its manifest that name.
        taken = connection.scalar(select(func.max(archive.c.number)).where(archive.c.export_id == found)) or 0
        before = connection.scalar(
            select(archive.c.manifest_sha256)
            .where(archive.c.export_id == found, archive.c.number >= last, archive.c.state.in_((KEPT, REMOVED)))
            .order_by(archive.c.number.desc())
        )
    return max(int(last), int(taken)) + 1, before or ""


def take_number(store: Store, name: str, record: ManifestRecord, manifest_sha256: str) -> None:
    """Let the number and the counter of a version that only storage knows be those of one that was.

    The next version follows it; the version itself is not this store's any more.

    Raises:
        NotFound: There is no export *name*.
    """
    with store.writing() as connection:
        connection.execute(
            insert(archive).values(
                export_id=export_id(connection, name),
                state=REMOVED,
                number=record.number,
                base=record.base,
                cause=record.cause,
                made_at=record.made_at,
                record=manifest_bytes(record).decode(),
                manifest_sha256=manifest_sha256,
            )
        )


def announce(store: Store, lease: Lease, item: Archived, record: ManifestRecord, manifest_sha256: str) -> Archived:
    """Record that *item* is about to become the version that *record* says.

    Raises:
        ExportBusy: The claim is another's by now.
    """
    with store.writing() as connection:
        lease_held(connection, lease)
        connection.execute(
            update(archive)
            .where(archive.c.id == item.id)
            .values(
                state=PUBLISHING,
                number=record.number,
                cause=record.cause,
                record=manifest_bytes(record).decode(),
                manifest_sha256=manifest_sha256,
            )
        )
    return Archived(item.id, PUBLISHING, manifest_sha256, record)


def make_current(
    store: Store, lease: Lease, item: Archived, changes: Iterable[str], *, now: Instant, run_id: int | None
) -> None:
    """Make a published version the current one, and bring the ledger up to it, in one transaction.

    A rollback pins the export to it, in the same transaction: no run may publish the fault again.

    Args:
        store: Where.
        lease: The right to do so.
        item: What `announce` returned.
        changes: The lines of its changes file.
        now: When it was published.
        run_id: Of the run that made it.

    Raises:
        ExportBusy: The claim is another's by now.  Nothing was recorded.
    """
    record = item.record
    files = [PublishedFile(f.file_name, f.media_type, f.size_bytes, f.sha256, f.entries) for f in record.files]
    with store.writing() as connection:
        found = export_id(connection, lease.export)
        # First, since it may take long; from the look at the claim on that can be neither taken nor renewed.
        apply(store.database.under(connection), found, record.number, changes)
        lease_held(connection, lease)
        insert_version(
            connection,
            found,
            Version(lease.export, record.number, now, record.instant, record.entries, tuple(files)),
            run_id=run_id,
            definition=record.definition,
        )
        connection.execute(update(archive).where(archive.c.id == item.id).values(state=KEPT))
        if record.cause == "rollback":
            said = record.note
            exact = said.get("exact") == "yes"
            pin = pins.Pin(record.number, record.made_at, said.get("by", ""), said.get("reason", ""), exact)
            pins.put(connection, found, pin)
        if record.cause in _BY_SOMEBODY:
            told = dict(record.note)
            by = told.pop("by", None)
            note(connection, _BY_SOMEBODY[record.cause], lease.export, {"version": record.number, **told}, by=by)


def find(store: Store, name: str, *states: str) -> list[Archived]:
    """Return what is kept of the export *name* in these states, oldest first.

    Raises:
        NotFound: There is no such export.
    """
    with store.reading() as connection:
        rows = connection.execute(_in_states(states).where(export.c.name == name).order_by(archive.c.id)).all()
    if not rows:
        raise no_export(name)
    return [_archived(row) for row in rows if row.id is not None]


def _in_states(states: Iterable[str]) -> Select[Any]:
    """Select what is kept of exports in some states; of one that has nothing there is one row of nothing."""
    mine = and_(archive.c.export_id == export.c.id, archive.c.state.in_(states))
    return select(archive).select_from(export).join(archive, mine, isouter=True)


def _archived(row: Row[Any]) -> Archived:
    return Archived(row.id, row.state, row.manifest_sha256, from_manifest(row.record))


def get(store: Store, name: str, number: int) -> Archived:
    """Return version *number* of the export *name*.

    Raises:
        NotFound: There is no such export, no such version, or it is no longer kept.
    """
    kept = find(store, name, KEPT)
    for item in kept:
        if item.number == number:
            return item
    there = ", ".join(str(item.number) for item in kept[-20:]) or "none"
    raise NotFound(f"version {number} of {name!r} is not kept; there is {there}")


def current(store: Store, name: str) -> Archived | None:
    """Return the current version of the export *name*, ``None`` if it has none or nothing is kept of it."""
    is_current = and_(export.c.name == name, archive.c.number == export.c.current_version)
    with store.reading() as connection:
        row = connection.execute(_in_states((KEPT,)).where(is_current).order_by(archive.c.id)).first()
    return None if row is None else _archived(row)


def to_remove(store: Store, lease: Lease, item: Archived) -> tuple[str, ...]:
    """Record that the objects of *item* are being removed, and return their names: those that no other row has.

    Raises:
        ExportBusy: The claim is another's by now.
    """
    with store.writing() as connection:
        found = lease_held(connection, lease)
        connection.execute(update(archive).where(archive.c.id == item.id).values(state=REMOVING))
        others = connection.scalars(
            select(archive.c.record).where(
                archive.c.export_id == found, archive.c.id != item.id, archive.c.state.not_in((REMOVING, REMOVED))
            )
        )
        used = {known.name for text in others for known in from_manifest(text).objects}
    return tuple(dict.fromkeys(known.name for known in item.record.objects if known.name not in used))


def removed(store: Store, lease: Lease, item: Archived) -> None:
    """Record that the objects of *item* are gone; of what never was a version nothing is left.

    Raises:
        ExportBusy: The claim is another's by now.
    """
    with store.writing() as connection:
        found = export_id(connection, lease.export)
        was_current = connection.scalar(
            select(version.c.number).where(version.c.export_id == found, version.c.number == item.number)
        )
        if was_current is None:
            lease_held(connection, lease)
            connection.execute(delete(archive).where(archive.c.id == item.id))
            return
        oldest = connection.scalar(
            select(func.min(archive.c.number)).where(archive.c.export_id == found, archive.c.state == KEPT)
        )
        prune(store.database.under(connection), found, oldest or item.number)
        lease_held(connection, lease)
        connection.execute(update(archive).where(archive.c.id == item.id).values(state=REMOVED))


def digest(record: ManifestRecord) -> str:
    """Return the SHA-256 of the manifest of *record*."""
    return hashlib.sha256(manifest_bytes(record)).hexdigest()


def last_counter(store: Store, name: str) -> int | None:
    """Return the publish counter of the latest version of the export *name* that has one."""
    with store.reading() as connection:
        records = connection.scalars(
            select(archive.c.record)
            .where(
                archive.c.export_id == export_id(connection, name),
                archive.c.state.in_((KEPT, REMOVING, REMOVED)),
                archive.c.number.is_not(None),
            )
            .order_by(archive.c.number.desc())
        )
        counters = (from_manifest(text).counter for text in records)
        return next((counter for counter in counters if counter is not None), None)
