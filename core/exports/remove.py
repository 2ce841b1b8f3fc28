"""Remove an export; what it published, and its versions, stay unless that is to go, too."""

from typing import TYPE_CHECKING

from core.exports.lease import Clock, held
from core.exports.publishing import beside, checksums, publish
from core.exports.publishing.elsewhere import left_behind
from core.exports.settings import Settings
from core.exports.spool import run_folder
from core.exports.versions.versioning import Versions
from core.schemas.instant import Instant
from core.store import archives, definitions, leases, versions
from core.store.archives import HELD, KEPT

if TYPE_CHECKING:
    from core.store import Store


def remove_export(
    store: "Store", name: str, settings: Settings, *, purge: bool, now: Instant
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Forget the export *name*, and return where published files were kept and where they were deleted.

    Raises:
        NotFound: There is no such export.
        ExportBusy: Another process runs it.
        StorageError: A file could not be deleted.  The export is still there.
    """
    clock = Clock(now)
    with held(store, name, clock) as lease, run_folder(settings.spool_path) as folder:
        definition = definitions.get_export(store, name)
        destination = definition.destination or settings.export_path
        kept = archives.find(store, name, KEPT, HELD)
        places = _places(store, name, destination)
        if not purge:
            found = tuple(
                location for place, files in places.items() for location in publish.locations(files, place)
            )
            definitions.remove_export(store, name)
            return found, ()
        deleted: list[str] = []
        for place, files in places.items():
            leases.check(store, lease)
            deleted += publish.withdraw(files, place)
            beside.withdraw_beside(place, files)
        versioning = Versions(store, lease, definition, settings, clock, folder)
        for item in kept:
            versioning.remove(item)
        definitions.remove_export(store, name)
    for place in places:
        checksums.write_checksums(store, place, settings)
    return (), tuple(deleted)


def _places(store: "Store", name: str, destination: str) -> dict[str, list[str]]:
    """Return the names of published files by where they are: here, and where older versions left them."""
    found: dict[str, list[str]] = {}
    version = versions.current_version(store, name)
    if version is not None:
        found[destination] = [file.name for file in version.files]
    for place, file, _ in left_behind(store, name, destination):
        found.setdefault(place, []).append(file)
    return found
