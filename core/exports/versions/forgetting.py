"""Remove the versions that the rules of retention keep no longer."""

from typing import TYPE_CHECKING

from core.exports.settings import Settings
from core.exports.versions.retention import Policy, kept
from core.exports.versions.versioning import Versions
from core.schemas.instant import Instant
from core.store import archives, pins
from core.store.archives import KEPT

if TYPE_CHECKING:
    from core.store import Store


def forget_old(store: "Store", versions: Versions, name: str, settings: Settings, now: Instant) -> tuple[str, ...]:
    """Remove old versions of the export *name*, and return what went wrong, each in one line.

    Only objects are deleted that the manifests of these versions list and no other has.  What is published already
    is not made undone by a version that cannot be removed; the next run goes on with it.

    Raises:
        ExportBusy: The claim is another's by now.
    """
    policy = Policy(settings.keep_last, settings.keep_daily, settings.keep_weekly)
    items = archives.find(store, name, KEPT)
    current, pin = archives.current(store, name), pins.pinned(store, name)
    spared = [item.number for item in (current, pin) if item is not None]
    stay = kept([(item.number, item.record.made_at) for item in items], policy, now, spared)
    for item in items:
        if item.number not in stay and (problem := versions.clear(item)):
            return (problem,)  # the others would hardly fare better
    return ()
