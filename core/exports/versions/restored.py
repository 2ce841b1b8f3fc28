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
from core.clients.persistient_storage.several_places import places_of
from core.clients.persistient_storage.storage import Storage
from core.errors import StorageError
from core.exports.settings import Settings
from core.schemas.export import ExportDefinition
from core.schemas.instant import Instant
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


@dataclass(frozen=True, slots=True)
class Stranger:
    """What storage has of an export that the store has not: it was removed, or made after the backup.

    Attributes:
        key: What the names of its versions begin with.
        numbers: Of its versions.
        export: Its name, of the latest version; empty if that cannot be read, as is what follows.
        made_at: When that was made.
        published: Where that was published: what consumers may still fetch.
    """

    key: str
    numbers: tuple[int, ...]
    export: str = ""
    made_at: Instant | None = None
    published: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """What storage and the store know otherwise."""

    differences: tuple[Difference, ...]
    strangers: tuple[Stranger, ...]


def differences(store: "Store", settings: Settings) -> list[Difference]:
    """Return the exports of *store* of which storage knows something else; see `compared`."""
    return [*compared(store, settings).differences]


def compared(store: "Store", settings: Settings) -> Compared:
    """Return what storage knows otherwise than *store*: of its exports, and of others.

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
        _difference(store, definition, storage, there.pop(definition.versions_key, {}))
        for definition in definitions.exports(store)
    ]
    strangers = [_stranger(storage, key, names) for key, names in sorted(there.items())]
    return Compared(tuple(item for item in found if item.later or item.lost or item.fault), tuple(strangers))


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


def _stranger(storage: Storage, key: str, names: dict[int, str]) -> Stranger:
    numbers = tuple(sorted(names))
    try:
        record = from_manifest(storage.read_bytes(names[numbers[-1]]))
    except (StorageError, msgspec.MsgspecError):
        return Stranger(key, numbers)
    places = [place.partition("?")[0].rstrip("/") for place in places_of(record.place)]
    published = tuple(f"{place}/{file.file_name}" for place in places for file in record.files)
    return Stranger(key, numbers, record.export, record.made_at, published)


def _take(store: "Store", definition: ExportDefinition, storage: Storage, number: int, object_name: str) -> None:
    data = storage.read_bytes(object_name)
    record = from_manifest(data)
    # Not by its name: it may have had another one when the version was made.
    is_own = all(item.name.startswith(f"{definition.versions_key}.") for item in record.objects)
    if record.number != number or not is_own:
        raise StorageError(f"it is that of version {record.number} of {record.export!r}")
    archives.take_number(store, definition.name, record, hashlib.sha256(data).hexdigest())
