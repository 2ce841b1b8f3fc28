"""Runs that are kept no longer."""

from sqlalchemy import delete, func, select

from core.schemas.instant import Instant
from core.store.archives import REMOVED
from core.store.databases.interface import Lock
from core.store.schema import archive, export, run, version
from core.store.store import Store


def forget(store: Store, before: Instant, most: int) -> int:
    """Delete up to *most* runs that ended before an instant, with what they logged, and return how many.

    The latest run of each export stays, and those that made the current version and the versions that are kept.
    """
    latest = select(func.max(run.c.id)).group_by(run.c.export_id)
    made_kept = (
        select(version.c.run_id)
        .join(export, export.c.id == version.c.export_id)
        .join(
            archive,
            (archive.c.export_id == version.c.export_id) & (archive.c.number == version.c.number),
            isouter=True,
        )
        .where(
            version.c.run_id.is_not(None),
            (archive.c.state != REMOVED) | (version.c.number == export.c.current_version),
        )
    )
    old = (
        select(run.c.id)
        .where(run.c.finished_at < before, run.c.id.not_in(latest), run.c.id.not_in(made_kept))
        .order_by(run.c.id)
        .limit(most)
    )
    with store.writing(Lock.BOOKKEEPING) as connection:
        return connection.execute(delete(run).where(run.c.id.in_(old))).rowcount
