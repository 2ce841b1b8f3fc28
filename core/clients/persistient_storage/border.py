"""Where a client's exceptions become ours: no exception of a vendor's library passes."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from core.errors import (
    FileExists,
    FileMissing,
    InvalidFileName,
    StorageError,
    StorageFull,
    StoragePermissionDenied,
    StorageTimeout,
    StorageUnavailable,
    YetiError,
)
from core.redaction import redact

Explain = Callable[[Exception, str], StorageError]
"""Of an error and the place where it happened: the error of ours."""

_BY_NUMBER: dict[int, tuple[type[StorageError], str]] = {
    errno.ENOENT: (FileMissing, "there is no such file"),
    errno.EEXIST: (FileExists, "it is there already"),
    errno.EISDIR: (FileExists, "a folder of that name stands there"),
    errno.ENOTDIR: (FileExists, "a file stands where a folder is needed"),
    errno.EACCES: (StoragePermissionDenied, "permission denied; check the rights of file and folder"),
    errno.EPERM: (StoragePermissionDenied, "not permitted; check the rights of file and folder"),
    errno.EROFS: (StoragePermissionDenied, "the file system is read-only"),
    errno.ENOSPC: (StorageFull, "no space is left; what was stored before still stands"),
    errno.EDQUOT: (StorageFull, "the quota is used up; what was stored before still stands"),
    errno.EFBIG: (StorageFull, "the file is larger than is allowed; what was stored before still stands"),
    errno.ENAMETOOLONG: (InvalidFileName, "the name is too long for this file system"),
    errno.ETIMEDOUT: (StorageTimeout, "no answer in time"),
    errno.EIO: (StorageUnavailable, "the device failed; look into the system's log"),
    errno.ESTALE: (StorageUnavailable, "the network file system went away"),
}


class wrapped:
    """Turn whatever is raised inside a ``with`` block into an error of ours that begins with *what*.

    Our own errors pass as they are, and so do ``KeyboardInterrupt`` and its like.
    """

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Raise the error of ours instead of one of others."""
        if isinstance(error, Exception) and not isinstance(error, YetiError):
            raise translated(error, self._what) from error


@contextmanager
def asking(place: str, explained: Explain) -> Iterator[None]:
    """Turn whatever a library raises inside into the error of ours that *explained* makes of it."""
    try:
        yield
    except YetiError:
        raise
    except Exception as error:
        raise explained(error, place) from error


def translated(error: Exception, what: str) -> StorageError:
    """Return the error of ours that *error* means; its text begins with *what*."""
    what = redact(what)
    if isinstance(error, OSError) and error.errno in _BY_NUMBER:
        kind, reason = _BY_NUMBER[error.errno]
        return kind(f"{what}: {reason}")
    said = redact(str(error)) or "no reason given"
    match error:
        case FileNotFoundError():
            return FileMissing(f"{what}: there is no such file")
        case FileExistsError():
            return FileExists(f"{what}: it is there already")
        case PermissionError():
            return StoragePermissionDenied(f"{what}: {said}")
        case TimeoutError():
            return StorageTimeout(f"{what}: no answer in time")
        case ConnectionError():
            return StorageUnavailable(f"{what}: {said}")
        case OSError():
            return StorageError(f"{what}: {redact(error.strerror or said)}")
        case _:
            return StorageError(f"{what}: {type(error).__name__}: {said}")
