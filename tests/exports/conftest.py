"""Fixtures for the tests of exports: a store, settings, and short ways to fill and define."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from defined_exports import defined
from export_samples import NOW
from plugin_folders import in_use
from servers import S3Server, seaweedfs

from core.clients.persistient_storage import registry
from core.exports import formats
from core.exports.settings import Settings
from core.schemas.claim import Claim
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import Instant

ALLOWED = {"allow": "documentation"}


@pytest.fixture
def place(new_databases: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty store, which programs that a test starts find in their environment."""
    url = str(new_databases.at(tmp_path / "yeti.db", made=True))
    monkeypatch.setenv("YETI_DATABASE_URL", url)
    return url


@pytest.fixture
def fill(store: Any) -> Callable[..., None]:
    """Import claims: ``fill(claim(…), …)``; one session, at ``NOW`` unless ``now`` says otherwise."""

    def add(*claims: Claim, now: Instant = NOW) -> None:
        with store.import_session(now) as session:
            session.add(claims)

    return add


@pytest.fixture
def define(store: Any, settings: Settings) -> Callable[..., ExportDefinition]:
    """Define an export and keep it: ``define("name", format="list", …)``.

    It may hold documentation ranges, which is what the tests have, unless ``limits`` says otherwise.
    """

    def make(name: str, selection: Selection | None = None, **fields: Any) -> ExportDefinition:
        return defined(store, settings, name, selection=selection or Selection(), **({"limits": ALLOWED} | fields))

    return make


@pytest.fixture
def published(settings: Settings) -> Callable[[str], bytes]:
    """Return the bytes published under a name."""
    return lambda name: (Path(settings.export_path) / name).read_bytes()


@pytest.fixture
def storage_plugins(tmp_path: Path) -> Iterator[Path]:
    """A folder for storage clients of the test's own."""
    with in_use(tmp_path / "plugins" / "storage", registry.use_plugins_path) as folder:
        yield folder


@pytest.fixture
def format_plugins(tmp_path: Path) -> Iterator[Path]:
    """A folder for formats of the test's own."""
    with in_use(tmp_path / "plugins" / "formats", formats.use_plugins_path) as folder:
        yield folder


@pytest.fixture(scope="session")
def weed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server."""
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture
def s3_bucket(weed: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket; the environment points at its server."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in weed.environment().items():
        monkeypatch.setenv(name, value)
    return weed.new_bucket()
