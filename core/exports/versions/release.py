"""Publish the candidate of a held run, because somebody looked at it and says so."""

import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from core.errors import DefinitionError, GateError, NotFound
from core.exports.gate.texts import found_text
from core.exports.gate.verdict import Found, Verdict
from core.exports.lease import Clock, held
from core.exports.publishing import publish
from core.exports.select import resolved
from core.exports.settings import Settings
from core.exports.spool import run_folder
from core.exports.versions import forgetting
from core.exports.versions.candidate_list import CandidateList
from core.exports.versions.recorded import completed, recorded
from core.exports.versions.versioning import Versions
from core.exports.versions.withdrawal import takes
from core.schemas.export import ExportDefinition
from core.schemas.instant import Instant
from core.schemas.version import ManifestRecord
from core.store import archives, definitions, kept_templates, pins
from core.store.allow_lists import hits as allow_hits
from core.store.allow_lists import met
from core.store.archives import HELD, Archived

if TYPE_CHECKING:
    from core.store import Store

MOST_EXAMPLES = 5


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
        with recorded(store, lease, clock, "release") as run_id:
            item, files = versions.publish(item, cause="release", note={"by": by, "reason": reason}, run_id=run_id)
        completed(store, run_id, clock, item, message=f"released by {by}: {reason}", outcome="replaced")
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
    _check_definition(store, name, record)
    _check_entries(store, name, item, versions, folder, now)


def _check_definition(store: "Store", name: str, record: ManifestRecord) -> None:
    today = definitions.get_export(store, name)
    template = kept_templates.get_template(store, today.template).text if today.template else ""
    then = msgspec.convert(record.definition, ExportDefinition)
    with suppress(DefinitionError):  # a format that is gone: what is held can be published all the same
        if (then.format, then.options, record.template, resolved(then)) != (
            today.format,
            today.options,
            template,
            resolved(today),
        ):
            raise GateError(f"{name!r} was changed since this was held; {_again(name)} makes a new candidate")


def _check_entries(
    store: "Store", name: str, item: Archived, versions: Versions, folder: Path, now: Instant
) -> None:
    """Raise if an entry may not go out by now, whatever was said of the candidate when it was made."""
    again = _again(name)
    # What another assertion lets in all the same is in the candidate by right.
    taken = takes(item.record)
    with store.snapshot() as snapshot:
        listed = CandidateList(snapshot, name, item, versions.archive, folder)
        gone = listed.withdrawn(now, taken)
        gone.update(item.id for item in listed.meeting(met.carved_out(snapshot.connection)))
        own = [
            f"{item.value} ({item.list}: {item.entry})"
            for item in listed.meeting(met.own_assets(snapshot.connection))
        ]
        above = {key for each in taken if each.most_tlp is not None for key in listed.above(each.most_tlp)}
    if own:
        raise GateError(f"own assets are on the list: {found_text(Found(len(own), tuple(own[:MOST_EXAMPLES])))}")
    if gone:
        raise GateError(
            f"{len(gone):,} of its entries were withdrawn or carved out since it was held; "
            f"{again} makes a candidate without them"
        )
    if above:
        raise GateError(
            f"{len(above):,} of its entries are marked above what the export may pass on by now; "
            f"{again} makes a candidate without them"
        )
