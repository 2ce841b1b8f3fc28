"""What servers answer and connections suffer, as errors of ours, for storages that are reached by HTTP."""

from collections.abc import Mapping

from core.clients.persistient_storage.border import translated
from core.errors import (
    FileMissing,
    PreconditionFailed,
    StorageError,
    StorageFull,
    StoragePermissionDenied,
    StorageTimeout,
    StorageUnavailable,
    UnsupportedOperation,
)

Meaning = tuple[type[StorageError], str]

_BY_STATUS: dict[int, Meaning] = {
    401: (StoragePermissionDenied, "the credentials are missing, wrong or expired"),
    403: (StoragePermissionDenied, "the credentials lack the right"),
    404: (FileMissing, "there is no such file"),
    408: (StorageTimeout, "the server waited too long for the bytes; try again"),
    410: (StorageUnavailable, "the server forgot the upload; try again"),
    412: (PreconditionFailed, "the file was changed by somebody else"),
    413: (StorageFull, "the file is larger than the server takes; what was stored before still stands"),
    501: (UnsupportedOperation, "the server does not offer this"),
    507: (StorageFull, "no space is left on the server; what was stored before still stands"),
}
_BUSY = "the server is busy or failing; try again later"
_TIME_OUTS = {"ConnectTimeout", "ReadTimeout", "ConnectTimeoutError", "ReadTimeoutError"}
_TIME_OUTS |= {"Timeout", "ServiceRequestTimeoutError", "ServiceResponseTimeoutError"}
_AWAY = {"ConnectionError", "ProtocolError", "IncompleteRead", "IncompleteReadError", "ChunkedEncodingError"}
_AWAY |= {"ServiceRequestError", "ServiceResponseError", "TransportError"}


def answered(place: str, status: int, code: str, own: Mapping[str, Meaning]) -> StorageError:
    """Return what an answer means; *own* holds the meanings of a storage's codes, or statuses as text.

    Of the server only its code is repeated: its text may quote what was sent.
    """
    meaning = own.get(code) or own.get(str(status)) or _BY_STATUS.get(status)
    said = f" ({code})" if code and code.isalnum() and len(code) < 80 else ""
    if meaning is None and (status >= 500 or status == 429):
        meaning = StorageUnavailable, _BUSY
    kind, reason = meaning or (StorageError, f"the server refused with status {status}")
    return kind(f"{place}: {reason}{said}")


def suffered(error: Exception, place: str, server: str) -> StorageError:
    """Return what an error without an answer means; *server* is what to check if it cannot be reached."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & _TIME_OUTS:
        return StorageTimeout(f"{place}: no answer in time; check {server} and the network")
    if kinds & _AWAY:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return StorageUnavailable(f"{place}: the server's certificate is not trusted; check {server}")
        return StorageUnavailable(f"{place}: the server could not be reached; check {server} and the network")
    return translated(error, place)
