"""Somebody who asks for what exports have, and the paths that are asked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from served import Api

from core.schemas.claim import Claim
from core.tasks.worker import Worker

EXPORTS = "/api/v2/exports"


def path_of(name: str, *more: object) -> str:
    """Return the path of an export, or of something of it."""
    return "/".join([f"{EXPORTS}/definitions/{quote(name, safe='')}", *map(str, more)])


@dataclass
class Desk:
    """Three who ask, a worker that does what they ask for, and a way to put addresses in."""

    api: Api
    reader: httpx.Client
    editor: httpx.Client
    admin: httpx.Client

    def fill(self, *numbers: int, values: Iterable[str] = (), **claim: Any) -> None:
        """Import addresses: 1 is 8.8.0.1; or other values, as *claim* says."""
        told = {"type": "ipv4", "source": "feed", "tags": ("c2",)} | claim
        values = [*values, *(f"8.8.{number >> 8}.{number & 255}" for number in numbers)]
        with self.api.services.store() as store, store.import_session(self.api.clock.now) as session:
            session.add([Claim(value=value, **told) for value in values])

    def define(self, name: str, **words: Any) -> httpx.Response:
        """Define an export of addresses."""
        answer = self.admin.post(f"{EXPORTS}/definitions", json={"name": name, "format": "list"} | words)
        assert 201 == answer.status_code, answer.text
        return answer

    def run(self, name: str) -> dict[str, Any]:
        """Ask for a run, let a worker do it, and return the job as it ended."""
        asked = self.editor.post(path_of(name, "runs"))
        assert 202 == asked.status_code, asked.text
        self.work()
        job: dict[str, Any] = self.reader.get(asked.headers["location"]).json()
        return job

    def work(self) -> None:
        """Let a worker do everything that is wanted."""
        services = self.api.services
        worker = Worker(services.open_store, services.settings, clock=self.api.clock)
        with services.store() as store:
            while worker.work(store):
                self.api.clock.now += 1_000_000
