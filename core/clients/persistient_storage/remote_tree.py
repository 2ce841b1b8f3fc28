"""Files in folders on a server that only answers for one folder at a time: what is there, what was left behind.

SFTP and WebDAV are both of that kind; each client gives the two questions of `Tree`, and has the rest from here.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from core.clients.persistient_storage import names
from core.clients.persistient_storage.patience import read_timeout_s, waiting_at_most
from core.clients.persistient_storage.receipts import Leftover, Stat
from core.errors import FileMissing, InvalidFileName, StorageCorrupt
from core.redaction import redact
from core.schemas.instant import Instant

_log = logging.getLogger(__name__)
_REMOVED_WITHIN_S = 2

Kind = Literal["file", "folder", "other"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a server says of one thing; ``other`` is a link, a device and the like.

    Attributes:
        name: Below the path of the client; the empty name is that path itself.
        kind: What it is.
        size_bytes: Its length, if it is a file; None where the server does not say it.
        etag: As `Stat.etag`.
        modified_at: When it was written, where that is known.
    """

    name: str
    kind: Kind
    size_bytes: int | None = None
    etag: str | None = None
    modified_at: Instant | None = None


class Tree(Protocol):
    """The two questions that a server answers."""

    def entry(self, name: str) -> Entry:
        """Say what stands at *name*.

        Raises:
            FileMissing: Nothing does.
        """

    def entries(self, folder: str) -> Iterable[Entry]:
        """Say what is in *folder*, which is a name, or empty for the path of the client.

        Raises:
            FileMissing: There is no such folder.
        """


def stat_of(tree: Tree, name: str, place: str) -> Stat:
    """Return what is stored as *name*; *place* is for messages.

    Raises:
        FileMissing: Nothing is, or it is not a file.
    """
    entry = tree.entry(names.check(name))
    if entry.kind != "file":
        raise FileMissing(f"{place}: what stands there is not a file")
    return _stat(entry, place)


def listed(tree: Tree, path: str, prefix: str) -> Iterator[Stat]:
    """Yield the file called *prefix* and all files below it; all there are if it is empty.

    Raises:
        StorageCorrupt: The server does not say how long one of them is.
    """
    if names.check_prefix(prefix):
        try:
            entry = tree.entry(prefix)
        except FileMissing:
            return
        if entry.kind == "file":
            yield _stat(entry, f"{path}/{entry.name}")
        if entry.kind != "folder":
            return
    for entry in _files(tree, prefix):
        if _is_name(entry.name):
            yield _stat(entry, f"{path}/{entry.name}")


def leftovers(tree: Tree, path: str) -> Iterator[Leftover]:
    """Yield the part files at and below *path*, which writes have left that never ended."""
    for entry in _files(tree, ""):
        if names.is_part_file(entry.name) and entry.modified_at is not None:
            location = f"{path}/{entry.name}"
            yield Leftover("part file", location, entry.name, entry.modified_at, entry.size_bytes)


def beside(name: str, token: str) -> str:
    """Return the name of the part file in the same folder as the file *name*."""
    folder, slash, _ = name.rpartition("/")
    return folder + slash + names.part_file(token)


def removing(place: str, part: str, remove: Callable[[], object], *, told: str = "") -> None:
    """Remove a part file by *remove*, without waiting long and without an error: one led here, and counts more.

    *told* is the text of that one; if the same thing stands in the way of both, nobody is warned of it besides.
    """
    try:
        with waiting_at_most(min(_REMOVED_WITHIN_S, read_timeout_s())):
            remove()
    except FileMissing:
        pass
    except Exception as error:
        level = logging.DEBUG if str(error) == told else logging.WARNING
        said = redact(str(error))
        _log.log(level, "part file could not be removed", extra={"file": place, "part": part, "reason": said})


def _files(tree: Tree, folder: str) -> Iterator[Entry]:
    try:
        found = list(tree.entries(folder))
    except FileMissing:  # nothing was ever stored here, or somebody removed it meanwhile
        return
    for entry in sorted(found, key=lambda entry: entry.name):
        if entry.kind == "file":
            yield entry
        elif entry.kind == "folder" and _is_name(entry.name):  # which also bounds how deep a server can lead
            yield from _files(tree, entry.name)


def _is_name(name: str) -> bool:
    try:
        names.check(name)
    except InvalidFileName:
        return False
    return True


def _stat(entry: Entry, place: str) -> Stat:
    if entry.size_bytes is None:
        raise StorageCorrupt(f"{place}: the server does not say how long the file is")
    return Stat(entry.name, entry.size_bytes, entry.etag, modified_at=entry.modified_at)
