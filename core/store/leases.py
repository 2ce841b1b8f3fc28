"""Who runs an export: the right to, for a limited time.

The claim on an export is a row with a lease and a number that rises with every claim.  A process that was
paused beyond its lease finds another number there, and must not publish.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from core.errors import ExportBusy
from core.schemas.instant import SECOND, Instant, to_text
from core.store import run_totals
from core.store.databases.interface import Lock
from core.store.definitions import export_id
from core.store.schema import export, export_lease, run
from core.store.store import Store

LEASE_S = 40
"""So long a run may say nothing before the export is another's: with the pauses in between less than a minute."""

FURTHEST_S = 3_600
"""A claim that lasts longer from now on was made by a clock that was wrong, and is not waited for."""

IsDead = Callable[[str], bool]
"""Whether the process, or the worker, of that name surely is gone: what it claimed is not waited for."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run one export; ``number`` rises with every claim."""

    export: str
    owner: str
    number: int


def never_dead(_: str) -> bool:
    """Say of no process that it is gone."""
    return False


def claim(
    store: Store, name: str, owner: str, now: Instant, *, lease_s: int = LEASE_S, is_dead: IsDead = never_dead
) -> Lease:
    """Take the right to run the export *name* until *lease_s* after *now*.

    A claim that ran out, or whose process is gone, is taken over, and the run that was left behind is recorded as
    failed.

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
        elif held.owner is not None and lasts(held.lease_until, now) and not is_dead(held.owner):
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


def lasts(lease_until: Instant, now: Instant) -> bool:
    """Say whether a claim until then still holds."""
    return now < lease_until <= now + FURTHEST_S * SECOND


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


def lease_held(connection: Connection, lease: Lease) -> int:
    """Return the row id of the export that *lease* is for.

    Raises:
        NotFound: There is no such export any more.
        ExportBusy: The claim is another's by now; stop and publish nothing.
    """
    query = (
        select(export_lease)
        .join(export, export.c.id == export_lease.c.export_id)
        .where(export.c.name == lease.export)
    )
    if connection.get_execution_options().get("lock") is not None:
        # Until the writer's end nobody else can claim it, or renew it: to be asked last where that takes long.
        query = query.with_for_update(read=True, of=export_lease)
    held = connection.execute(query).first()
    # The number alone would not do: it begins anew when an export is removed and another made of that name.
    if held is None or (held.number, held.owner) != (lease.number, lease.owner):
        export_id(connection, lease.export)
        raise ExportBusy(
            f"{lease.export} was taken over by another process; nothing more was published by this one"
        )
    return int(held.export_id)


def _fail_left_behind(connection: Connection, found: int, now: Instant) -> None:
    left = connection.scalars(
        update(run)
        .where(run.c.export_id == found, run.c.status == "running")
        .values(status="failed", finished_at=now, message="the process that ran it went away")
        .returning(run.c.started_at)
    ).all()
    for began_at in left:
        run_totals.add(connection, found, "failed", began_at, now)
