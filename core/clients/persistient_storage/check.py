"""Try a storage the way a run would use it, step by step, and leave nothing behind."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.clients.persistient_storage.patience import waiting_at_most
from core.clients.persistient_storage.receipts import Leftover, Receipt
from core.clients.persistient_storage.registry import warning_for
from core.clients.persistient_storage.several_places import places_of
from core.clients.persistient_storage.spec import OPTIONAL
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileMissing,
    StorageCorrupt,
    StorageError,
    YetiError,
)

STALE_AFTER = timedelta(days=1)
"""What is younger may be a write that is going on just now."""

_PATIENCE_S = 4  # for each answer; a client that asks once more after silence is still done within ten seconds
_TEXT = "Yeti Exports tries this storage; the file may be deleted.\r\n\N{SNOWMAN}"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried; ``detail`` is the error, or a remark."""

    name: str
    is_ok: bool
    detail: str = ""


@dataclass(slots=True)
class CheckReport:
    """What was tried on one storage.

    Attributes:
        client: The class that serves the path.
        steps: In the order they were tried; after a failed write nothing more is.
        has: The optional methods the client has.
        cannot_promise: What it says it cannot promise.
        leftovers: What writes that never ended left there more than a day ago; it keeps nobody from publishing.
    """

    client: str
    steps: list[Step] = field(default_factory=list)
    has: tuple[str, ...] = ()
    cannot_promise: tuple[str, ...] = ()
    leftovers: tuple[Leftover, ...] = ()

    @property
    def is_ok(self) -> bool:
        """Whether exports can be published there."""
        return all(step.is_ok for step in self.steps)


def check_storage(path: str, storage: Storage, now: datetime) -> CheckReport:
    """Write a small file at *path*, read it back, replace it, delete it, and report each step.

    The name is new and random, so that nothing of anybody's is touched.  A server that says nothing is given up on
    within ten seconds: somebody is looking on.
    """
    with waiting_at_most(_PATIENCE_S):
        return _report(path, storage, now)


def _report(path: str, storage: Storage, now: datetime) -> CheckReport:
    client = storage.client
    report = CheckReport(
        type(client).__name__,
        has=tuple(name for name in OPTIONAL if hasattr(client, name)),
        cannot_promise=tuple(sorted(getattr(client, "CANNOT_PROMISE", ()))),
    )
    for place in places_of(path):
        if warning := warning_for(place):
            report.steps.append(Step("a client knows the path", False, warning))
    name = f"yeti-check-{secrets.token_hex(8)}.txt"
    if not _try(report, "write", lambda: storage.write(name, _TEXT).location):
        with suppress(YetiError):  # an answer that was lost may hide that the file was stored
            storage.delete(name)
        return report
    _try(report, "read back what was written", lambda: _same(storage.read_text(name), _TEXT))
    _try(report, "replace", lambda: _outcome(storage.write(name, _TEXT * 2)))
    _try(report, "read back the replacement", lambda: _same(storage.read_text(name), _TEXT * 2))
    _try(report, "delete", lambda: _deleted(storage, name))
    _try(report, "find it gone", lambda: _gone(storage, name))
    _try(report, "look for what was left behind", lambda: _left(report, storage, now))
    return report


def _try(report: CheckReport, name: str, step: Callable[[], str]) -> bool:
    try:
        detail = step()
    except YetiError as error:
        report.steps.append(Step(name, False, str(error)))
        return False
    report.steps.append(Step(name, True, detail))
    return True


def _same(found: str, expected: str) -> str:
    if found != expected:
        raise StorageCorrupt("what was read is not what was written")
    return ""


def _left(report: CheckReport, storage: Storage, now: datetime) -> str:
    try:
        report.leftovers = tuple(storage.leftovers(now - STALE_AFTER))
    except StorageError as error:  # who publishes need not be able to
        return str(error)
    return f"{len(report.leftovers)} older than a day" if report.leftovers else ""


def _outcome(receipt: Receipt) -> str:
    return receipt.outcome


def _deleted(storage: Storage, name: str) -> str:
    storage.delete(name)
    return ""


def _gone(storage: Storage, name: str) -> str:
    try:
        storage.read_text(name)
    except FileMissing:
        return ""
    raise StorageError("the file is still there after it was deleted")
