"""Read what is kept of an export, and compare it with what it should be."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.several_places import places_of
from core.clients.persistient_storage.storage import Storage
from core.errors import FileMissing, StorageError
from core.exports.publishing import checksums, places, signing
from core.exports.settings import Settings
from core.exports.versions.archive import Archive
from core.exports.versions.deltas import public_delta
from core.schemas.version import ManifestRecord, StoredObject, from_manifest
from core.store import archives, definitions
from core.store.archives import HELD, KEPT, REMOVED, REMOVING, Archived
from core.store.published import publications

if TYPE_CHECKING:
    from core.store import Store


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at.

    Attributes:
        version: Its number; 0 of what is held, and of what is published.
        what: Where it is.
        fault: What is wrong; empty if nothing is.
        is_published: It is a file that consumers fetch.
    """

    version: int
    what: str
    fault: str = ""
    is_published: bool = False


def verify(
    store: "Store",
    name: str,
    settings: Settings,
    *,
    number: int | None = None,
    on_object: Callable[[], None] = lambda: None,
) -> list[Finding]:
    """Compare manifests, objects and published files of the export *name* with what the store knows of them.

    Args:
        store: Where that is known.
        name: Of the export.
        settings: Of this installation.
        number: Only this version; ``None`` is all that are kept, the candidate, and what is published.
        on_object: Called after each thing that was looked at.

    Raises:
        NotFound: There is no such export, or that version is not kept.
    """
    definition = definitions.get_export(store, name)
    if number is not None:
        archives.get(store, name, number)  # says what there is
    look = _Look(Archive(settings.versions_path, definition))
    findings = []
    before = ""
    for item in archives.find(store, name, KEPT, REMOVING, REMOVED, HELD):
        if item.state in (KEPT, HELD) and number in (None, item.number):
            for finding in look.at(item, before):
                findings.append(finding)
                on_object()
        if item.state != HELD:
            before = item.manifest_sha256
    if number is None and (current := archives.current(store, name)) is not None:
        place = definition.destination or settings.export_path
        for file in current.record.files:
            findings.append(_published(place, file))
            on_object()
        with TemporaryDirectory(prefix="yeti-verify-") as folder:
            for finding in _beside(store, current.record, place, settings, look.archive, Path(folder)):
                findings.append(finding)
                on_object()
    return findings


class _Look:
    """Looks at each object once, however many versions have it."""

    def __init__(self, archive: Archive) -> None:
        self.archive = self._archive = archive
        self._faults: dict[str, str] = {}

    def at(self, item: Archived, before: str) -> Iterator[Finding]:
        """Yield a finding for the manifest of *item*, and one for each object."""
        if item.number:
            yield Finding(item.number, self._manifest_location(item), self._manifest_fault(item, before))
        for known in item.record.objects:
            if known.name not in self._faults:
                self._faults[known.name] = self._object_fault(known)
            yield Finding(item.number, self._archive.location(known.name), self._faults[known.name])

    def _manifest_location(self, item: Archived) -> str:
        return self._archive.location(self._archive.manifest_name(item.number, item.manifest_sha256))

    def _manifest_fault(self, item: Archived, before: str) -> str:
        try:
            data = self._archive.read_manifest(item.number, item.manifest_sha256)
        except FileMissing:
            return "it is gone"
        except StorageError as error:
            return str(error)
        if hashlib.sha256(data).hexdigest() != item.manifest_sha256:
            return "it was altered: its SHA-256 is not the one that the store knows"
        try:
            record = from_manifest(data)
        except msgspec.MsgspecError as error:
            return f"it is no manifest: {error}"
        if record.previous_sha256 != before:
            return "it does not follow the version before it: the SHA-256 of that manifest is another"
        return ""

    def _object_fault(self, known: StoredObject) -> str:
        try:
            with TemporaryDirectory(prefix="yeti-verify-") as folder:
                self._archive.fetch(known, Path(folder) / "object")
        except FileMissing:
            return "it is gone"
        except StorageError as error:
            return str(error)
        return ""


def _published(place: str, file: StoredObject) -> Finding:
    storage = Storage(get_client(place))
    where = storage.client.file_path(file.file_name)
    try:
        same = storage.unchanged(file.file_name, file.size_bytes, file.sha256)
        fault = "" if same else "it is gone, or is not what the current version has; the next run puts it back"
    except StorageError as error:
        fault = str(error)
    return Finding(0, where, fault, is_published=True)


def _beside(
    store: "Store", record: ManifestRecord, place: str, settings: Settings, archive: Archive, folder: Path
) -> Iterator[Finding]:
    """Yield what consumers hold the current version to: its delta, signatures, and the checksums of its places."""
    try:
        files = [archive.fetch_file(known, folder) for known in record.files]
        known = record.first("changes")
        if record.definition.get("deltas") and known is not None:
            delta = public_delta(record, archive.fetch_changes(known, folder), folder)
            yield _stands(place, delta.name, delta.size_bytes, delta.sha256)
            files.append(delta)
    except StorageError:
        return  # an object that is gone or was altered is a finding of its own
    if settings.signing_key is not None and not (fault := signing.fault(settings)):
        key = signing.key_of(settings)
        for file in files:
            said = signing.comment(record.made_at, file.name, export=record.export, version=record.number)
            if key is not None:
                yield _is_text(place, file.name + places.SIGNATURE, signing.sign(file.path, key, said))
    elif settings.signing_key is not None:
        yield Finding(0, str(settings.signing_key), fault, is_published=True)
    if settings.sha256sums:
        for one in places_of(place):
            if text := checksums.sums_of(publications(store), one, settings).text:
                yield _is_text(one, places.SUMS, text.encode())


def _is_text(place: str, name: str, data: bytes) -> Finding:
    return _stands(place, name, len(data), hashlib.sha256(data).hexdigest())


def _stands(place: str, name: str, size_bytes: int, sha256: str) -> Finding:
    return _published(
        place, StoredObject(role="file", name=name, size_bytes=size_bytes, sha256=sha256, file_name=name)
    )
