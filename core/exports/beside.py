"""What is published beside the files: signatures and checksums."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.exports.settings import Settings
from core.exports.spool import RenderedFile
from core.schemas.version import ManifestRecord

if TYPE_CHECKING:
    from core.store import Store


def publish_beside(
    store: "Store", place: str, record: ManifestRecord, files: Sequence[RenderedFile], settings: Settings
) -> None:
    """Publish them."""


def withdraw_beside(place: str, names: Sequence[str]) -> None:
    """Delete them."""


def write_checksums(store: "Store", place: str, settings: Settings) -> None:
    """Write them."""
