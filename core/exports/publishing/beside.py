"""What is published beside the files: signatures and checksums."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.exports.publishing import checksums, places, signing
from core.exports.settings import Settings
from core.exports.spool import RenderedFile
from core.schemas.version import ManifestRecord

if TYPE_CHECKING:
    from core.store import Store


def publish_beside(
    store: "Store", place: str, record: ManifestRecord, files: Sequence[RenderedFile], settings: Settings
) -> None:
    """Publish a signature for each file, and the checksums of the place; what is there already is left alone.

    Call it after the version is the current one, and again whenever something may be gone or altered: the same
    version gives the same bytes.

    Args:
        store: Where every export's current version is known.
        place: A storage path, where *files* were just published.
        record: Of their version.
        files: All that is to be signed.
        settings: Of this installation.

    Raises:
        StorageError: Something could not be stored.
        ConfigError: The signing key cannot be used.
        ExtraMissing: The library that signs is not installed.
    """
    key = signing.key_of(settings)
    if key is not None:
        storage = Storage(get_client(place))
        for file in files:
            said = signing.comment(record.made_at, file.name, export=record.export, version=record.number)
            checksums.put(storage, file.name + places.SIGNATURE, signing.sign(file.path, key, said))
    checksums.write_checksums(store, place, settings)


def kinds(settings: Settings) -> tuple[str, ...]:
    """Return what is published beside files, in words."""
    signed = ("signatures",) if settings.signing_key is not None else ()
    return (*signed, "checksums") if settings.sha256sums else signed


def withdraw_checksums(place: str) -> None:
    """Delete the checksums of a place, and their signature.

    Raises:
        StorageError: One could not be deleted.
    """
    storage = Storage(get_client(place))
    for name in (places.SUMS, places.SUMS + places.SIGNATURE):
        storage.delete(name)


def withdraw_signatures(place: str, names: Sequence[str]) -> None:
    """Delete the signatures of files of those *names*, and that of the checksums, which are not theirs any more.

    Raises:
        StorageError: One could not be deleted.
    """
    storage = Storage(get_client(place))
    for name in (*names, places.SUMS):
        storage.delete(name + places.SIGNATURE)


def withdraw_beside(place: str, names: Sequence[str]) -> None:
    """Delete what was published beside files of those *names*, but for the checksums; it is fine if nothing was.

    Raises:
        StorageError: Something could not be deleted.
    """
    storage = Storage(get_client(place))
    for name in sorted(places.with_companions(names) - set(names)):
        storage.delete(name)
