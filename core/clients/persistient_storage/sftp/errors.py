"""What an SSH server or paramiko says, as an error of ours with the remedy in it."""

from contextlib import AbstractContextManager
from functools import partial

from core.clients.persistient_storage import border
from core.clients.persistient_storage.border import translated
from core.errors import (
    StorageError,
    StorageFull,
    StoragePermissionDenied,
    StorageTimeout,
    StorageUnavailable,
    UnsupportedOperation,
)
from core.redaction import redact

_KEYS = "see YETI_SFTP_KEY_FILE, YETI_SFTP_PASSWORD_FILE, the SSH agent and ~/.ssh"
_TIME_OUTS = ("No existing session", "Authentication timeout.", "Timeout opening channel.", "Timeout.")
_FULL = "the server could not write; no space or quota may be left there; what was stored before still stands"


def asking(place: str, *, is_writing: bool = False) -> AbstractContextManager[None]:
    """Turn whatever paramiko raises inside into an error of ours about *place*."""
    return border.asking(place, partial(explained, is_writing=is_writing))


def explained(error: Exception, place: str, *, is_writing: bool = False) -> StorageError:
    """Return the error of ours that *error* means.

    The protocol has one word, "Failure", for a full disk, a used-up quota and all else; while a file is being
    written it is most likely the disk.
    """
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "BadHostKeyException" in kinds:
        return StoragePermissionDenied(
            f"{place}: the server's host key is not the one in the file of known hosts; somebody may be posing as "
            "the server; if it was really changed, remove the old line with ssh-keygen -R"
        )
    if "PasswordRequiredException" in kinds:
        return StoragePermissionDenied(f"{place}: the key is locked by a passphrase; load it into an SSH agent")
    if _is_time_out(error):
        return StorageTimeout(f"{place}: no answer in time")
    if "AuthenticationException" in kinds or "No authentication methods" in str(error):
        return StoragePermissionDenied(f"{place}: the server did not let this user in; {_KEYS}")
    if "NoValidConnectionsError" in kinds:
        return StorageUnavailable(f"{place}: nothing answers there; check host, port and network")
    if "gaierror" in kinds:
        return StorageUnavailable(f"{place}: there is no such host, or the name service is away")
    if isinstance(error, EOFError) or "SSHException" in kinds or _is_closed(error):
        return StorageUnavailable(f"{place}: the connection broke or is no SSH connection ({_said(error)})")
    if isinstance(error, OSError) and error.errno is None:
        if "unsupported" in _said(error).lower():
            return UnsupportedOperation(
                f"{place}: the server lacks a request that is needed, such as posix-rename"
            )
        if is_writing:
            return StorageFull(f"{place}: {_FULL}")
        return StorageError(f"{place}: the server refused, and says only: {_said(error)}")
    return translated(error, place)


def _is_time_out(error: BaseException | None) -> bool:
    """Say whether it means that the server did not answer in time; paramiko may say so only underneath."""
    while error is not None:
        if isinstance(error, TimeoutError) or str(error) in _TIME_OUTS:
            return True
        error = error.__context__
    return False


def _is_closed(error: Exception) -> bool:
    return isinstance(error, OSError) and "Socket is closed" in str(error)


def _said(error: Exception) -> str:
    return redact(str(error)) or type(error).__name__
