"""Keep a file ``SHA256SUMS`` beside published files, in the form that ``sha256sum -c`` reads.

One for each place: a line for every file of the current version of every export that publishes there, by name.
Where signatures are made it has one as well.  What it holds follows from the store alone, so that whoever writes it,
and however often, writes the same.
"""

import hashlib
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.policies import IfChanged
from core.clients.persistient_storage.receipts import TEXT, Receipt
from core.clients.persistient_storage.several_places import places_of, raise_for
from core.clients.persistient_storage.storage import Storage
from core.errors import FileMissing, StorageCorrupt, StorageError
from core.exports.publishing import places, signing
from core.exports.settings import Settings
from core.redaction import redact
from core.schemas.export import PublishedFile
from core.schemas.instant import Instant
from core.store.published import Publication, publications

if TYPE_CHECKING:
    from core.store import Store

_TRIES = 20

_TRIES_CHANGED = 5
_WAIT_CHANGED_S = 0.1
"""How often, and after which pause, what is not as it was stored is stored once more."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sums:
    """What ``SHA256SUMS`` of one place holds.

    Attributes:
        text: Its lines; empty if nothing is published there.
        made_at: When the newest of the versions in it was made.
        in_the_way: The export whose own file has that name; then there are none.
    """

    text: str
    made_at: Instant = 0
    in_the_way: str = ""


def write_checksums(store: "Store", destination: str, settings: Settings) -> tuple[Receipt, ...]:
    """Bring ``SHA256SUMS`` up to date at *destination*, and return the receipt of each place that has one.

    Call it after the store knows what is published.

    Args:
        store: Where that is known.
        destination: A storage path; at ``tee://`` every place gets its own.
        settings: Whether there are checksums, and what signs them.

    Raises:
        StorageError: A place could not be written to.  The others were.
        ConfigError: The signing key cannot be used.
    """
    if not settings.sha256sums:
        return ()
    receipts: list[Receipt] = []
    done: list[str] = []
    errors: list[StorageError] = []
    for place in dict.fromkeys(places_of(destination)):
        try:
            receipt = _write(store, place, settings)
            done.append(redact(place))
        except StorageError as error:
            errors.append(error)
            continue
        if receipt is not None:
            receipts.append(receipt)
    raise_for(done, errors)
    return tuple(receipts)


def sums_of(publications: Iterable[Publication], place: str, settings: Settings) -> Sums:
    """Return what ``SHA256SUMS`` of one place holds when that is published.

    A version that was published there before its export moved stays in it until the next one is made: its file is
    still there.  Of two files of one name the one whose export publishes there now is meant.
    """
    here = places.folder(redact(place))
    known: dict[str, bool] = {}

    def is_here(path: str) -> bool:
        if path not in known:
            known[path] = here in places.folders(redact(path))
        return known[path]

    left: dict[str, PublishedFile] = {}
    now: dict[str, PublishedFile] = {}
    made_at = 0
    for item in publications:
        destination = item.destination or settings.export_path
        if any(_is_in_the_way(file.name, destination, place) for file in item.files):
            return Sums("", in_the_way=item.export)
        into = now if is_here(destination) else left if item.place and is_here(item.place) else None
        if into is not None:
            into.update((file.name, file) for file in item.files)
            made_at = max(made_at, item.made_at)
    return Sums("".join(line(name, file.sha256) for name, file in sorted((left | now).items())), made_at)


def put(storage: Storage, name: str, data: bytes) -> Receipt:
    """Store a small text; one that is there already with these bytes is left alone.

    Raises:
        StorageError: It could not be stored, or a client without a writer of its own stored something else.
    """
    digest = hashlib.sha256(data).hexdigest()
    receipt = storage.write(name, data, policy=IfChanged(), default_type=TEXT, sha256=digest)
    if receipt.outcome != "unchanged" and not hasattr(storage.client, "open_writer"):
        storage.verify(receipt)
    return receipt


def _write(store: "Store", place: str, settings: Settings) -> Receipt | None:
    # Exports of one place run at once, and each writes the lines of all.  Every one changes the store first, then
    # reads it and writes, then reads it again, and begins anew if the store says something else by then.  So whoever
    # writes last has either written what the store says in the end, or sees that it has not, and writes once more.
    storage = Storage(get_client(place))
    wanted = sums_of(publications(store), place, settings)
    receipt, changed = None, 0
    for _ in range(_TRIES):
        try:
            receipt, error = _put_sums(storage, wanted, settings), None
        except (StorageCorrupt, FileMissing) as found:
            # A client of five methods, whose work is read back: most likely another process wrote at the same time.
            error, changed = found, changed + 1
            if changed == _TRIES_CHANGED:
                raise
            time.sleep(_WAIT_CHANGED_S)
        written, wanted = wanted, sums_of(publications(store), place, settings)
        if written == wanted and error is None:
            break
    else:  # whoever changed the store just now writes, too
        _log.warning("checksums written while exports changed all the time", extra={"place": redact(place)})
    return receipt


def _put_sums(storage: Storage, sums: Sums, settings: Settings) -> Receipt | None:
    if sums.in_the_way:
        said = {"export": sums.in_the_way, "remedy": "give its file another name with yetictl export edit"}
        _log.warning(f"no checksums written: an export publishes a file of the name {places.SUMS}", extra=said)
        return None
    key = signing.key_of(settings)
    if not sums.text:
        # An empty one would be an error to sha256sum.
        storage.delete(places.SUMS)
        storage.delete(places.SUMS + places.SIGNATURE)
        return None
    data = sums.text.encode()
    receipt = put(storage, places.SUMS, data)
    if key is not None:
        said_of_it = signing.comment(sums.made_at, places.SUMS)
        put(storage, places.SUMS + places.SIGNATURE, signing.sign(data, key, said_of_it))
    return receipt


def _is_in_the_way(name: str, destination: str, place: str) -> bool:
    """Say whether that file of an export is one of ours; such a name is refused, but older exports may have it."""
    if not places.is_sums(name):
        return False
    own = places.addresses(place, places.SUMS) | places.addresses(place, places.SUMS + places.SIGNATURE)
    return bool(own & places.addresses(destination, name))


def line(name: str, sha256: str) -> str:
    """Return the line of a file."""
    # A lone - is the standard input to sha256sum.
    return f"{sha256}  {'./-' if name == '-' else name}\n"
