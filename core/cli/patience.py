"""Wait for a run that is going on: what a person decides in a hurry is not refused because of one."""

import time
from collections.abc import Callable
from typing import TypeVar

from core.cli.output import say
from core.errors import ExportBusy

PATIENCE_S = 120
"""So long a run that is going on is waited for."""

_T = TypeVar("_T")


def when_free(call: Callable[[], _T], patience_s: float | None = None) -> _T:
    """Return what *call* returns, as soon as no other process has the export.

    Args:
        call: Raises ExportBusy while one has.
        patience_s: How long to wait; ``PATIENCE_S`` by default.

    Raises:
        ExportBusy: It has it still.
    """
    give_up_at = time.monotonic() + (PATIENCE_S if patience_s is None else patience_s)
    is_told = False
    while True:
        try:
            return call()
        except ExportBusy as error:
            if time.monotonic() >= give_up_at:
                raise
            if not is_told:
                say(f"waiting: {error}")
                is_told = True
            time.sleep(min(1, max(0, give_up_at - time.monotonic())))
