"""A store, settings and exports for workers."""

import pytest

from core.exports.definitions import definition
from core.exports.settings import Settings
from core.schemas.claim import Claim
from core.schemas.export import Selection
from core.store import definitions, open_store

NOW = 1_790_000_000_000_000


@pytest.fixture
def place(new_databases, tmp_path):
    """The address of a store of the test's own."""
    return new_databases.at(tmp_path / "yeti.db", made=True)


@pytest.fixture
def store(place):
    """That store."""
    with open_store(place) as opened:
        yield opened


@pytest.fixture
def settings(tmp_path):
    """The settings of an installation below the test's folder."""
    return Settings(export_path=str(tmp_path / "published"), spool_path=tmp_path / "spool")


@pytest.fixture
def define(store, settings):
    """Define an export of addresses: ``define("x", schedule="every:60")``."""

    def make(name, **fields):
        made = definition.make(
            store,
            name,
            **(
                {
                    "format": "list",
                    "selection": Selection(),
                    "default_destination": settings.export_path,
                    "now": NOW,
                    "limits": {},
                }
                | fields
            ),
        )
        definitions.add_export(store, made)
        return made

    return make


@pytest.fixture
def fill(store):
    """Import addresses."""

    def add(*numbers, now=NOW):
        with store.import_session(now) as session:
            session.add(
                [Claim(type="ipv4", value=f"8.8.{n >> 8}.{n & 255}", source="feed", tags=("c2",)) for n in numbers]
            )

    return add
