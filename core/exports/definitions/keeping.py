"""Keep one definition that somebody made or changed: checked, and with what is probably not meant."""

from typing import TYPE_CHECKING

from core.exports.definitions import definition as definitions_of
from core.exports.definitions import doubts
from core.exports.lease import Clock, held
from core.exports.publishing import places
from core.exports.settings import Settings
from core.schemas.export import ExportDefinition
from core.store import definitions, renames

if TYPE_CHECKING:
    from core.store import Store


def keep(
    store: "Store", made: ExportDefinition, settings: Settings, *, seen: ExportDefinition | None = None
) -> tuple[str, ...]:
    """Keep an export, and return what is probably not meant, each in one sentence.

    Args:
        store: Where.
        made: What it is to be, complete.
        settings: Of this installation.
        seen: What it takes the place of; ``None`` is for an export that is new.  Its name may be another one: what
            is published keeps its file name, and all that there is of the export stays with it.

    Raises:
        DefinitionError: It asks for something that does not exist or cannot be.
        ConfigError: What is kept of versions would lie where it publishes.
        NotFound: It is gone.
        AlreadyExists: The name or the file is taken.
        ChangedMeanwhile: It is not what was *seen* any more.
        ExportBusy: It is to have another name, and is being run.
    """
    was = seen.name if seen else ""
    definitions_of.validate(store, made, default_destination=settings.export_path, was=was)
    places.check_versions(settings.versions_path, made.destination or settings.export_path)
    warnings = doubts.warnings(store, made)
    if seen is None:
        definitions.add_export(store, made)
    elif was != made.name:
        with held(store, was, Clock(made.modified_at)) as lease:
            renames.rename_export(store, lease, made, seen=seen)
    else:
        definitions.replace_export(store, made, seen=seen)
    return warnings
