"""Who runs an export, how each run went, and which versions came of it.

The claim on an export is a row with a lease and a number that rises with every claim.  A process that was
paused beyond its lease finds another number there, and must not publish.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, func, insert, select, update

from core.errors import ExportBusy, NotFound
from core.schemas.export import ExportDefinition, PublishedFile, Run, Version
from core.schemas.instant import SECOND, Instant, to_text
from core.store import run_totals
from core.store.audit import note
from core.store.databases.interface import Lock
from core.store.definitions import export_id
from core.store.run_lines import RunLine
from core.store.run_lines import put as put_lines
from core.store.schema import export, export_lease, run, version, version_file
from core.store.store import Store

LEASE_S = 40
"""So long a run may say nothing before the export is another's: with the pauses in between less than a minute."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run one export; ``number`` rises with every claim."""

    export: str
    owner: str
    number: int


def claim(store: Store, name: str, owner: str, now: Instant, *, lease_s: int = LEASE_S) -> Lease:
    """Take the right to run the export *name* until *lease_s* after *now*.

    A claim that ran out is taken over, and the run that was left behind is recorded as failed.

    Raises:
        NotFound: There is no such export.
        ExportBusy: Another process has it.
    """
    until = now + lease_s * SECOND
    with store.writing(Lock.BOOKKEEPING) as connection:
        found = export_id(connection, name)
        held = connection.execute(select(export_lease).where(export_lease.c.export_id == found)).first()
        if held is None:
            connection.execute(
                insert(export_lease).values(export_id=found, number=1, owner=owner, lease_until=until)
            )
            number = 1
        elif held.owner is not None and held.lease_until > now:
            raise ExportBusy(f"{name} is being run by {held.owner}; its claim ends {to_text(held.lease_until)}")
        else:
            number = held.number + 1
            connection.execute(
                update(export_lease)
                .where(export_lease.c.export_id == found)
                .values(number=number, owner=owner, lease_until=until)
            )
        _fail_left_behind(connection, found, now)
    return Lease(name, owner, number)


def running(store: Store, now: Instant) -> list[str]:
    """Return the exports, by name, that somebody has claimed just now."""
    with store.reading() as connection:
        found = connection.scalars(
            select(export.c.name)
            .join(export_lease, export_lease.c.export_id == export.c.id)
            .where(export_lease.c.owner.is_not(None), export_lease.c.lease_until > now)
            .order_by(export.c.name)
        )
        return list(found)


def renew(store: Store, lease: Lease, now: Instant, *, lease_s: int = LEASE_S) -> None:
    """Hold the claim until *lease_s* after *now*.

    Raises:
        ExportBusy: It is another's by now; stop and publish nothing.
    """
    with store.writing(Lock.BOOKKEEPING) as connection:
        found = lease_held(connection, lease)
        connection.execute(
            update(export_lease)
            .where(export_lease.c.export_id == found)
            .values(lease_until=now + lease_s * SECOND)
        )


def check(store: Store, lease: Lease) -> None:
    """Do nothing if the claim is still ours; to be asked just before something becomes visible.

    Raises:
        ExportBusy: It is another's by now; stop and publish nothing.
    """
    with store.reading() as connection:
        lease_held(connection, lease)


def release(store: Store, lease: Lease) -> None:
    """Give the claim back; nothing happens if it is another's by now."""
    with store.writing(Lock.BOOKKEEPING) as connection:
        connection.execute(
            update(export_lease)
            .where(
                export_lease.c.export_id
                == select(export.c.id).where(export.c.name == lease.export).scalar_subquery(),
                export_lease.c.number == lease.number,
                export_lease.c.owner == lease.owner,
            )
            .values(owner=None)
        )


def begin_run(store: Store, lease: Lease, now: Instant, *, by: str | None = None) -> int:
    """Record that a run began, and return its id; *by* is who runs it by hand.

    Raises:
        ExportBusy: The claim is another's by now.
    """
    with store.writing(Lock.BOOKKEEPING) as connection:
        found = lease_held(connection, lease)
        made = connection.execute(
            insert(run).values(
                export_id=found,
                lease_number=lease.number,
                started_at=now,
                status="running",
                message="",
                outcome="",
            )
        )
        key = made.inserted_primary_key
        run_id = int(key[0]) if key else 0
        if by is not None:
            note(connection, "export run", lease.export, {"run": run_id}, by=by)
    return run_id


