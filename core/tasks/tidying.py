"""Forget what is kept no longer: each kind by its own age, a few rows at a time, so that nobody waits for the lock."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.config import Config
from core.errors import StoreError
from core.schemas.instant import DAY, Instant
from core.store import audit, fetches, jobs, logins, notices, old_runs, run_lines

if TYPE_CHECKING:
    from core.store import Store

BATCH = 1_000
"""Rows that are deleted in one transaction: some milliseconds."""

Forget = Callable[["Store", Instant, int], int]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Keep:
    """For how many days something is kept.

    Attributes:
        days: Jobs that ended, what runs logged, and what was told.
        runs_days: Runs; never fewer than *days* count.
        audit_days: Who changed what.
        fetches_days: Who fetched which version; of each consumer and export the latest stays.
    """

    days: int = 90
    runs_days: int = 730
    audit_days: int = 730
    fetches_days: int = 365


def keep_of(config: Config) -> Keep:
    """Return what the settings say."""
    return Keep(
        config.whole("tasks.keep_days"),
        config.whole("tasks.keep_runs_days"),
        config.whole("audit.keep_days"),
        config.whole("tasks.keep_fetches_days"),
    )


def tidy(store: "Store", keep: Keep, now: Instant, stops: Callable[[], bool] = lambda: False) -> dict[str, int]:
    """Delete what is older, and return how many of what there were.

    Tokens that were ended, and failed logins, count for hours and are kept for a day.

    Args:
        store: Where.
        keep: For how long.
        now: The present instant.
        stops: Whether to leave the rest for another time.

    Raises:
        StoreError: The store cannot be used; what was deleted before stays so.
    """
    steps: tuple[tuple[str, Forget, int], ...] = (
        ("jobs", jobs.forget, keep.days),
        ("lines", run_lines.forget, keep.days),
        ("runs", old_runs.forget, max(keep.runs_days, keep.days)),
        ("fetches", fetches.forget, keep.fetches_days),
        ("changes", audit.forget, keep.audit_days),
        ("notices", notices.forget, keep.days),
        ("logins", logins.forget, 1),
    )
    numbers = {name: _all(store, forget, now - days * DAY, stops) for name, forget, days in steps}
    return {name: number for name, number in numbers.items() if number}


def tidy_or_say(
    open_store: "Callable[[], AbstractContextManager[Store]]",
    keep: Keep,
    now: Instant,
    stops: Callable[[], bool] = lambda: False,
) -> None:
    """Delete what is older, as `tidy` does; if that cannot be done, say why, and leave it for another time."""
    try:
        with open_store() as store:
            numbers = tidy(store, keep, now, stops)
    except Exception as error:  # also a fault of ours: no run depends on it
        fault = str(error) if isinstance(error, StoreError) else f"{type(error).__name__}: {error}"
        _log.warning("what is kept no longer could not be forgotten", extra={"why": fault})
        return
    if numbers:
        _log.info("forgotten what is kept no longer", extra=numbers)


def _all(store: "Store", forget: Forget, before: Instant, stops: Callable[[], bool]) -> int:
    total = 0
    while not stops() and (number := forget(store, before, BATCH)):
        total += number
    return total
