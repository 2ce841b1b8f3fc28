"""Ask a WebDAV server: one session per process and thread, few retries, no redirects, credentials from variables."""

import os
import random
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.clients.persistient_storage.extras import needed
from core.clients.persistient_storage.patience import CONNECT_TIMEOUT_S, read_timeout_s
from core.clients.persistient_storage.webdav.errors import asking, is_time_out, refused
from core.errors import StoragePermissionDenied

_PAUSES_S = (0.2, 0.8)
_LONGEST_PAUSE_S = 0.4
_LONGEST_REMARK_BYTES = 1 << 16
_BUSY = frozenset({429, 502, 503, 504})
_QUESTIONS = frozenset({"GET", "HEAD", "PROPFIND"})
_CA_FILES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_PASSWORD_FILE = "YETI_WEBDAV_PASSWORD_FILE"  # noqa: S105 - a variable's name
_SETTINGS = ("YETI_WEBDAV_USER", "YETI_WEBDAV_PASSWORD", _PASSWORD_FILE, *_CA_FILES)

_local = threading.local()


def ask(
    method: str,
    url: str,
    place: str,
    *,
    allowed: Collection[int],
    headers: dict[str, str] | None = None,
    body: Any = None,
    is_streamed: bool = False,
    is_retried: bool = True,
) -> Any:
    """Send a request and return the answer, whose status is one of *allowed*.

    A server that is busy, or a connection that breaks, is tried again twice, unless *is_retried* is False; a
    server that does not answer is not. One that fails at a question is asked again, too: some fail when what they
    look at is replaced at that moment.

    Args:
        method: As in HTTP.
        url: The address, without credentials.
        place: For messages.
        allowed: Any other status is raised as an error of ours.
        headers: More than the usual ones.
        body: Bytes, or what has a length and can be iterated again.
        is_streamed: The body of the answer is not read; the caller closes the answer.
        is_retried: Whether the request may be sent twice.
    """
    requests = needed("requests", extra="webdav", scheme="webdavs://")
    request = {"method": method, "url": url, "headers": headers, "data": body}
    with asking(place):
        answer = _answered(requests, request, _PAUSES_S if is_retried else ())
        is_allowed = answer.status_code in allowed
        if not (is_allowed and is_streamed):
            _drain(answer)
        if not is_allowed:
            raise refused(answer, place)
        return answer


def _answered(requests: Any, request: dict[str, Any], pauses_s: Collection[float]) -> Any:
    """Return the answer to *request*, sent again after each pause as long as that may help."""
    session = _session(requests)
    request |= {"stream": True, "allow_redirects": False, "verify": _trusted()}
    request["timeout"] = CONNECT_TIMEOUT_S, read_timeout_s()
    for pause_s in pauses_s:
        try:
            answer = session.request(**request)
        except requests.ConnectionError as error:
            if is_time_out(error) or isinstance(error, requests.exceptions.SSLError):
                raise
        else:
            is_failed_look = answer.status_code == 500 and request["method"] in _QUESTIONS
            if answer.status_code not in _BUSY and not is_failed_look:
                return answer
            _drain(answer)
        time.sleep(pause_s)
    return session.request(**request)


def _drain(answer: Any) -> None:
    """Take what the server says besides, so that the connection can be used again; if it is too much, end that."""
    with suppress(Exception):
        answer.raw.read(_LONGEST_REMARK_BYTES)
    answer.close()


def _session(requests: Any) -> Any:
    # A child after a fork must not share sockets; changed variables mean another user, a changed file his new password.
    key = os.getpid(), tuple(os.environ.get(name) for name in _SETTINGS), _version(os.environ.get(_PASSWORD_FILE))
    if getattr(_local, "key", None) != key:
        session = requests.Session()
        session.headers["User-Agent"] = "yeti-exports"
        session.headers["Accept-Encoding"] = "identity"  # lengths are those of the stored bytes
        session.auth = _credentials()
        _local.key, _local.session = key, session
    return _local.session


def _version(file: str | None) -> tuple[int, ...] | None:
    """Return what is another one when the file was written anew or replaced."""
    if not file:
        return None
    try:
        status = Path(file).stat()
    except OSError:  # the credentials are asked for then, and say what is wrong
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _credentials() -> tuple[bytes, bytes] | None:
    """Return user and password; None leaves it to requests to look into ~/.netrc."""
    user, file = os.environ.get("YETI_WEBDAV_USER"), os.environ.get(_PASSWORD_FILE)
    password = os.environ.get("YETI_WEBDAV_PASSWORD")
    if not user:
        return None
    if not password and not file:
        raise StoragePermissionDenied(
            "YETI_WEBDAV_USER is set, but neither YETI_WEBDAV_PASSWORD_FILE nor YETI_WEBDAV_PASSWORD"
        )
    if not password and file:
        if not Path(file).is_file():
            raise StoragePermissionDenied(f"YETI_WEBDAV_PASSWORD_FILE names {file}, which is not a file")
        password = Path(file).read_text("utf-8").rstrip("\r\n")
    return user.encode(), (password or "").encode()


def _trusted() -> str | bool:
    return next((file for name in _CA_FILES if (file := os.environ.get(name))), True)


def pause(attempt: int) -> None:
    """Wait before a further attempt, a little longer each time and never as long as somebody else."""
    if attempt:
        time.sleep(random.uniform(0.5, 1) * min(0.01 * 2**attempt, _LONGEST_PAUSE_S))  # noqa: S311 - no secret
