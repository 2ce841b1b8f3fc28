"""What is around every request: an id, the address of who asks, a bound on what is sent, headers, a log line.

Written for ASGI itself: a published file streams through without being looked at.
"""

import logging
import re
import secrets
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import log
from core.api.lingering import Lingering
from core.api.slow_uploads import PatientReceive

request_id: ContextVar[str] = ContextVar("request_id", default="")

_GOOD_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_MIB = 1 << 20
_PORT = re.compile(r"(?<=[0-9\]]):[0-9]{1,5}$", re.ASCII)
_ZONE = re.compile(r"%[^]]*")
_BRACKETS = re.compile(r"\[(.*)\]")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
_log = logging.getLogger("core.api.requests")

UNKNOWN = "unknown"
"""In the place of an address, where a proxy says none that can be read: it is in no network."""

Networks = Sequence[IPv4Network | IPv6Network]
Measure = Callable[[Scope, int, float, int], None]
"""Counts a request: its scope, status, how many seconds it took, how many bytes of body were sent."""

_ASKED_ALL_THE_TIME = frozenset(("/healthz", "/readyz", "/metrics"))


class Edge:
    """The outermost layer of the application."""

    def __init__(
        self, app: ASGIApp, *, trusted: Networks, most_mib: int, grace_s: float, measure: Measure
    ) -> None:
        """Keep whom to believe about addresses, how much may be sent and how slowly, and what counts requests."""
        self._app, self._trusted, self._measure = app, trusted, measure
        self._most_mib, self._grace_s = most_mib, grace_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        own = _id_for(headers.get("x-request-id"))
        self._believe_proxies(scope, headers)
        began = time.perf_counter()
        status, sent_bytes = 500, 0
        lingering = Lingering(scope, receive, send)
        patient = PatientReceive(lingering.receive, self._grace_s)

        async def send_more(message: Message) -> None:
            nonlocal status, sent_bytes
            sent_bytes += len(message.get("body", b""))
            if message["type"] == "http.response.start":
                patient.end()
                status = message["status"]
                added = MutableHeaders(scope=message)
                added["X-Request-ID"] = own
                if "location" in added:
                    added["Location"] = _within(added["location"], headers.get("host", ""))
                for name, value in _HEADERS.items():
                    added.setdefault(name, value)
            await lingering.send(message)

        token = request_id.set(own)
        try:
            with log.bind(request=own):
                most = self._most_mib * _MIB
                await self._app(scope, bounded(scope, patient, most, self._too_large), send_more)
        finally:
            request_id.reset(token)
            took_s = time.perf_counter() - began - lingering.waited_s
            self._measure(scope, status, took_s, sent_bytes)
            is_quiet = scope["path"] in _ASKED_ALL_THE_TIME and status < 500
            level = logging.DEBUG if is_quiet else logging.INFO
            _log.log(level, "request answered", extra=_said(scope, own, status, round(took_s * 1000, 1)))

    def _believe_proxies(self, scope: Scope, headers: Headers) -> None:
        """Put the address of who asks in place of that of a proxy we trust, and its scheme.

        The last address that no proxy of ours wrote is who asked; what stands before it anybody may have written.
        Where that is no address, who asked is not known: it is never the proxy, which networks may let in.
        """
        client = scope.get("client")
        if not self._trusted or client is None or not self._is_trusted(client[0]):
            return
        hops = [hop.strip() for value in headers.getlist("x-forwarded-for") for hop in value.split(",")]
        for hop in reversed(hops):
            address = _address_of(hop)
            scope["client"] = (address, 0)
            if not self._is_trusted(address):
                break
        if headers.get("x-forwarded-proto") in ("http", "https"):
            scope["scheme"] = headers["x-forwarded-proto"]

    def _is_trusted(self, address: str) -> bool:
        return contains(self._trusted, address)

    def _too_large(self) -> HTTPException:
        return HTTPException(
            413,
            f"More than {self._most_mib} MiB are not taken (api.max_upload_mib); send less at once, "
            "or use yetictl import",
        )


def bounded(scope: Scope, receive: Receive, most_bytes: int, too_large: Callable[[], Exception]) -> Receive:
    """Return what raises for a body that is too large: before a byte of it is read, where its length is said."""
    said = Headers(scope=scope).get("content-length", "")
    taken = 0

    async def receive_less() -> Message:
        nonlocal taken
        if said.isdigit() and int(said) > most_bytes:
            raise too_large()
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most_bytes:
            raise too_large()
        return message

    return receive_less


def contains(networks: Networks, address: str) -> bool:
    """Say whether an address is in one of *networks*; an IPv4 address may be written as a mapped one."""
    try:
        found: Any = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped if mapped is not None else found
    return any(found.version == network.version and found in network for network in networks)


def _address_of(hop: str) -> str:
    """Return the address that a proxy wrote, without the port, brackets and zone that some write with it."""
    for text in (hop, _PORT.sub("", hop)):
        try:
            return str(ip_address(_BRACKETS.sub(r"\1", _ZONE.sub("", text))))
        except ValueError:
            continue
    return UNKNOWN


def _within(location: str, host: str) -> str:
    """Return an address without the host, if that is the one that was asked: anybody may have named another."""
    parts = urlsplit(location)
    return urlunsplit(("", "", parts.path, parts.query, "")) if host and parts.netloc == host else location


def _id_for(given: str | None) -> str:
    """Return the id that a proxy gave a request, if it is one that can be logged; otherwise a new one."""
    return given if given and _GOOD_ID.fullmatch(given) else secrets.token_hex(8)


def _said(scope: Scope, own: str, status: int, took_ms: float) -> dict[str, Any]:
    client = scope.get("client")
    # Without the query: a token may be in it.
    return {
        "request": own,
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "took_ms": took_ms,
        "address": client[0] if client else "",
    }
