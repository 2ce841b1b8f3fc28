"""What a WebDAV server or requests says, as an error of ours with the remedy in it."""

from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

from core.clients.persistient_storage import border
from core.clients.persistient_storage.border import translated
from core.errors import (
    FileExists,
    FileMissing,
    InvalidFileName,
    InvalidStoragePath,
    StorageError,
    StorageFull,
    StoragePermissionDenied,
    StorageTimeout,
    StorageUnavailable,
    UnsupportedOperation,
)

_WHO = "set YETI_WEBDAV_USER and YETI_WEBDAV_PASSWORD_FILE (or YETI_WEBDAV_PASSWORD), or see ~/.netrc"
_NO_DAV = "what answers there does not offer WebDAV; check host, port and folder"

_BY_STATUS: dict[int, tuple[type[StorageError], str]] = {
    401: (StoragePermissionDenied, f"the server does not let this user in; {_WHO}"),
    403: (StoragePermissionDenied, "the server refused; the user lacks the right, or the place is read-only"),
    404: (FileMissing, "there is no such file"),
    405: (InvalidStoragePath, _NO_DAV),
    407: (StoragePermissionDenied, "the proxy wants a user and password; see HTTP_PROXY and HTTPS_PROXY"),
    409: (FileExists, "a file stands where a folder is needed"),
    410: (FileMissing, "there is no such file"),
    413: (StorageFull, "the file is larger than the server allows; what was stored before still stands"),
    414: (InvalidFileName, "the name is too long for the server"),
    423: (StorageUnavailable, "somebody has locked the file on the server; try again later"),
    501: (UnsupportedOperation, _NO_DAV),
    507: (StorageFull, "no space is left on the server; what was stored before still stands"),
}


def asking(place: str) -> AbstractContextManager[None]:
    """Turn whatever requests raises inside into an error of ours about *place*."""
    return border.asking(place, explained)


def refused(answer: Any, place: str) -> StorageError:
    """Return the error of ours that the *answer* means; of what the server says only the status is repeated."""
    status: int = answer.status_code
    if 300 <= status < 400:
        # Following would hand the password to whoever is named there.
        to = urlsplit(answer.headers.get("Location", ""))
        where = f" ({to.scheme}://{to.hostname})" if to.hostname else ""
        return InvalidStoragePath(f"{place}: the server points elsewhere{where}; give that as the path")
    if status in _BY_STATUS:
        kind, reason = _BY_STATUS[status]
        return kind(f"{place}: {reason} (status {status})")
    if status >= 500 or status == 429:
        return StorageUnavailable(f"{place}: the server is busy or failing; try again later (status {status})")
    return StorageError(f"{place}: the server refused with status {status}")


def explained(error: Exception, place: str) -> StorageError:
    """Return the error of ours that *error* means."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if is_time_out(error):
        return StorageTimeout(f"{place}: no answer in time")
    if "SSLError" in kinds:
        said = str(error)
        if "WRONG_VERSION_NUMBER" in said or "record layer" in said:
            return StorageUnavailable(f"{place}: what answers does not speak https; is it webdav:// instead?")
        return StorageUnavailable(f"{place}: the server's certificate is not trusted; see REQUESTS_CA_BUNDLE")
    if "ProxyError" in kinds:
        return StorageUnavailable(f"{place}: the proxy does not answer; see HTTP_PROXY, HTTPS_PROXY and NO_PROXY")
    if "ConnectionError" in kinds:
        return StorageUnavailable(f"{place}: no connection, or it broke; check host, port and network")
    if "ChunkedEncodingError" in kinds or type(error).__module__.startswith("urllib3."):
        return StorageUnavailable(f"{place}: the connection ended early")
    if isinstance(error, OSError) and "CA certificate bundle" in str(error):
        return StorageUnavailable(f"{place}: REQUESTS_CA_BUNDLE or SSL_CERT_FILE names a file that is not there")
    if "RequestException" in kinds:  # its text may quote headers
        return StorageError(f"{place}: the request could not be made ({type(error).__name__})")
    return translated(error, place)


def is_time_out(error: BaseException | None) -> bool:
    """Say whether it means that the server did not answer in time; the reason may lie underneath."""
    while error is not None:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if (
            kinds & {"Timeout", "TimeoutError"} and "NewConnectionError" not in kinds
        ):  # which only inherits from it
            return True
        reasons = [part for part in (*error.args, getattr(error, "reason", None)) if isinstance(part, Exception)]
        error = reasons[-1] if reasons else error.__cause__
    return False
