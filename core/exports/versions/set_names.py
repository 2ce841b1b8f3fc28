"""The names of a set of files: no export writes a file of another, and what a version has no longer goes.

What counts is what a set really has: a format may make several files out of the name that its export is defined with.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import DefinitionError
from core.exports.publishing import places
from core.exports.settings import Settings
from core.redaction import redact
from core.schemas.export import ExportDefinition
from core.schemas.version import ManifestRecord
from core.store import archives
from core.store.published import claims

if TYPE_CHECKING:
    from core.store import Store


class SetNames:
    """The names of one export's files."""

    def __init__(self, store: "Store", definition: ExportDefinition, settings: Settings) -> None:
        """Keep what is needed."""
        self._store, self._export = store, definition.name
        self._default_place = settings.export_path
        self._place = definition.destination or settings.export_path

    def check(self, names: Iterable[str]) -> None:
        """Do nothing if the export may publish files of those *names*.

        Raises:
            DefinitionError: One is a file of another export, or what may stand beside one.
        """
        taken = self._taken()
        for name in names:
            for address in places.with_companions(places.addresses(self._place, name)) & taken.keys():
                other, theirs = taken[address]
                raise DefinitionError(
                    f"the file {name} would be in the way of {theirs}, which the export {other!r} publishes in "
                    f"{redact(self._place)}; give this export another file name with --file-name, or another place "
                    "with --to",
                    word="file-name",
                )

    def check_record(self, record: ManifestRecord) -> None:
        """Do as `check` does for a version; not for one without what was withdrawn, which has the names it had.

        Raises:
            DefinitionError: One is a file of another export, or what may stand beside one.
        """
        if record.cause != "withdrawal":
            self.check(file.file_name for file in record.content)

    def are_free(self, record: ManifestRecord) -> bool:
        """Say whether `check_record` would raise nothing."""
        try:
            self.check_record(record)
        except DefinitionError:
            return False
        return True

    def delete_left(self, record: ManifestRecord) -> None:
        """Delete what the current version has published and *record*, the next, has not, and what stands beside that.

        Nothing is deleted where the export was given another file name or place between them: consumers may still
        fetch the old one, and whoever gave it was told so.  Neither a file of *record* nor one of another export
        goes, however its name is spelled there.  It is fine if some are gone already.

        Raises:
            StorageError: One could not be deleted.
        """
        before = archives.current(self._store, self._export)
        names = _left(before.record, record) if before else []
        if not names:
            return
        own = {address for file in record.files for address in places.addresses(self._place, file.file_name)}
        staying = places.with_companions(own) | self._taken().keys()
        storage = Storage(get_client(self._place))
        for name in sorted(places.with_companions(names)):
            if not places.addresses(self._place, name) & staying:
                storage.delete(name)

    def _taken(self) -> dict[str, tuple[str, str]]:
        """Return by address whose files, and what may stand beside them, are other exports': export and file name."""
        return {
            address: (claim.export, name)
            for claim in claims(self._store)
            if claim.export != self._export
            for name in claim.names
            for address in places.with_companions(places.addresses(claim.destination or self._default_place, name))
        }


def _left(before: ManifestRecord, record: ManifestRecord) -> list[str]:
    if (before.place, before.definition.get("file_name")) != (record.place, record.definition.get("file_name")):
        return []
    names = {file.file_name for file in record.files}
    return [file.file_name for file in before.files if file.file_name not in names]
