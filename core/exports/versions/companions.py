"""What goes with the files of a version: a delta, signatures, checksums; and what is gone of them, or is elsewhere."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import StorageError
from core.exports.publishing import beside, checksums, places, signing
from core.exports.publishing.publish import Published
from core.exports.settings import Settings
from core.exports.spool import RenderedFile
from core.exports.versions.archive import Archive
from core.exports.versions.deltas import SUFFIX as DELTA
from core.exports.versions.deltas import public_delta
from core.schemas.export import ExportDefinition
from core.schemas.version import ManifestRecord
from core.store import archives
from core.store.archives import KEPT

if TYPE_CHECKING:
    from core.store import Store

_log = logging.getLogger(__name__)


class Companions:
    """Those of one export."""

    def __init__(
        self,
        store: "Store",
        definition: ExportDefinition,
        settings: Settings,
        archive: Archive,
        folder: Path,
        put_names: Callable[[Sequence[RenderedFile]], tuple[Published, ...]],
    ) -> None:
        """Keep what is needed; *folder* is one of the spool, and *put_names* publishes files under their names."""
        self._store, self._definition, self._settings = store, definition, settings
        self._archive, self._folder, self._put_names = archive, folder, put_names
        self._place = definition.destination or settings.export_path

    def put(self, record: ManifestRecord, files: Sequence[RenderedFile], changes: Path | None) -> None:
        """Bring up to date what goes with the current version.

        Args:
            record: Of that version.
            files: What is published of it.
            changes: Its changes, where they are at hand.

        Raises:
            StorageError: Something could not be stored.
            ConfigError: The signing key cannot be used.
        """
        extra = self._delta(record, changes)
        names = [file.name for file in (*files, *extra)]
        settings = self._settings
        if record.cause == "withdrawal" and (why := signing.fault(settings)):
            # No signature is better than one that is not of this file: whoever looks at it would keep the old one.
            beside.withdraw_signatures(self._place, names)
            settings = replace(settings, signing_key=None)
            said = {"export": self._definition.name, "why": why}
            _log.warning("published unsigned, since something was withdrawn", extra=said)
        self._delete_what_is_off(record, names)
        beside.publish_beside(self._store, self._place, record, [*files, *extra], settings)
        self._put_sums_elsewhere(record)

    def _delta(self, record: ManifestRecord, changes: Path | None) -> list[RenderedFile]:
        """Publish the delta, and return it; delete one that nobody brings up to date any more."""
        if not self._definition.deltas:
            if any(each.definition.get("deltas") for each in (record, *self._before(record))):
                storage = Storage(get_client(self._place))
                for suffix in (DELTA, DELTA + places.SIGNATURE):
                    storage.delete(record.files[0].file_name + suffix)
            return []
        known = record.first("changes")
        if changes is None and known is not None:
            changes = self._archive.fetch_changes(known, self._folder)
        if changes is None:
            return []
        delta = public_delta(record, changes, self._folder)
        self._put_names([delta])
        return [delta]

    def _delete_what_is_off(self, record: ManifestRecord, names: Sequence[str]) -> None:
        """Delete what was published beside the files and is not any more: consumers would hold the new to the old."""
        gone = {word for each in (record, *self._before(record)) for word in each.beside}
        gone.difference_update(beside.kinds(self._settings))
        try:
            if "signatures" in gone:
                beside.withdraw_signatures(self._place, names)
            if "checksums" in gone:
                beside.withdraw_checksums(self._place)
        except StorageError as error:
            said = {"export": self._definition.name, "why": str(error)}
            _log.warning("signatures or checksums of before are still beside the files", extra=said)

    def _put_sums_elsewhere(self, record: ManifestRecord) -> None:
        """Vouch no longer for what was left where the export was published before; best effort."""
        for before in self._before(record):
            if before.place != record.place:
                try:
                    checksums.write_checksums(self._store, before.place, self._settings)
                except StorageError as error:
                    said = {"export": self._definition.name, "place": before.place, "why": str(error)}
                    _log.warning("the checksums of a place that was left are not up to date", extra=said)

    def _before(self, record: ManifestRecord) -> list[ManifestRecord]:
        """Return the record of the version that another starts from, if that is kept."""
        known = archives.find(self._store, self._definition.name, KEPT)
        return [item.record for item in known if item.number == record.base]
