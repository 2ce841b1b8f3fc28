"""Make versions: write what is kept, publish it, make it current; and clean up after a run that was cut off.

The order is the safety: what will be written is in the store first; then the objects; then the manifest; then the
names that consumers fetch; then those go that the version before had and this one has not; then, in one transaction,
the current version and the ledger.  A run that finds an older one cut off undoes it if no consumer saw anything of it,
and finishes it if one may have.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import ConfigError, DefinitionError, ExtraMissing, StorageError
from core.exports.lease import Clock
from core.exports.publishing import beside, places, signing
from core.exports.publishing.publish import Published
from core.exports.publishing.publish import publish as publish_files
from core.exports.settings import Settings
from core.exports.spool import RenderedFile
from core.exports.versions import counters, served
from core.exports.versions.archive import Archive, lines_of
from core.exports.versions.companions import Companions
from core.exports.versions.set_names import SetNames
from core.redaction import redact
from core.schemas.export import ExportDefinition
from core.schemas.version import Cause, ManifestRecord
from core.store import archives, leases
from core.store.archives import HELD, PUBLISHING, REMOVING, WRITING, Archived
from core.store.health import check_schema_under

if TYPE_CHECKING:
    from core.store import Store

_log = logging.getLogger(__name__)


class Versions:
    """The versions of one export, for whoever holds the right to run it."""

    def __init__(
        self,
        store: "Store",
        lease: leases.Lease,
        definition: ExportDefinition,
        settings: Settings,
        clock: Clock,
        folder: Path,
    ) -> None:
        """Keep what is needed; *folder* is one of the spool, for files on the way.

        Raises:
            ConfigError: What is kept of versions would lie among what consumers may read.
        """
        places.check_versions(settings.versions_path, definition.destination or settings.export_path)
        self.archive = Archive(settings.versions_path, definition)
        self.name = definition.name
        self.names = SetNames(store, definition, settings)
        self._store, self._lease, self._definition = store, lease, definition
        self._settings, self._clock, self._folder = settings, clock, folder
        self._companions = Companions(store, definition, settings, self.archive, folder, self.put_names)

    def write(self, record: ManifestRecord, files: Mapping[str, Path]) -> Archived:
        """Keep the objects that *record* names; *files* are the local files by the names of the objects.

        Raises:
            StorageError: One could not be stored.
            ExportBusy: The claim is another's by now.
        """
        item = archives.begin(self._store, self._lease, record)
        for known in record.objects:
            self._check()
            self.archive.put(known, files[known.name])
        return item

    def hold(self, item: Archived) -> tuple[str, ...]:
        """Make *item* the candidate that waits for a release, in the place of an older one; return what went wrong."""
        archives.hold(self._store, self._lease, item)
        return self.drop_candidates(but=item)

    def drop_candidates(self, but: Archived | None = None) -> tuple[str, ...]:
        """Forget what is held, and return what went wrong, each in one line."""
        held = [
            item for item in archives.find(self._store, self._lease.export, HELD) if not but or item.id != but.id
        ]
        return tuple(filter(None, map(self.clear, held)))

    def publish(
        self,
        item: Archived,
        *,
        cause: Cause,
        note: Mapping[str, str] | None = None,
        files: Sequence[RenderedFile] | None = None,
        changes: Path | None = None,
        run_id: int | None = None,
    ) -> tuple[Archived, tuple[Published, ...]]:
        """Make *item* the next version, publish it, and make it the current one.

        Args:
            item: What `write` returned, or a candidate.
            cause: Why.
            note: Who wants it, and why, where a person does.
            files: Its files, or those of its content, where they are at hand.
            changes: Its changes, where they are at hand.
            run_id: Of the run.

        Raises:
            StorageError: Something could not be stored.  The next run finishes or undoes it.
            ConfigError: The signing key cannot be used.
            DefinitionError: A file of another export has one of the names.
            ExportBusy: The claim is another's by now.
        """
        if cause != "withdrawal":  # which leaves at once, signed or not
            signing.key_of(self._settings)
        number, before = archives.number_for(self._store, self._lease)
        record = structs.replace(
            item.record,
            number=number,
            cause=cause,
            note=note or {},
            previous_sha256=before,
            beside=beside.kinds(self._settings),
        )
        record = self._here(record)
        self.names.check_record(record)
        if files is not None:
            named = zip(files, record.content, strict=True)
            files = [replace(file, name=known.file_name) for file, known in named]
        if record.first("content") is not None:
            record, files = self._stamped(record, files)
        elif files is None:
            files = [self.archive.fetch_file(known, self._folder) for known in record.files]
        changes = changes or self._changes(record)
        extra = served.beside(self.archive, record, files, changes, self._settings, self._folder)
        record = structs.replace(record, objects=(*record.objects, *extra))
        digest = archives.digest(record)
        item = archives.announce(self._store, self._lease, item, record, digest)
        # Again: of two that are announced at once, the later one sees the other.
        self.names.check_record(record)
        for one, path in extra.items():
            self._check()
            self.archive.put(one, path)
        for file, known in zip(files, record.files, strict=True):
            self._check()
            self.archive.put(known, file.path)
        self._check()
        self.archive.put_manifest(record)
        return item, self._finish(item, files, changes, run_id)

    def put_again(self, current: Archived, files: Sequence[RenderedFile] | None = None) -> tuple[Published, ...]:
        """Publish the current version again where it is gone or was altered.

        Args:
            current: That version.
            files: Its content, where that is at hand.

        Raises:
            StorageError: It cannot be read or stored.
            DefinitionError: A file of another export has one of the names.
            ExportBusy: The claim is another's by now.
        """
        record = current.record
        if files is None or record.counter is not None:
            files = [self.archive.fetch_file(known, self._folder) for known in record.files]
        self.names.check_record(record)
        published = self.put_names(files)
        self._companions.put(record, files, None)
        return published

    def put_back(self, current: Archived) -> tuple[tuple[Published, ...], tuple[str, ...]]:
        """Publish the current version again where it is gone or was altered; return that, and what went wrong.

        Where the export is to have another name or place since, nothing is: the old name may be another export's by
        now, and at the new place nobody has seen anything yet.
        """
        if not self.is_here(current.record):
            return (), ()
        try:
            return self.put_again(current), ()
        except (StorageError, ConfigError, DefinitionError, ExtraMissing) as error:
            text = f"whether version {current.number} is published as it was cannot be seen, or mended: {error}"
            _log.warning(text, extra={"export": self._lease.export})
            return (), (text,)

    def is_here(self, record: ManifestRecord) -> bool:
        """Say whether a version was published under the name and at the place that the export has today."""
        here = self._here(record)
        return here.place == record.place and here.objects == record.objects

    def put_names(self, files: Sequence[RenderedFile]) -> tuple[Published, ...]:
        """Publish files under their names; those that are there already stay as they are."""
        return publish_files(files, self._place, before_each=self._check)

    def _check(self) -> None:
        """Raise if the claim is another's by now, or the store another version's."""
        with self._store.reading() as connection:
            check_schema_under(self._store.database.under(connection))
            leases.lease_held(connection, self._lease)

    def recover(self) -> str:
        """Finish or undo what was cut off, and say in words what was; nothing if nothing was.

        What cannot be removed stays, is told, and is tried again by the next run.

        Raises:
            StorageError: The storage cannot be asked, or what was begun cannot be finished.
            ExportBusy: The claim is another's by now.
        """
        said = []
        for item in archives.find(self._store, self._lease.export, WRITING, PUBLISHING, REMOVING):
            if item.state == PUBLISHING and self._was_seen(item.record) and self.names.are_free(item.record):
                files = [self.archive.fetch_file(known, self._folder) for known in item.record.files]
                self.archive.put_manifest(item.record)
                self._finish(item, files, None, None)
                said.append(
                    f"version {item.number}, which a run that was cut off had begun to publish, is finished"
                )
            else:
                said.append(self.clear(item) or _UNDONE[item.state].format(what=_called(item)))
        for text in said:
            _log.warning(text, extra={"export": self._lease.export})
        return "; ".join(said)

    def clear(self, item: Archived) -> str:
        """Do as `remove` does, and say what went wrong; that is no reason not to publish what can be published."""
        try:
            self.remove(item)
        except StorageError as error:
            return f"{_called(item)}, which is kept no longer, could not be removed: {error}"
        return ""

    def remove(self, item: Archived) -> None:
        """Remove the objects that are in no other version or candidate, the manifest, and what the store knows.

        Raises:
            StorageError: One could not be deleted; the next run goes on with it.
            ExportBusy: The claim is another's by now.
        """
        names = archives.to_remove(self._store, self._lease, item)
        if item.manifest_sha256:
            self.archive.delete(self.archive.manifest_name(item.number, item.manifest_sha256))
        for name in names:
            self._check()
            self.archive.delete(name)
        archives.removed(self._store, self._lease, item)

    def _finish(
        self, item: Archived, files: Sequence[RenderedFile], changes: Path | None, run_id: int | None
    ) -> tuple[Published, ...]:
        record = item.record
        changes = changes or self._changes(record)
        published = self.put_names(files)
        self._check()
        self.names.delete_left(record)
        archives.make_current(
            self._store,
            self._lease,
            item,
            lines_of(changes) if changes else (),
            now=self._clock.now,
            run_id=run_id,
        )
        self._companions.put(record, files, changes)
        return published

    def _changes(self, record: ManifestRecord) -> Path | None:
        known = record.first("changes")
        return self.archive.fetch_changes(known, self._folder) if known else None

    def _here(self, record: ManifestRecord) -> ManifestRecord:
        """Return the record of what is published under the name and at the place that the export has today.

        The name of an older version, or of a candidate, may be another export's by now.
        """
        old, new = record.definition.get("file_name"), self._definition.file_name
        objects = [
            structs.replace(known, file_name=new) if known.file_name == old else known for known in record.objects
        ]
        today = {
            "file_name": new,
            "destination": redact(self._definition.destination),
            "deltas": self._definition.deltas,
        }
        return structs.replace(
            record, objects=tuple(objects), definition=record.definition | today, place=redact(self._place)
        )

    def _stamped(
        self, record: ManifestRecord, contents: Sequence[RenderedFile] | None
    ) -> tuple[ManifestRecord, list[RenderedFile]]:
        """Return the record with the next publish counter, and the files with that in them."""
        kept = [known for known in record.objects if known.role != "file"]
        if contents is None:
            contents = [self.archive.fetch_file(known, self._folder) for known in kept if known.role == "content"]
        last = archives.last_counter(self._store, self._lease.export)
        counter = counters.next_counter(record.definition["format"], last, self._clock.start)
        files = [counters.stamped(content, counter, self._folder) for content in contents]
        objects = (*(self.archive.file_object(file) for file in files), *kept)
        return structs.replace(record, counter=counter, objects=objects), files

    def _was_seen(self, record: ManifestRecord) -> bool:
        """Say whether a published name has the bytes of *record* already."""
        storage = Storage(get_client(self._place))
        return any(
            storage.unchanged(known.file_name, known.size_bytes, known.sha256) is not None
            for known in record.files
        )

    @property
    def _place(self) -> str:
        return self._definition.destination or self._settings.export_path


_UNDONE = {
    WRITING: "what a run that was cut off had kept is removed",
    PUBLISHING: "{what}, of which a run that was cut off had published nothing, is undone",
    REMOVING: "the removal of {what}, which was cut off, is finished",
}


def _called(item: Archived) -> str:
    return f"version {item.number}" if item.number else "a candidate that is not needed"