def finish_run(
    store: Store,
    run_id: int,
    now: Instant,
    *,
    status: str,
    message: str = "",
    outcome: str = "",
    version: int | None = None,
    entries: int | None = None,
    lines: Sequence[RunLine] = (),
) -> None:
    """Record how the run *run_id* ended, and what it logged; a run that was ended already stays as it is."""
    with store.writing(Lock.BOOKKEEPING) as connection:
        done = connection.execute(
            update(run)
            .where(run.c.id == run_id, run.c.status == "running")
            .values(
                finished_at=now, status=status, message=message, outcome=outcome, version=version, entries=entries
            )
            .returning(run.c.export_id, run.c.started_at)
        ).first()
        if done is not None:
            run_totals.add(connection, done.export_id, status, done.started_at, now)
            put_lines(connection, run_id, lines)


def lease_held(connection: Connection, lease: Lease) -> int:
    """Return the row id of the export that *lease* is for.

    Raises:
        ExportBusy: The claim is another's by now; stop and publish nothing.
    """
    found = export_id(connection, lease.export)
    query = select(export_lease).where(export_lease.c.export_id == found)
    if connection.get_execution_options().get("lock") is not None:
        # Until the writer's end nobody else can claim it, or renew it: to be asked last where that takes long.
        query = query.with_for_update(read=True)
    held = connection.execute(query).first()
    # The number alone would not do: it begins anew when an export is removed and another made of that name.
    if held is None or (held.number, held.owner) != (lease.number, lease.owner):
        raise ExportBusy(
            f"{lease.export} was taken over by another process; nothing more was published by this one"
        )
    return found


def insert_version(
    connection: Connection, found: int, made: Version, *, run_id: int | None, definition: dict[str, Any]
) -> None:
    """Record what was published as a version, which is the current one from here on.

    Args:
        connection: In a write transaction.
        found: Row id of the export.
        made: The version.
        run_id: Of the run that made it.
        definition: The export as it was, in JSON's terms.
    """
    connection.execute(
        insert(version).values(
            export_id=found,
            number=made.number,
            run_id=run_id,
            created_at=made.created_at,
            instant=made.instant,
            entries=made.entries,
            definition=json.dumps(definition, ensure_ascii=False, sort_keys=True),
        )
    )
    for position, file in enumerate(made.files):
        connection.execute(insert(version_file).values(_file_columns(found, made.number, position, file)))
    connection.execute(update(export).where(export.c.id == found).values(current_version=made.number))


def add_version(
    store: Store,
    lease: Lease,
    files: Iterable[PublishedFile],
    *,
    now: Instant,
    instant: Instant,
    entries: int,
    run_id: int | None = None,
    definition: dict[str, Any] | None = None,
) -> Version:
    """Record what was published as the next version, which is the current one from here on.

    Raises:
        ExportBusy: The claim is another's by now.  Nothing was recorded.
    """
    with store.writing() as connection:
        found = lease_held(connection, lease)
        last = connection.scalar(select(func.max(version.c.number)).where(version.c.export_id == found))
        made = Version(lease.export, (last or 0) + 1, now, instant, entries, tuple(files))
        insert_version(connection, found, made, run_id=run_id, definition=definition or {})
    return made


def current_version(store: Store, name: str) -> Version | None:
    """Return the version of the export *name* that is published, ``None`` before the first.

    Raises:
        NotFound: There is no such export.
    """
    with store.reading() as connection:
        found = connection.execute(
            select(export.c.id, export.c.current_version).where(export.c.name == name)
        ).first()
        if found is None:
            raise NotFound(f"there is no export {name!r}")
        query = _versions(name).where(version.c.number == found.current_version)
        row = connection.execute(query).first()
        return None if row is None else _version(connection, name, row)


