"""What is where an export publishes, or published before it moved, and is not, or not any more, of its making."""

from typing import TYPE_CHECKING

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import StorageError
from core.redaction import redact
from core.store import archives
from core.store.archives import KEPT, Archived

_CHUNK_BYTES = 1 << 20

if TYPE_CHECKING:
    from core.store import Store


def left_behind(store: "Store", name: str, destination: str) -> list[tuple[str, str, Archived]]:
    """Return what stands elsewhere: place, file name, and the version that it is of.

    Only a file counts that still has the bytes of a version that is kept: the name may be another export's by now.

    Args:
        store: Where.
        name: Of the export.
        destination: Where it is published now.

    Raises:
        StorageError: A place cannot be asked.
    """
    found: dict[tuple[str, str], Archived] = {}
    for item in archives.find(store, name, KEPT):
        place = item.record.place
        if place in (destination, redact(destination)):
            continue
        storage = Storage(get_client(place))
        for file in item.record.files:
            if storage.unchanged(file.file_name, file.size_bytes, file.sha256) is not None:
                found[place, file.file_name] = item
    return [(place, file, item) for (place, file), item in found.items()]


def lines_there(destination: str, file_name: str) -> int | None:
    """Return how many lines a file has that stands there, ``None`` if there is none, or nobody may read it."""
    try:
        with Storage(get_client(destination)).open_reader(file_name) as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(_CHUNK_BYTES), b""))
    except StorageError:
        return None
