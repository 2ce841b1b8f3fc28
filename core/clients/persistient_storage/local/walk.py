"""Reach a file below a root folder, one part at a time, without ever following a symbolic link.

The root itself may be a link: that is the operator's choice.  Nothing below it may, whoever put it there.
"""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.clients.persistient_storage.border import translated
from core.clients.persistient_storage.local.metadata import forget
from core.errors import FileExists, FileMissing, InvalidFileName, InvalidStoragePath, StorageTimeout

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LOCK_WAIT_S = 10.0


def open_parent(root: Path, name: str, *, create: bool) -> tuple[int, str]:
    """Open the folder that holds (or will hold) the file, and return its descriptor and the file's last part.

    Args:
        root: The folder that all names are below.
        name: A checked name.
        create: Make the folders that are missing, durably and with the rights that the umask gives.
    """
    *folders, leaf = name.split("/")
    here = _open_root(root, create=create)
    try:
        for depth, part in enumerate(folders, 1):
            there = _open_folder(here, part, root.joinpath(*folders[:depth]), create=create)
            os.close(here)
            here = there
    except BaseException:
        os.close(here)
        raise
    return here, leaf


def meets_link(root: str, name: str) -> bool:
    """Say whether a part of the name is a symbolic link; nothing is opened."""
    place = root
    for part in name.split("/"):
        place = f"{place}/{part}"
        try:
            if stat.S_ISLNK(os.lstat(place).st_mode):
                return True
        except OSError:  # not there, nor what is below it
            return False
    return False


@contextmanager
def opened(root: Path, name: str) -> Iterator[tuple[int, int]]:
    """Open the file for reading; give its descriptor and that of the folder it is in, and close both."""
    place = root / name
    try:
        folder, leaf = open_parent(root, name, create=False)
    except FileMissing as error:
        # A folder on the way is missing; what was asked for is the file.
        raise FileMissing(f"{place}: there is no such file") from error
    try:
        descriptor = _open_leaf(folder, leaf, place)
        try:
            yield descriptor, folder
        finally:
            os.close(descriptor)
    finally:
        os.close(folder)


def open_file(root: Path, name: str) -> int:
    """Open the file for reading and return its descriptor."""
    with opened(root, name) as (descriptor, _):
        return os.dup(descriptor)


def status(root: Path, name: str) -> os.stat_result:
    """Return what the folder knows of a file, which need not be readable."""
    folder, leaf = open_parent(root, name, create=False)
    try:
        return os.stat(leaf, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        raise translated(error, str(root / name)) from error
    finally:
        os.close(folder)


def files_below(root: Path, prefix: str) -> Iterator[str]:
    """Yield the names of all files below the folder *prefix* of the root, hidden ones too, folder by folder."""
    try:
        top, _ = open_parent(root, f"{prefix}/x" if prefix else "x", create=False)
    except FileMissing:
        return
    try:
        for folder, folders, files, _ in os.fwalk(".", dir_fd=top, follow_symlinks=False, onerror=_refuse):
            folders.sort()
            above = "/".join(part for part in (prefix, folder.removeprefix(".").lstrip("/")) if part)
            for file in sorted(files):
                yield f"{above}/{file}" if above else file
    finally:
        os.close(top)


def _refuse(error: OSError) -> None:
    raise translated(error, f"the folder {error.filename}") from error


def delete(root: Path, name: str) -> None:
    """Remove the file, durably; it is fine if it is not there.  A link is removed, not followed."""
    try:
        folder, leaf = open_parent(root, name, create=False)
    except FileMissing:
        return
    try:
        before = os.stat(leaf, dir_fd=folder, follow_symlinks=False)
        os.unlink(leaf, dir_fd=folder)
        if (
            before.st_nlink == 1
        ):  # else the file goes on under another name: a killed writer was about to drop this one
            forget(before, folder)
        sync_folder(folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        if _kind(folder, leaf) == stat.S_IFDIR:
            raise FileExists(f"{root / name}: a folder of that name stands there") from error
        raise translated(error, str(root / name)) from error
    finally:
        os.close(folder)


def sync_folder(folder: int) -> None:
    """Make what was done in the folder survive a power cut, where the file system can."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP):
            raise


def lock(folder: int, place: str) -> bool:
    """Keep other writers of this program out of the folder until `unlock`; say False where there are no locks.

    Raises:
        StorageTimeout: Another process kept its lock for ten seconds.
    """
    deadline = None
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            now = time.monotonic()
            deadline = deadline or now + _LOCK_WAIT_S
            if now > deadline:
                raise StorageTimeout(f"{place}: another process keeps the folder locked") from None
            time.sleep(0.002)
        except OSError:
            return False
        else:
            return True


def unlock(folder: int) -> None:
    """Let other writers in again."""
    fcntl.flock(folder, fcntl.LOCK_UN)


def _open_root(root: Path, *, create: bool) -> int:
    try:
        try:
            return os.open(root, _FOLDER)
        except FileNotFoundError:
            if not create:
                raise
            _make_root(root)
            return os.open(root, _FOLDER)
    except (NotADirectoryError, FileExistsError) as error:
        raise InvalidStoragePath(f"{root} is not a folder") from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise InvalidStoragePath(f"the path {str(root)[:80]}… is too long for this file system") from error
        raise translated(error, str(root)) from error


def _make_root(root: Path) -> None:
    missing = []
    folder = root
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        above = os.open(folder.parent, _FOLDER)
        try:
            sync_folder(above)
        finally:
            os.close(above)


def _open_folder(here: int, part: str, place: Path, *, create: bool) -> int:
    if create:
        try:
            os.mkdir(part, dir_fd=here)
            sync_folder(here)
        except FileExistsError:
            pass
        except OSError as error:
            raise translated(error, str(place)) from error
    try:
        return os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=here)
    except OSError as error:
        if _kind(here, part) == stat.S_IFLNK:
            raise _linked(place) from None
        if error.errno == errno.ENOTDIR and not create:
            raise FileMissing(f"{place} is not a folder") from error
        raise translated(error, str(place)) from error


def _open_leaf(folder: int, leaf: str, place: Path) -> int:
    try:
        descriptor = os.open(leaf, _FILE, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _linked(place) from None
        if _kind(folder, leaf) in (None, stat.S_IFREG):
            raise translated(error, str(place)) from error
        raise _no_file(place) from error  # a socket cannot be opened at all
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _no_file(place)
    return descriptor


def _no_file(place: Path) -> FileMissing:
    return FileMissing(f"{place}: what stands there is not a file")


def _kind(folder: int, part: str) -> int | None:
    try:
        return stat.S_IFMT(os.stat(part, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return None


def _linked(place: Path) -> InvalidFileName:
    return InvalidFileName(f"{place} is a symbolic link; those are not followed below a storage folder")
