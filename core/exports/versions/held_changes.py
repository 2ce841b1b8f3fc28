"""What the candidate of a held run would change."""

import mmap
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.exports.preview import scratch
from core.exports.settings import Settings
from core.exports.versions.archive import Archive
from core.schemas.export import ExportDefinition
from core.store.archives import Archived
from core.store.ledger.lines import Change, decode


@contextmanager
def changes_file(item: Archived, definition: ExportDefinition, settings: Settings) -> Iterator[Path | None]:
    """Give the changes of *item* as a local file of lines for a block; ``None`` if it has none.

    Raises:
        StorageError: They cannot be read.
    """
    known = item.record.first("changes")
    if known is None:
        yield None
        return
    with scratch("yeti-held-") as folder:
        yield Archive(settings.versions_path, definition).fetch_changes(known, folder)


def held_changes(
    item: Archived, definition: ExportDefinition, settings: Settings, ids: Iterable[int]
) -> list[Change]:
    """Return what *item* would change of the observables with these row ids; parts of a network are of its id.

    Raises:
        StorageError: Its changes cannot be read.
    """
    wanted = "|".join(map(str, sorted(set(ids))))
    if not wanted:
        return []
    with changes_file(item, definition, settings) as path:
        return [decode(line) for line in _lines_with(path, wanted)] if path is not None else []


def _lines_with(path: Path, ids: str) -> Iterator[bytes]:
    if not path.stat().st_size:
        return
    # In a value every quote has a backslash before it: this is found nowhere else.
    pattern = re.compile(rf'"id":(?:{ids}),"type"'.encode())
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        for found in pattern.finditer(text):
            first = text.rfind(b"\n", 0, found.start()) + 1
            last = text.find(b"\n", found.start())
            yield text[first : last if last >= 0 else len(text)]
