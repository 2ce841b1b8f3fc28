"""Proxies for what is fetched, as the variables that all programs know say it."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment

from core.api.outgoing_url import Url
from core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where it listens, and what it is told of who asks."""

    place: tuple[str, int]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proxies:
    """Proxies by scheme, and under ``no`` hosts that are asked without: names with all below them, ``*`` is all."""

    urls: Mapping[str, str] = field(default_factory=dict)

    def of(self, url: Url) -> Proxy | None:
        """Return what a URL is fetched through, ``None``: nothing.

        Raises:
            ConfigError: The variable names none.
        """
        found = self.urls.get(url.scheme) or self.urls.get("all")
        if not found or _is_excepted(url, self.urls.get("no", "")):
            return None
        parts = urlsplit(found if "://" in found else f"http://{found}")
        if parts.scheme != "http" or not parts.hostname:
            raise ConfigError(f"{url.scheme.upper()}_PROXY must be http://HOST:PORT")
        headers = {}
        if parts.username is not None:
            words = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            headers["Proxy-Authorization"] = f"Basic {base64.b64encode(words).decode()}"
        return Proxy((parts.hostname, parts.port or 80), headers)


def _is_excepted(url: Url, no_proxy: str) -> bool:
    words = [
        word.strip().lower().removeprefix("*").removeprefix(".") for word in no_proxy.split(",") if word.strip()
    ]
    return "" in words or any(
        name == word or name.endswith(f".{word}") for word in words for name in (url.host, url.authority)
    )


def proxies_of_environment() -> Proxies:
    """Return what ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` say."""
    return Proxies(getproxies_environment())
