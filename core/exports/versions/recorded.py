"""Record the run that a release or a rollback is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.exports.lease import Clock
from core.store import runs
from core.store.archives import Archived
from core.store.leases import Lease

if TYPE_CHECKING:
    from core.store import Store


@contextmanager
def recorded(store: "Store", lease: Lease, clock: Clock, what: str) -> Iterator[int]:
    """Give the id of a run that begins with a block, and fails if that does; *what* it was is said of it then.

    Raises:
        ExportBusy: The claim is another's by now.
    """
    run_id = runs.begin_run(store, lease, clock.start)
    try:
        yield run_id
    except BaseException as error:
        runs.finish_run(store, run_id, clock.now, status="failed", message=f"{what}: {error}")
        raise


def completed(store: "Store", run_id: int, clock: Clock, item: Archived, *, message: str, outcome: str) -> None:
    """Record that the run came to its end, with *item* as the current version."""
    runs.finish_run(
        store,
        run_id,
        clock.now,
        status="completed",
        message=message,
        outcome=outcome,
        version=item.number,
        entries=item.record.entries,
    )
