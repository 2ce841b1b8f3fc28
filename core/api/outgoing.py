"""Fetch a file by a URL that somebody named: from where it may be fetched, bounded in time and size.

The name is resolved once and the address that was checked is the one connected to, so that no second answer of a name
server leads elsewhere; each redirect is checked anew.  Nothing is sent along: no credentials, no cookies.  Failures
of the network all read alike, so that nobody learns from them which hosts and ports there are.  Decision 0098.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self
from urllib.parse import unquote, urljoin

from core import __version__
from core.api import addresses
from core.api.addresses import Networks, Resolve, addresses_of
from core.api.outgoing_proxy import Proxies
from core.api.outgoing_url import Url, parsed
from core.errors import RefusedValue, TooLarge, UnreadableFile, YetiError

MOST_REDIRECTS = 5
DEADLINE_S = 30.0
_CONNECT_S = 10.0
_CHUNK = 65_536
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be fetched.

    Attributes:
        allowed: Networks that may be reached though they are nobody's on the internet.
        most_bytes: The largest file.
        deadline_s: The longest time, redirects and all.
        proxies: What stands between here and there.
        certificates: A file of certificates to trust; empty: the system's.
    """

    allowed: Networks
    most_bytes: int
    deadline_s: float = DEADLINE_S
    proxies: Proxies = field(default_factory=Proxies)
    certificates: str = ""


def fetch(text: str, target: Path, rules: Rules, resolve: Resolve = addresses_of) -> str:
    """Store what a URL gives as *target*, and return what the file is called there.

    Args:
        text: The URL.
        target: Where it is put; what is there after an error is no file.
        rules: What may be fetched.
        resolve: Gives the addresses of a name.

    Raises:
        RefusedValue: It is no URL, or none that may be fetched.
        TooLarge: The file is.
        UnreadableFile: Nothing came, or not all of it.
    """
    until = time.monotonic() + rules.deadline_s
    url = parsed(text)
    for _ in range(MOST_REDIRECTS + 1):
        with _answer(url, rules, resolve, until) as answer:
            if answer.status not in _REDIRECTS:
                _check(answer, rules)
                with target.open("wb") as file:
                    _copy(answer, file, rules)
                if time.monotonic() > until:  # what was cut off may look as if it had ended
                    raise TimeoutError
                return unquote(url.path.rpartition("/")[2]) or url.host
            url = _next(url, answer.getheader("Location") or "")
    raise RefusedValue(f"that address leads to another one more than {MOST_REDIRECTS} times")


def _next(url: Url, location: str) -> Url:
    found = parsed(urljoin(str(url), location))
    if url.is_secure and not found.is_secure:
        raise RefusedValue("that address leads from https to http")
    return found


@contextmanager
def _answer(url: Url, rules: Rules, resolve: Resolve, until: float) -> Iterator[http.client.HTTPResponse]:
    """Ask for a URL and give the answer, whose body is still to come; at *until* the connection is cut."""
    proxy = rules.proxies.of(url)
    if proxy and url.is_name:
        address, is_barred = None, addresses.is_barred(url.host, url.port, rules.allowed, resolve)
    else:
        address = addresses.reachable(url.host, url.port, rules.allowed, resolve)
        is_barred = address is None
    if is_barred:
        raise RefusedValue(
            f"{url.host} has no address that may be fetched from: hosts of the internet, and those of "
            "api.import_networks"
        )
    connection = http.client.HTTPConnection(
        *(proxy.place if proxy else (str(address), url.port)), timeout=_CONNECT_S
    )
    with _failures_alike(url), closing(connection), _Deadline(until) as deadline:
        headers = {
            "Host": url.authority,
            "User-Agent": f"yeti-exports/{__version__}",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        path = url.target
        if proxy and url.is_secure:
            connection.set_tunnel(url.host, url.port, proxy.headers)
        elif proxy:
            path, headers = str(url), headers | proxy.headers
        connection.connect()
        deadline.watch(connection.sock)
        if url.is_secure:
            connection.sock = _context(rules).wrap_socket(connection.sock, server_hostname=url.host)
            deadline.watch(connection.sock)
        connection.request("GET", path, headers=headers)
        with closing(connection.getresponse()) as answer:
            yield answer


class _Deadline:
    """Ends a connection at an instant: a time-out of the socket begins anew with every byte."""

    def __init__(self, until: float) -> None:
        self._timer = threading.Timer(max(0.0, until - time.monotonic()), self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_over = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, connected: socket.socket) -> None:
        """End that socket when the time has come."""
        with self._lock:
            self._socket = connected
            if self._is_over:
                self._end()

    def _cut(self) -> None:
        with self._lock:
            self._is_over = True
            self._end()

    def _end(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


@contextmanager
def _failures_alike(url: Url) -> Iterator[None]:
    try:
        yield
    except YetiError:
        raise
    except ssl.SSLCertVerificationError as error:
        raise UnreadableFile(f"{url.host} has no certificate that is trusted here") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnreadableFile(f"{url.host} did not send the file, or not all of it in time") from error


def _check(answer: http.client.HTTPResponse, rules: Rules) -> None:
    if answer.status != 200:
        raise UnreadableFile(f"the server answered with status {answer.status}")
    encoding = (answer.getheader("Content-Encoding") or "identity").strip().lower()
    if encoding != "identity":
        # A few bytes may unfold to as many as one likes.
        raise UnreadableFile("the server sends the file compressed, which was not asked for")
    if answer.length is not None and answer.length > rules.most_bytes:
        raise _too_large(rules)


def _copy(answer: http.client.HTTPResponse, file: BinaryIO, rules: Rules) -> None:
    expected, taken = answer.length, 0
    while chunk := answer.read1(_CHUNK):
        taken += len(chunk)
        if taken > rules.most_bytes:
            raise _too_large(rules)
        file.write(chunk)
    if expected is not None and taken != expected:
        raise http.client.IncompleteRead(b"", expected - taken)


def _too_large(rules: Rules) -> TooLarge:
    return TooLarge(
        f"the file has more than {rules.most_bytes >> 20} MiB (api.max_upload_mib); yetictl import takes files of any size"
    )


def _context(rules: Rules) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=rules.certificates or None)
