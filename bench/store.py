"""The store and the settings that the steps share."""

from pathlib import Path

from bench.synthetic import NOW
from core.exports.settings import Settings
from core.schemas.instant import SECOND
from core.store import Store, open_store

LATER = NOW + 3_600 * SECOND


def store_of(folder: Path, name: str) -> Store:
    """Open a store of the benchmark."""
    return open_store(f"sqlite:///{folder}/{name}.db")


def settings_of(folder: Path) -> Settings:
    """Return where exports of the benchmark go."""
    return Settings(export_path=str(folder / "exports"), spool_path=folder / "spool")
