"""Compare the places that exports are published to: one has many spellings."""

import os
from collections.abc import Iterable, Iterator

from core.errors import ConfigError
from core.exports.versions.deltas import SUFFIX as DELTA
from core.redaction import redact

SUMS = "SHA256SUMS"
"""The file beside published files that says what each holds."""

SIGNATURE = ".minisig"
"""What stands behind a file's name in that of its signature."""


_BESIDE = ("", DELTA, SIGNATURE, DELTA + SIGNATURE)
_OF_SUMS = (SUMS.casefold(), (SUMS + SIGNATURE).casefold())


def folder(place: str) -> str:
    """Return one spelling of *place*, a storage path that is no ``tee://``; without a slash at the end.

    Of a local folder that is its real path, with links followed; of a URL it is the URL without its options.
    """
    if is_local(place):
        # Not Path: it raises for a user that does not exist, which is the storage's to say.
        return os.path.realpath(os.path.expanduser(place))  # noqa: PTH111
    return place.partition("?")[0].rstrip("/")  # what follows are options


def folders(destination: str) -> tuple[str, ...]:
    """Return the folder of every place that *destination* names, each once; it may be a ``tee://``."""
    from core.clients.persistient_storage.several_places import places_of

    return tuple(dict.fromkeys(folder(place) for place in places_of(destination)))


def is_local(place: str) -> bool:
    """Say whether *place* is a folder of this machine, as far as its spelling tells."""
    return "://" not in place


def lies_below(inner: str, outer: str) -> bool:
    """Say whether the folder *inner* is *outer* or lies somewhere in it; both as `folder` spells them."""
    return f"{inner}/".startswith(f"{outer.rstrip('/')}/")


def public_versions(versions_path: str, destination: str) -> Iterator[tuple[str, bool]]:
    """Yield why what is kept at *versions_path* lies among what consumers of *destination* may read.

    With each, whether that is sure: a storage may let them read the one and not the other.
    """
    pairs = [
        (kept, read) for read in folders(destination) for kept in folders(versions_path) if lies_below(kept, read)
    ]
    for kept, read in pairs:
        why = f"versions are kept in {redact(kept)}, and consumers may read what is in {redact(read)}"
        is_sure = is_local(kept) or kept == read
        mend = "set system.versions_path to a place that is not below that"
        if not is_sure:
            mend = "let a policy of the storage keep them from it, or set system.versions_path"
        yield f"{why}; {mend}", is_sure


def check_versions(versions_path: str, destination: str) -> None:
    """Do nothing if what is kept of versions, reasons among it, is not published with the files.

    Raises:
        ConfigError: It would be.
    """
    for fault, is_sure in public_versions(versions_path, destination):
        if is_sure:
            raise ConfigError(fault)


def addresses(destination: str, name: str) -> set[str]:
    """Return where a file of that name is at *destination*, without regard to case.

    On some file systems the one of two names that differ in case alone would overwrite the other.
    """
    from core.clients.persistient_storage.several_places import places_of

    return {_address(place, name) for place in places_of(destination)}


def with_companions(addresses: Iterable[str]) -> set[str]:
    """Return those addresses (or names), and those of all that may be published beside such files."""
    return {address + suffix for address in addresses for suffix in _BESIDE}


def is_sums(name: str) -> bool:
    """Say whether *name* is one that only the checksums of its folder and their signature may have."""
    return name.rpartition("/")[2].casefold() in _OF_SUMS


def _address(place: str, name: str) -> str:
    if is_local(place):
        return folder(f"{place}/{name}").casefold()  # the name may lead through a link
    return f"{folder(place)}/{name}".casefold()
