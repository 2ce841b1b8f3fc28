"""Keep metadata with a local file: in an extended attribute, or beside the file where there are none.

A file beside the file is named after the state it belongs to (`etag_of`), not after the file: it is written
before the file gets its name, so that no reader meets new bytes with old metadata, and a file that somebody else
changed has lost its metadata rather than keeping those of other bytes.
"""

import errno
import hashlib
import json
import os
from contextlib import suppress

from core.clients.persistient_storage.names import metadata_file
from core.clients.persistient_storage.receipts import Metadata, default_metadata
from core.errors import UnsupportedOperation

_NO_ATTRIBUTES = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
_ATTRIBUTE = "user.yeti_exports.metadata"
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MOST_BYTES = 1 << 16

_devices: dict[int, bool] = {}


def etag_of(status: os.stat_result) -> str:
    """Return what changes whenever a local file does: its inode, its time and its size."""
    return f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"


def keep(descriptor: int, folder: int, name: str, metadata: Metadata) -> str | None:
    """Keep *metadata* with the open file, whose bytes are written, durably once the file and its folder are flushed.

    Args:
        descriptor: The file, open for writing; its time and size are final.
        folder: The folder that the file is in.
        name: The file's name; what that says by itself is not kept.
        metadata: What to keep.

    Returns:
        The name of a file beside it that was needed for that, or None.
    """
    if metadata == default_metadata(name):
        return None
    data = json.dumps({**metadata.headers(), "items": dict(metadata.items)}).encode()
    try:
        os.setxattr(descriptor, _ATTRIBUTE, data)
    except AttributeError:  # no such thing on this platform
        pass
    except OSError as error:
        if error.errno not in _NO_ATTRIBUTES:
            raise UnsupportedOperation(f"{name}: the metadata are too long for this file system") from error
    else:
        return None
    beside = name_beside(os.fstat(descriptor))
    _write(beside, folder, data)
    return beside


def found(descriptor: int, folder: int, name: str) -> Metadata:
    """Return what is kept with an open file; what its name says where nothing is."""
    try:
        data = _attribute(descriptor) or _beside(descriptor, folder)
        fields = json.loads(data)
        return Metadata.found(fields, fields.pop("items", {}))
    except (OSError, ValueError, AttributeError):  # nothing is kept, or nothing of ours
        return default_metadata(name)


def name_beside(status: os.stat_result) -> str:
    """Return the name of the file that holds the metadata of a file in this state."""
    return metadata_file(hashlib.sha256(etag_of(status).encode()).hexdigest()[:16])


def forget(status: os.stat_result | None, folder: int) -> None:
    """Remove what lies beside a file that was in this state and is no more."""
    if status is not None and not _has_attributes(status.st_dev, folder):
        with suppress(OSError):
            os.unlink(name_beside(status), dir_fd=folder)


def _has_attributes(device: int, folder: int) -> bool:
    """Say whether the file system has extended attributes; then nothing ever lies beside a file."""
    known = _devices.get(device)
    if known is None:
        try:
            os.getxattr(folder, _ATTRIBUTE)
            known = True
        except AttributeError:
            known = False
        except OSError as error:
            known = error.errno not in _NO_ATTRIBUTES
        _devices[device] = known
    return known


def _attribute(descriptor: int) -> bytes:
    try:
        return os.getxattr(descriptor, _ATTRIBUTE)
    except (OSError, AttributeError):
        return b""


def _beside(descriptor: int, folder: int) -> bytes:
    beside = os.open(name_beside(os.fstat(descriptor)), _OLD_FILE, dir_fd=folder)
    try:
        return os.read(beside, _MOST_BYTES)
    finally:
        os.close(beside)


def _write(name: str, folder: int, data: bytes) -> None:
    beside = os.open(name, _NEW_FILE, 0o666, dir_fd=folder)
    try:
        with os.fdopen(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(beside)
    except BaseException:
        with suppress(OSError):
            os.unlink(name, dir_fd=folder)
        raise
