"""What a candidate is compared with in size: the version that is published, or what else is known of before."""

from typing import TYPE_CHECKING

from core.errors import NotFound
from core.exports.gate.verdict import History
from core.exports.publishing.elsewhere import lines_there
from core.exports.publishing.places import is_local
from core.exports.settings import Settings
from core.schemas.export import ExportDefinition
from core.store import archives, versions
from core.store.archives import KEPT, Archived

if TYPE_CHECKING:
    from core.store import Store


def history_of(
    store: "Store", definition: ExportDefinition, current: Archived | None, settings: Settings, *, is_run: bool
) -> History | None:
    """Return what the gate compares a candidate with, ``None`` if nothing is known.  Decision 0084 says why.

    Args:
        store: Where versions are known.
        definition: Of the export, which need not be kept yet.
        current: Its current version.
        settings: Of this installation.
        is_run: It is to be published; only then a server is asked what a first run finds there.
    """
    if current is None:
        return _before_versions(store, definition.name) or _found_there(definition, settings, is_run=is_run)
    record = current.record
    if record.entries:
        size = sum(item.size_bytes for item in record.content)
        return History(record.entries, record.space, size_bytes=size)
    # Emptied, but no first run: what it had before is what growth is measured by.
    for item in reversed(archives.find(store, definition.name, KEPT)):
        if item.record.entries:
            return History(0, item.record.space, had=item.record.entries)
    return History(0)


def _before_versions(store: "Store", name: str) -> History | None:
    """Return how many entries were published before versions were kept."""
    try:
        before = versions.current_version(store, name)
    except NotFound:  # it is looked at before it is kept
        return None
    if before is None:
        return None
    return History(before.entries, counted="of what is published only the number of entries is known")


def _found_there(definition: ExportDefinition, settings: Settings, *, is_run: bool) -> History | None:
    """Return what stands under the name of an export that never published, where its lines are entries."""
    place = definition.destination or settings.export_path
    if definition.template or not (is_run or is_local(place)):
        return None
    number = lines_there(place, definition.file_name)
    if not number:
        return None
    text = f"{definition.file_name} is there already, with {number:,} lines, and this export has not published it"
    return History(number, counted=text, is_ours=False)
