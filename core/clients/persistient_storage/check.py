"""Try a storage the way a run would use it, step by step, and leave nothing behind."""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from core.clients.persistient_storage.patience import waiting_at_most
from core.clients.persistient_storage.receipts import Leftover, Receipt
from core.clients.persistient_storage.registry import get_client, warning_for
from core.clients.persistient_storage.several_places import places_of
from core.clients.persistient_storage.spec import OPTIONAL
from core.clients.persistient_storage.storage import Storage
from core.errors import FileMissing, StorageCorrupt, StorageError, StoragePermissionDenied, YetiError
from core.redaction import redact
from core.schemas.instant import from_datetime

STALE_AFTER = timedelta(days=1)
"""What is younger may be a write that is going on just now."""

_MOST_NAMES = 1_000
_PATIENCE_S = 4  # for each answer; a client that asks once more after silence is still done within ten seconds
_TEXT = "Yeti Exports tries this storage; the file may be deleted.\r\n\N{SNOWMAN}"
_NAME = re.compile(r"yeti-check-[0-9a-f]{16}\.txt")
_SIZES = (len(_TEXT.encode()), len((_TEXT * 2).encode()))

_MAY_NOT_READ = (
    "the credentials may write but not read, so a file cannot be compared before or after it is published"
)
_MAY_NOT_DELETE = "the credentials may write but not delete, so files of exports that are gone stay"
_MAY_NOT_LOOK = "the credentials may not list, so a file that is missing cannot be told from one that is refused"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried.

    Attributes:
        name: What was tried.
        is_ok: It keeps nobody from publishing.
        detail: The error, or a remark.
        is_refused: The storage refused it, and exports can be published all the same; the detail says what not.
    """

    name: str
    is_ok: bool
    detail: str = ""
    is_refused: bool = False


@dataclass(slots=True)
class CheckReport:
    """What was tried on one storage.

    Attributes:
        client: The class that serves the path.
        steps: In the order they were tried; after a path that no client knows, or a failed write, nothing more is.
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

    Who may write but not read, or not delete, can publish: what is refused of that is a remark.

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
    if not report.is_ok:  # a folder of that name would be made, with whatever secret is in it
        return report
    name = f"yeti-check-{secrets.token_hex(8)}.txt"
    if not _try(report, "write", lambda: storage.write(name, _TEXT).location):
        with suppress(YetiError):  # an answer that was lost may hide that the file was stored
            storage.delete(name)
        return report
    places = places_at(path, storage)
    may_read = _try(report, "read back what was written", lambda: _same(places, name, _TEXT), _MAY_NOT_READ)
    _try(report, "replace", lambda: _outcome(storage.write(name, _TEXT * 2)))
    _try(report, "read back the replacement", lambda: _same(places, name, _TEXT * 2), _MAY_NOT_READ)
    is_gone = _try(report, "delete", lambda: _deleted(places, name), _MAY_NOT_DELETE)
    if may_read and is_gone:
        _try(report, "find it gone", lambda: _gone(places, name), _MAY_NOT_LOOK)
    _try(report, "look for what was left behind", lambda: _left(report, places, now))
    return report


def _try(report: CheckReport, name: str, step: Callable[[], str], if_refused: str = "") -> bool:
    """Report a step and say whether it was done; with *if_refused*, that it was refused is no more than a remark."""
    try:
        detail = step()
    except YetiError as error:
        is_refused = bool(if_refused) and isinstance(error, StoragePermissionDenied)
        detail = f"{if_refused} ({error})" if is_refused else str(error)
        report.steps.append(Step(name, is_refused, detail, is_refused))
        return False
    report.steps.append(Step(name, True, detail))
    return True


def _each(places: list[Storage], look: Callable[[Storage], object]) -> str:
    """Look at every place, also when one of them fails, and raise what went wrong in any."""
    errors: list[YetiError] = []
    for place in places:
        try:
            look(place)
        except YetiError as error:
            errors.append(error)
    if not errors:
        return ""
    are_refused = all(isinstance(error, StoragePermissionDenied) for error in errors)
    raise (StoragePermissionDenied if are_refused else StorageError)("; ".join(map(str, errors)))


def _same(places: list[Storage], name: str, expected: str) -> str:
    def look(place: Storage) -> None:
        if place.read_text(name) != expected:
            raise StorageCorrupt(f"{redact(place.client.file_path(name))}: what was read is not what was written")

    return _each(places, look)


def _deleted(places: list[Storage], name: str) -> str:
    try:
        return _each(places, lambda place: place.delete(name))
    except StorageError as error:
        remedy = "delete it, or let `yetictl storage clean` do so after a day, with credentials that may"
        raise type(error)(f"{error}; the file {name} may still be there: {remedy}") from error


def _gone(places: list[Storage], name: str) -> str:
    def look(place: Storage) -> None:
        with suppress(FileMissing):
            place.read_text(name)
            raise StorageError(f"{redact(place.client.file_path(name))} is still there after it was deleted")

    return _each(places, look)


def _left(report: CheckReport, places: list[Storage], now: datetime) -> str:
    found: list[Leftover] = []
    try:
        _each(places, lambda place: found.extend(leftovers(place, now - STALE_AFTER, most_names=_MOST_NAMES)))
    except StorageError as error:  # who publishes need not be able to
        return str(error)
    finally:
        report.leftovers = tuple(found)
    return f"{len(found)} older than a day" if found else ""


def _outcome(receipt: Receipt) -> str:
    return receipt.outcome


def places_at(path: str, storage: Storage) -> list[Storage]:
    """Return what serves each place of *path*: of several, the client that serves them together reads the first."""
    places = places_of(path)
    return [Storage(get_client(place)) for place in places] if len(places) > 1 else [storage]


def leftovers(storage: Storage, began_before: datetime, *, most_names: int | None = None) -> Iterator[Leftover]:
    """Yield what writes that never ended have left there, and checks that could not delete their file.

    The files of checks are known where the client can list; their size is looked at as well as their name, so that
    a published file is never taken for one.

    Args:
        storage: Where to look.
        began_before: What is younger may be at work still.
        most_names: For files of checks look at so many names only: somebody is waiting, and there may be a million.
    """
    yield from storage.leftovers(began_before)
    latest = from_datetime(began_before)
    for stat in islice(storage.list() if hasattr(storage.client, "list") else (), most_names):
        is_old = stat.modified_at is not None and stat.modified_at < latest
        if is_old and _NAME.fullmatch(stat.name) and stat.size_bytes in _SIZES:
            place = redact(storage.client.file_path(stat.name))
            yield Leftover("check file", place, stat.name, stat.modified_at or 0, stat.size_bytes)


def remove_leftover(storage: Storage, leftover: Leftover) -> None:
    """Remove one of them; it is fine if it is gone already."""
    if leftover.kind == "check file":
        storage.delete(leftover.token)
    else:
        storage.remove_leftover(leftover)
