"""Put rendered files where they are fetched.

Each file is whole or not there at all.  A file that is there already with the same bytes is left alone; one that
is gone or was altered is put there again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.policies import IfChanged
from core.clients.persistient_storage.receipts import Receipt
from core.clients.persistient_storage.storage import Storage
from core.exports.spool import RenderedFile


@dataclass(frozen=True, slots=True)
class Published:
    """A file as it is where it is fetched.

    Attributes:
        outcome: ``created``, ``replaced`` or ``unchanged``.
        places: The receipt of each place that has it; one, but for a client that stores in several.
    """

    name: str
    location: str
    media_type: str
    size_bytes: int
    sha256: str
    entries: int
    outcome: str
    places: tuple[Receipt, ...] = ()


def publish(
    files: Sequence[RenderedFile], destination: str, *, before_each: Callable[[], None] = lambda: None
) -> tuple[Published, ...]:
    """Store *files* at *destination* and say what was stored.

    The first comes last: of a set it is the one that names the others, which have to be there by then.

    Args:
        files: Finished files in the spool folder.
        destination: A storage path.
        before_each: Called just before each file is stored; what it raises stops the publication.

    Raises:
        StorageError: A file could not be stored, or a client without a writer of its own did not store what it was
            given.  What was published under that name stands, as far as the client can promise that.
    """
    storage = Storage(get_client(destination))
    published = []
    for file in reversed(files):
        before_each()
        published.append(_published(file, _put(storage, file)))
    return tuple(reversed(published))


def withdraw(names: Sequence[str], destination: str) -> tuple[str, ...]:
    """Delete published files and return where they were.

    Raises:
        StorageError: One could not be deleted.
    """
    storage = Storage(get_client(destination))
    for name in names:
        storage.delete(name)
    return locations(names, destination)


def locations(names: Sequence[str], destination: str) -> tuple[str, ...]:
    """Return where files of those names are, for people."""
    client = get_client(destination)
    return tuple(client.file_path(name) for name in names)


def _put(storage: Storage, file: RenderedFile) -> Receipt:
    receipt = storage.write(
        file.name,
        file.path,
        policy=IfChanged(),
        default_type=file.media_type,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
    )
    if receipt.outcome != "unchanged" and not hasattr(storage.client, "open_writer"):
        # Whoever wrote only the five methods may have changed line ends, encoding or length on the way.
        storage.verify(receipt)
    return receipt


def _published(file: RenderedFile, receipt: Receipt) -> Published:
    return Published(
        file.name,
        receipt.location,
        file.media_type,
        file.size_bytes,
        file.sha256,
        file.entries,
        outcome_of(receipt),
        receipt.copies or (receipt,),
    )


def outcome_of(receipt: Receipt) -> str:
    """Return what a write did, for people: where it is not known whether a file was there, it was replaced."""
    return "replaced" if receipt.outcome == "stored" else receipt.outcome
