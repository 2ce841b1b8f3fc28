"""Read what is kept of an export, and compare it with what it should be."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import FileMissing, StorageError
from core.exports.settings import Settings
from core.exports.versions.archive import Archive
from core.schemas.version import StoredObject, from_manifest
from core.store import archives, definitions
from core.store.archives import HELD, KEPT, REMOVED, REMOVING, Archived

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
    return findings


class _Look:
    """Looks at each object once, however many versions have it."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
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
        return self._archive.location(self._archive.manifest_name(item.number))

    def _manifest_fault(self, item: Archived, before: str) -> str:
        try:
            data = self._archive.read_manifest(item.number)
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
