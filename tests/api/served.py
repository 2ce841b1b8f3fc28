"""The application, served on loopback, and somebody to ask it."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx
import uvicorn
from databases import Databases
from fastapi import FastAPI

from core.accounts import accounts, passwords
from core.api.app import create_app
from core.api.services import Services
from core.api.serving import server_config
from core.config import load
from core.errors import AlreadyExists
from core.schemas.instant import SECOND, Instant
from core.store import users

NOW = 1_790_000_000_000_000
PASSWORD = "a long enough one"


@dataclass
class Clock:
    """The time, as far as the application knows."""

    now: Instant = NOW

    def __call__(self) -> Instant:
        """Return it."""
        return self.now


@dataclass
class Api:
    """What listens, and what is behind it."""

    url: str
    services: Services
    clock: Clock
    app: FastAPI

    @property
    def database(self) -> Path:
        """Where its database is, as ``Databases`` knows it."""
        return self.services.config.home / "yeti.db"

    def key(self, role: str = "admin", *, name: str | None = None, **options: object) -> str:
        """Return a new key of a user of that role, who is made if need be."""
        username = name or role
        with self.services.store() as store:
            with suppress(AlreadyExists):
                users.add_user(store, username, role, kept_of(PASSWORD), by="test", now=self.clock.now - SECOND)
            number = len(users.keys(store, username))
            text, _ = accounts.add_key(
                store,
                username,
                f"key {number}",
                by="test",
                now=self.clock.now,
                **options,  # type: ignore[arg-type]
            )
        return text

    def client(self, role: str | None = "admin", **options: object) -> httpx.Client:
        """Return a client that asks as a user of that role; ``None``: as nobody."""
        headers = {} if role is None else {"Authorization": f"Bearer {self.key(role)}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, **options)  # type: ignore[arg-type]


@cache
def kept_of(password: str) -> str:
    """What is kept of a password; to make it takes a fifth of a second, and every client asks for a user."""
    return passwords.hashed(password)


@contextmanager
def listening(app: FastAPI, services: Services) -> Iterator[str]:
    """Serve an application on a free port of loopback for a block."""
    server = uvicorn.Server(server_config(app, services.config))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not begin"
            thread.join(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "the server did not end"


@contextmanager
def served_installation(home: Path, databases: Databases, **settings: str) -> Iterator[Api]:
    """Serve an installation in *home*, an empty folder, with settings such as ``api_max_upload_mib="1"``."""
    environ = {"YETI_HOME": str(home), "YETI_API_PORT": "0"} | databases.environ(home / "yeti.db")
    environ |= {f"YETI_{name.upper()}": value for name, value in settings.items()}
    clock = Clock()
    services = Services(load(environ, home, home), clock=clock)
    app = create_app(services)
    with listening(app, services) as url:
        yield Api(url, services, clock, app)


@contextmanager
def started(home: Path, databases: Databases, **settings: str) -> Iterator[tuple[str, Path]]:
    """Run ``yetictl api`` for a block; give its URL, and the file of what it says."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("YETI_")}
    environ |= {"YETI_HOME": str(home), "YETI_API_PORT": "0"} | databases.environ(home / "yeti.db")
    environ |= {f"YETI_{name.upper()}": value for name, value in settings.items()}
    said = home / "stderr"
    with said.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "core", "api"], env=environ, stderr=out)
    try:
        while (found := re.search(r"listening on (http://\S+);", said.read_text())) is None:
            assert process.poll() is None, said.read_text()
            time.sleep(0.05)
        yield found[1], said
        process.terminate()
        process.wait(30)
    finally:
        process.kill()
        process.wait()
