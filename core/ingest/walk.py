"""Which files an import reads."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from core.errors import UnreadableFile
from core.ingest import misp

_NOT_DATA = ("license", "licence", "copying", "readme", "changelog", "contributing", "notice", "authors")
_NOT_DATA_SUFFIXES = (".md", ".rst", ".license", ".py", ".pyc", ".sh")


def files(paths: Iterable[Path]) -> Iterator[Path | tuple[Path, UnreadableFile]]:
    """Yield every file to read: those named, and in sorted order those below the folders named.

    In folders, hidden files, pipes, devices, and what is about the data rather than data (licences, read-me
    files, scripts) is left out; a MISP feed folder gives the events that its manifest names.  A folder that cannot
    be listed, and a folder without a file, come with the reason.
    """
    for path in paths:
        if not _is_folder(path):
            yield path
            continue
        count = 0
        for found in _below(path):
            count += 1
            yield found
        if not count:
            yield path, UnreadableFile("a folder without a file to read")


def _below(folder: Path) -> Iterator[Path | tuple[Path, UnreadableFile]]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        yield folder, UnreadableFile(error.strerror or "cannot be listed")
        return
    if misp.recognises_folder(folder):
        yield from misp.feed_files(folder)
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if _is_folder(entry):
            if not entry.is_symlink():
                yield from _below(entry)
        elif _is_data(entry) and _is_file(entry):
            yield entry


# What may not even be looked at is taken for a file: whoever opens it learns why, and goes on to the next.


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _is_file(path: Path) -> bool:
    try:
        # A link to nothing is a file that was lost: a snapshot has to know.
        return path.is_file() or (path.is_symlink() and not path.exists())
    except OSError:
        return True


def _is_data(path: Path) -> bool:
    name = path.name.lower()
    is_about = name.startswith(_NOT_DATA) or ".license" in name or ".notice" in name
    return not is_about and not name.endswith(_NOT_DATA_SUFFIXES)
