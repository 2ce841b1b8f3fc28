"""Fixtures for the tests of storage clients: a second drop-in folder, S3 servers, buckets."""

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clients_of_tests import FIVE_METHODS
from plugin_folders import in_use
from servers import S3Server, moto_server, seaweedfs
from small_s3 import SmallS3, small_s3

from core.clients.persistient_storage import registry

KIT_MUTANTS = Path(__file__).parent / "kit_mutants"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def within_ten_seconds() -> Iterator[None]:
    """The test fails if it takes longer; what it waits for should be far less, since machines are busy."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 10


@pytest.fixture
def unknown_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has a name below ``.invalid``, and no name server is asked, which may be slow, or away.

    Of ``unsure.invalid`` it is said that none answered.
    """
    ask = socket.getaddrinfo

    def answer(host: str | bytes | None, *rest: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host or ""
        if not name.endswith(".invalid"):
            return ask(host, *rest, **options)
        reason = socket.EAI_AGAIN if name == "unsure.invalid" else socket.EAI_NONAME
        raise socket.gaierror(reason, "as the test has it")

    monkeypatch.setattr(socket, "getaddrinfo", answer)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder to publish to."""
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


@pytest.fixture
def plugins_path(tmp_path: Path) -> Iterator[Path]:
    """A second drop-in folder, in use for this test."""
    with in_use(tmp_path / "plugins" / "storage", registry.use_plugins_path) as folder:
        yield folder


@pytest.fixture
def drop_in(plugins_path: Path) -> Callable[[str, str], Path]:
    """Drop a file into the second folder: ``drop_in("name", source)``; not as half-written."""

    def drop(name: str, source: str) -> Path:
        file = plugins_path / f"{name}.py"
        file.write_text(source, "utf-8")
        settled = time.time() - 10
        os.utime(file, (settled, settled))
        return file

    return drop


@pytest.fixture(scope="session")
def moto() -> Iterator[S3Server]:
    """The S3 emulator."""
    with moto_server() as server:
        yield server


@pytest.fixture(scope="session")
def weed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server."""
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture(params=["moto", pytest.param("weed", marks=pytest.mark.s3)])
def s3_server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """Each S3 server in turn; the environment points at it."""
    return _use(request.getfixturevalue(request.param), monkeypatch)


@pytest.fixture
def weed_server(weed: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The real S3 server; the environment points at it."""
    return _use(weed, monkeypatch)


@pytest.fixture
def moto_in_use(moto: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The S3 emulator; the environment points at it."""
    return _use(moto, monkeypatch)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallS3]:
    """An S3 server that misbehaves on demand; the environment points at it."""
    with small_s3() as server:
        _use(S3Server("small", server.url), monkeypatch)
        yield server


def _use(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture(scope="session")
def folder_of_mutants(tmp_path_factory) -> Path:
    """A drop-in folder with all clients that the conformance kit is tried on, and the one of five methods."""
    folder = tmp_path_factory.mktemp("mutants")
    for file in KIT_MUTANTS.glob("*.py"):
        shutil.copy(file, folder)
    (folder / "five.py").write_text(FIVE_METHODS, "utf-8")
    settled = time.time() - 10
    for file in folder.iterdir():
        os.utime(file, (settled, settled))
    return folder


@pytest.fixture(scope="module")
def mutants(folder_of_mutants) -> Iterator[Path]:
    """That folder, in use; reading it again for each test would take a while."""
    registry.use_plugins_path(folder_of_mutants)
    yield folder_of_mutants
    registry.use_plugins_path(None)