def published_definition(store: Store, name: str) -> tuple[ExportDefinition, Instant]:
    """Return what the current version of the export *name* was made by, and its instant.

    Raises:
        NotFound: There is no such export, it has no version, or that does not say.
    """
    query = (
        select(version.c.definition, version.c.instant)
        .join(export, export.c.id == version.c.export_id)
        .where(export.c.name == name, version.c.number == export.c.current_version)
    )
    with store.reading() as connection:
        row = connection.execute(query).first()
    try:
        if row is not None:
            return msgspec.json.decode(row.definition, type=ExportDefinition), row.instant
    except msgspec.MsgspecError:
        pass
    raise NotFound(f"what the current version of {name!r} was made by is not known")


def versions(store: Store, name: str) -> list[Version]:
    """Return the versions of the export *name*, newest first.

    Raises:
        NotFound: There is no such export.
    """
    with store.reading() as connection:
        export_id(connection, name)
        rows = connection.execute(_versions(name).order_by(version.c.number.desc())).all()
        return [_version(connection, name, row) for row in rows]


def runs(store: Store, name: str, *, limit: int = 20, offset: int = 0) -> list[Run]:
    """Return the latest runs of the export *name*, newest first; *offset* is how many of them to leave out.

    Raises:
        NotFound: There is no such export.
    """
    with store.reading() as connection:
        found = export_id(connection, name)
        rows = connection.execute(
            select(run)
            .where(run.c.export_id == found)
            .order_by(run.c.started_at.desc(), run.c.id.desc())
            .limit(limit)
            .offset(offset)
        )
        return [_run(name, row) for row in rows]


def count_runs(store: Store, name: str) -> int:
    """Return how many runs are known of the export *name*.

    Raises:
        NotFound: There is no such export.
    """
    with store.reading() as connection:
        found = export_id(connection, name)
        return connection.scalar(select(func.count()).select_from(run).where(run.c.export_id == found)) or 0


def get_run(store: Store, name: str, run_id: int) -> Run:
    """Return one run of the export *name*.

    Raises:
        NotFound: There is no such export, or no such run of it.
    """
    with store.reading() as connection:
        row = connection.execute(
            select(run).where(run.c.export_id == export_id(connection, name), run.c.id == run_id)
        ).first()
    if row is None:
        raise NotFound(f"run {run_id} of {name!r} is not known")
    return _run(name, row)


def last_run_id(store: Store, name: str) -> int | None:
    """Return the row id of the latest run of the export *name*, ``None`` if it never ran."""
    with store.reading() as connection:
        query = select(func.max(run.c.id)).join(export, export.c.id == run.c.export_id)
        found = connection.scalar(query.where(export.c.name == name))
        return None if found is None else int(found)


def last_run(store: Store, name: str) -> Run | None:
    """Return the latest run of the export *name*, ``None`` if it never ran."""
    return next(iter(runs(store, name, limit=1)), None)


def _fail_left_behind(connection: Connection, found: int, now: Instant) -> None:
    left = connection.scalars(
        update(run)
        .where(run.c.export_id == found, run.c.status == "running")
        .values(status="failed", finished_at=now, message="the process that ran it went away")
        .returning(run.c.started_at)
    ).all()
    for began_at in left:
        run_totals.add(connection, found, "failed", began_at, now)


def _file_columns(found: int, number: int, position: int, file: PublishedFile) -> dict[str, Any]:
    return {
        "export_id": found,
        "number": number,
        "position": position,
        "name": file.name,
        "media_type": file.media_type,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "entries": file.entries,
    }


def _versions(name: str) -> Select[Any]:
    return select(version).join(export, export.c.id == version.c.export_id).where(export.c.name == name)


def _version(connection: Connection, name: str, row: Row[Any]) -> Version:
    file = version_file.c
    rows = connection.execute(
        select(file.name, file.media_type, file.size_bytes, file.sha256, file.entries)
        .where(file.export_id == row.export_id, file.number == row.number)
        .order_by(file.position)
    )
    files = tuple(PublishedFile(*fields) for fields in rows)
    return Version(name, row.number, row.created_at, row.instant, row.entries, files)


def _run(name: str, row: Row[Any]) -> Run:
    return Run(
        row.id,
        name,
        row.started_at,
        row.status,
        row.finished_at,
        row.message,
        row.outcome,
        row.version,
        row.entries,
    )
