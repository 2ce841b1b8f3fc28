"""Exports and consumers of an installation that is served."""

import gzip
from dataclasses import dataclass, replace
from typing import Any

import httpx
import zstandard
from defined_exports import defined
from served import Api

from core.accounts import consumers
from core.exports.run import run_export
from core.exports.run_result import RunResult
from core.schemas.claim import Claim
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import SECOND
from core.store import definitions

FILES = "/exports"
ANY_LIMITS = {"allow": "benchmarking", "loss": "off", "growth": "off", "space": "off", "dropped": "off"}


def addresses(number: int, *, first: int = 0) -> list[str]:
    """So many addresses, in the order of their text."""
    return [f"198.{18 + n // 65536}.{n // 256 % 256}.{n % 256}" for n in range(first, first + number)]


def paths(number: int) -> list[str]:
    """So many paths of 240 characters: a long list of few observables."""
    return [f"/srv/{n:06}/{'x' * 228}" for n in range(number)]


def text_of(values: list[str]) -> bytes:
    """The list that has them."""
    return "".join(f"{value}\n" for value in sorted(values)).encode()


def unpacked(answer: httpx.Response, raw: bytes) -> bytes:
    """What is in a body, as its coding says."""
    match answer.headers.get("content-encoding"):
        case "gzip":
            return gzip.decompress(raw)
        case "zstd":
            return zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    return raw


@dataclass
class Publisher:
    """Publishes lists of addresses, and lets consumers in."""

    api: Api

    def define(self, name: str, **fields: Any) -> ExportDefinition:
        """Define an export of what is tagged with its name."""
        with self.api.services.store() as store:
            given = {
                "selection": Selection(types=("ipv4",), include=(name,)),
                "format": "list",
                "limits": ANY_LIMITS,
                "now": self.api.clock.now,
            }
            return defined(store, self.api.services.settings, name, **(given | fields))

    def edit(self, name: str, **fields: Any) -> None:
        """Change an export."""
        with self.api.services.store() as store:
            definitions.replace_export(store, replace(definitions.get_export(store, name), **fields))

    def run(self, name: str, values: list[str] | None = None, *, type_: str = "ipv4") -> RunResult:
        """Let an export list just these, a second later than all that was before."""
        self.api.clock.now += 2 * SECOND
        now = self.api.clock.now
        with self.api.services.store() as store:
            if values is not None:
                with store.import_session(now) as session:
                    session.add(Claim(type=type_, value=value, source=name, tags=(name,)) for value in values)
                    session.end_unlisted(name)
            self.api.clock.now += SECOND
            result = run_export(store, name, self.api.services.settings, now=self.api.clock.now)
        assert result.status == "completed", result.message
        return result

    def publish(self, name: str, values: list[str], *, type_: str = "ipv4", **fields: Any) -> bytes:
        """Define an export, run it, and return what it publishes."""
        self.define(name, selection=Selection(types=(type_,), include=(name,)), **fields)
        self.run(name, values, type_=type_)
        return text_of(values)

    def consumer(self, name: str = "firewall", *exports: str, **fields: Any) -> str:
        """Add a consumer, and return a token of it."""
        with self.api.services.store() as store:
            consumers.add(store, name, exports=exports, by="test", now=self.api.clock.now, **fields)
        return self.token(name)

    def token(self, name: str, **fields: Any) -> str:
        """Return a new token of a consumer."""
        with self.api.services.store() as store:
            return consumers.add_token(store, name, by="test", now=self.api.clock.now, **fields)[0]

    def client(self, token: str | None = None, **fields: Any) -> httpx.Client:
        """Return a client that sends a token as Bearer, takes no codings, and undoes none."""
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {token}"} if token else {})
        return httpx.Client(base_url=self.api.url, headers=headers, timeout=30, **fields)
