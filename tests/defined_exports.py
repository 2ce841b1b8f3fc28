"""Exports of addresses, and the addresses."""

from typing import Any

from core.exports.definitions import definition
from core.exports.settings import Settings
from core.schemas.claim import Claim
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import Instant
from core.store import Store, definitions

NOW: Instant = 1_790_000_000_000_000


def defined(store: Store, settings: Settings, name: str, **fields: Any) -> ExportDefinition:
    """Define an export and keep it."""
    given = {"selection": Selection(), "default_destination": settings.export_path, "now": NOW}
    made = definition.make(store, name, **(given | fields))
    definitions.add_export(store, made)
    return made


def addresses(*numbers: int) -> list[Claim]:
    """Claims on addresses that may be on a list."""
    return [Claim(type="ipv4", value=f"8.8.{n >> 8}.{n & 255}", source="feed", tags=("c2",)) for n in numbers]
