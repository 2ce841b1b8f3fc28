"""Notices to chats and whatever else Apprise knows; imported when the first one is told, since that takes a second."""

import importlib.util
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, cached_property
from typing import Any

from core.errors import ConfigError, NotTold
from core.notices.form import plain_text, subject_line
from core.schemas.notice import Notice

_URLS = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")
_SHORT = 4
"""Parts of an address that are no longer give nothing away, and stand in many a word."""


class Chat:
    """One address of Apprise's."""

    def __init__(self, name: str, url: str, installation: str) -> None:
        """Keep where to send what."""
        self.name, self._url, self._installation = name, url, installation
        self.place = f"{url.partition('://')[0].lower()}://…"

    def tell(self, notice: Notice) -> None:
        """Send it."""
        server = self._server
        with _listening() as lines:
            is_told = server.notify(
                title=subject_line(notice, self._installation), body=plain_text(notice), body_format="text"
            )
        if not is_told:
            why = _without(self._url, "; ".join(lines)) or "Apprise does not say why"
            raise NotTold(f"{self.place} did not take it: {why}")

    @cached_property
    def _server(self) -> Any:
        import apprise

        _trust_what_others_trust()
        found = apprise.Apprise()
        with _listening():
            if not found.add(self._url):
                raise NotTold(
                    f"{self.place} is no address that Apprise understands; see notify.apprise_urls",
                    is_refusal=True,
                )
        return found


def chats(urls: str, installation: str) -> list[Chat]:
    """Return a channel for each address in *urls*, so that one that fails is tried again alone.

    Raises:
        ConfigError: Apprise is not installed, or what is there is no address.
    """
    if importlib.util.find_spec("apprise") is None:
        raise ConfigError(
            "notify.apprise_urls needs Apprise; install it, in the project's folder, with: pip install '.[notify]'"
        )
    found = _URLS.split(urls.strip(" ,"))
    if not all("://" in url for url in found):
        raise ConfigError("notify.apprise_urls must be addresses such as slack://…, with blanks between them")
    return [Chat(f"chat-{n}" if n > 1 else "chat", url, installation) for n, url in enumerate(found, 1)]


_lines: ContextVar[list[str] | None] = ContextVar("lines", default=None)
"""What Apprise said while one notice was sent; it takes its context with it into a thread of its own."""


class _Listener(logging.Handler):
    """Keeps what Apprise warns of, which is where it says why; nobody else hears it, for addresses are in it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        logger = logging.getLogger("apprise")
        logger.setLevel(logging.WARNING)
        logger.propagate = False
        logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        found = _lines.get()
        if found is not None:
            found.append(record.getMessage())


@contextmanager
def _listening() -> Iterator[list[str]]:
    _listener()
    found: list[str] = []
    before = _lines.set(found)
    try:
        yield found
    finally:
        _lines.reset(before)


@cache
def _listener() -> _Listener:
    return _Listener()


def _without(url: str, text: str) -> str:
    """Return *text* on one line, without any part of *url*: each of them may be a secret."""
    for part in sorted(set(re.split(r"[:/@?&=,]+", url)), key=len, reverse=True):
        if len(part) > _SHORT:
            text = text.replace(part, "***")
    return " ".join(text.split())[:300]


def _trust_what_others_trust() -> None:
    """Let requests, which Apprise sends with, trust ``SSL_CERT_FILE`` as everything else here does."""
    if file := os.environ.get("SSL_CERT_FILE"):
        os.environ.setdefault("REQUESTS_CA_BUNDLE", file)
