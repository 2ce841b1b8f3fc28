"""Remove an export; what it published stays unless that is to go, too."""

from typing import TYPE_CHECKING

from core.exports import publish
from core.exports.settings import Settings
from core.store import definitions, runs

if TYPE_CHECKING:
    from core.store import Store


def remove_export(
    store: "Store", name: str, settings: Settings, *, purge: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Forget the export *name*, and return where published files were kept and where they were deleted.

    Raises:
        NotFound: There is no such export.
        StorageError: A file could not be deleted.  The export is still there.
    """
    definition = definitions.get_export(store, name)
    version = runs.current_version(store, name)
    files = [file.name for file in version.files] if version else []
    destination = definition.destination or settings.export_path
    if not purge:
        kept = publish.locations(files, destination)
        definitions.remove_export(store, name)
        return kept, ()
    deleted = publish.withdraw(files, destination)
    definitions.remove_export(store, name)
    return (), deleted
