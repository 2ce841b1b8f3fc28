"""Compare a store that was restored with what storage holds: storage may know later versions, or have lost some.

A backup is of one moment; storage went on.  What was published since is in storage and not in the store: its numbers
must not be given again, nor its publish counters, for consumers have seen them.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import StorageError
from core.exports.settings import Settings
from core.schemas.export import ExportDefinition
from core.schemas.version import from_manifest
from core.store import archives, definitions
from core.store.archives import KEPT

if TYPE_CHECKING:
    from core.store import Store


_MANIFEST = re.compile(r"(?P<key>.+)\.v(?P<number>[1-9][0-9]{0,8})\.[0-9a-f]+\.json")


@dataclass(frozen=True, slots=True)
class Difference:
    """What storage and the store know otherwise of one export.

    Attributes:
        export: Its name.
        current: Number of the current version, as the store has it; 0 if there is none.
        later: Numbers of versions that storage has and the store has not.
        lost: Numbers of versions whose manifests are gone from storage.
        fault: Why the number of the latest could not be taken; empty if it was.
    """

    export: str
    current: int
    later: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()
    fault: str = ""


def differences(store: "Store", settings: Settings) -> list[Difference]:
    """Return the exports of which storage knows something else than *store*.

    Numbers of later versions that storage has are taken from then on: the next version has a higher one.

    Raises:
        StorageError: It cannot be listed.
    """
    storage = Storage(get_client(settings.versions_path))
    there: dict[str, dict[int, str]] = {}
    for item in storage.list():
        if match := _MANIFEST.fullmatch(item.name):
            there.setdefault(match["key"], {})[int(match["number"])] = item.name
    found = [
        _difference(store, definition, storage, there.get(definition.versions_key, {}))
        for definition in definitions.exports(store)
    ]
    return [item for item in found if item.later or item.lost or item.fault]


def _difference(
    store: "Store", definition: ExportDefinition, storage: Storage, there: dict[int, str]
) -> Difference:
    name = definition.name
    known = archives.find(store, name, *archives.NUMBERED)
    current = archives.current(store, name)
    later = sorted(number for number in there if number > max((item.number for item in known), default=0))
    fault = ""
    if later:
        try:
            _take(store, definition, storage, later[-1], there[later[-1]])
        except (StorageError, msgspec.MsgspecError) as error:
            fault = f"the manifest of version {later[-1]} cannot be read: {error}"
    lost = tuple(item.number for item in known if item.state == KEPT and item.number not in there)
    return Difference(name, current.number if current else 0, tuple(later), lost, fault)


def _take(store: "Store", definition: ExportDefinition, storage: Storage, number: int, object_name: str) -> None:
    data = storage.read_bytes(object_name)
    record = from_manifest(data)
    # Not by its name: it may have had another one when the version was made.
    is_own = all(item.name.startswith(f"{definition.versions_key}.") for item in record.objects)
    if record.number != number or not is_own:
        raise StorageError(f"it is that of version {record.number} of {record.export!r}")
    archives.take_number(store, definition.name, record, hashlib.sha256(data).hexdigest())
