"""Publish the candidate of a held run, because somebody looked at it and says so."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import GateError, NotFound
from core.exports.gate.verdict import Verdict
from core.exports.lease import Clock, held
from core.exports.publishing import publish
from core.exports.settings import Settings
from core.exports.spool import run_folder
from core.exports.versions import forgetting
from core.exports.versions.archive import lines_of
from core.exports.versions.versioning import Versions
from core.exports.versions.withdrawal import takes
from core.schemas.instant import Instant
from core.store import archives, carve_outs, definitions, ledger, pins, runs
from core.store.allow_lists import hits as allow_hits
from core.store.archives import HELD, Archived
from core.store.ledger.history import is_listed_at
from core.store.ledger.lines import ADDED, CHANGED, FREED, REMOVED, decode
from core.values.networks import split

if TYPE_CHECKING:
    from core.store import Store


def candidate(store: "Store", name: str) -> Archived | None:
    """Return what is held of the export *name*, ``None`` if nothing is.

    Raises:
        NotFound: There is no such export.
    """
    definitions.get_export(store, name)
    return next(iter(reversed(archives.find(store, name, HELD))), None)


def release(
    store: "Store",
    name: str,
    settings: Settings,
    *,
    by: str,
    reason: str,
    sha256: str = "",
    now: Instant,
) -> tuple[int, tuple[publish.Published, ...], tuple[str, ...]]:
    """Publish exactly what is held of the export *name*.

    Args:
        store: Where.
        name: Of the export.
        settings: Of this installation.
        by: Who says so.
        reason: Why; kept with the version.
        sha256: How the SHA-256 of its first file begins, if somebody wants to be sure which candidate it is.
        now: The instant of the release.

    Returns:
        The number of the version, what was published, and what a user should know, each one line.

    Raises:
        NotFound: There is no such export, or nothing is held.
        GateError: It may not be released; the message says why, and what to do.
        ExportBusy: Another process runs it.
        StorageError: It cannot be read or stored.
    """
    clock = Clock(now)
    with held(store, name, clock) as lease, run_folder(settings.spool_path) as folder:
        definition = definitions.get_export(store, name)
        versions = Versions(store, lease, definition, settings, clock, folder)
        versions.recover()
        item = candidate(store, name)
        if item is None:
            raise NotFound(f"nothing of {name!r} is held; {_again(name)} makes a new candidate")
        allow_hits.refresh(store, now)
        _check(store, name, item, sha256, versions, folder, now)
        run_id = runs.begin_run(store, lease, now)
        try:
            item, files = versions.publish(item, cause="release", note={"by": by, "reason": reason}, run_id=run_id)
        except BaseException as error:
            runs.finish_run(store, run_id, clock.now, status="failed", message=f"release: {error}")
            raise
        runs.finish_run(
            store,
            run_id,
            clock.now,
            status="completed",
            message=f"released by {by}: {reason}",
            outcome="replaced",
            version=item.number,
            entries=item.record.entries,
        )
        notes = forgetting.forget_old(store, versions, name, settings, clock.now)
    return item.number, files, notes


def _again(name: str) -> str:
    return f"yetictl export run {shlex.quote(name)}"


def _check(
    store: "Store", name: str, item: Archived, sha256: str, versions: Versions, folder: Path, now: Instant
) -> None:
    record = item.record
    digest = record.content[0].sha256
    if sha256 and not digest.startswith(sha256.lower()):
        raise GateError(
            f"what is held of {name!r} is {digest[:16]}… by now, not {sha256}: "
            "a later run made another candidate; look at that first"
        )
    if (pin := pins.pinned(store, name)) is not None:
        raise GateError(
            f"{name!r} is pinned to version {pin.number} by {pin.by}: {pin.reason}; "
            f"yetictl export unpin {shlex.quote(name)} ends that"
        )
    verdict = Verdict.from_object(record.verdict)
    if never := [reason.text for reason in verdict.reasons if not reason.can_be_released]:
        raise GateError(f"this cannot be released: {'; '.join(never)}; mend that and run {name!r} again")
    current = archives.current(store, name)
    if record.base != (current.number if current else 0):
        raise GateError(
            f"version {current.number if current else 0} was published since this was held; "
            f"{_again(name)} makes a new candidate"
        )
    if gone := _withdrawn(store, name, item, versions, folder, now):
        raise GateError(
            f"{gone:,} of its entries were withdrawn or carved out since it was held; "
            f"{_again(name)} makes a candidate without them"
        )


def _withdrawn(store: "Store", name: str, item: Archived, versions: Versions, folder: Path, now: Instant) -> int:
    """Return how many entries of a candidate are withdrawn, or lie around what was carved out, by now."""
    listed: set[int] = set()
    removed: set[int] = set()
    parts: dict[tuple[int, str], bool] = {}

    def added() -> Iterator[tuple[int, bytes]]:
        known = item.record.first("changes")
        for line in lines_of(versions.archive.fetch_changes(known, folder)) if known else ():
            change = decode(line)
            is_there = change.change in (ADDED, CHANGED)
            if is_there:
                yield change.id, bytes(change.why)  # of a piece, that is its network
            if change.piece:
                parts[change.id, change.value] = is_there
            elif is_there:
                listed.add(change.id)
            elif change.change in (REMOVED, FREED):
                removed.add(change.id)

    # What another assertion lets in all the same is in the candidate by right.
    taken = takes(item.record)
    with store.snapshot() as snapshot:
        connection = snapshot.connection
        key = ledger.export_key(connection, name)
        gone = {*ledger.withdrawn_among(snapshot, added(), instant=now, unless=taken)}
        base = item.record.base
        if base:
            before = ledger.withdrawn_since(snapshot, key, base, instant=now, unless=taken)
            gone.update(set(before) - removed)
            there = {(network, value): True for network, _, value in ledger.pieces_at(connection, key, base)}
            parts = there | parts
        for met in carve_outs.met(connection):
            is_whole = met.id in listed or (met.id not in removed and is_listed_at(connection, key, met.id, base))
            its = [value for (network, value), is_there in parts.items() if is_there and network == met.id]
            if is_whole or any(split(value, [met.entry]) != [value] for value in its):
                gone.add(met.id)
    return len(gone)
