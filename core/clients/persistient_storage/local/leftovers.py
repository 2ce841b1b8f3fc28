"""Find what killed writers have left in a folder: hidden files that belong to nothing."""

import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from core.clients.persistient_storage.local.metadata import name_beside
from core.clients.persistient_storage.local.walk import files_below
from core.clients.persistient_storage.names import METADATA_FILE, PART_FILE
from core.clients.persistient_storage.receipts import Leftover


def below(root: Path) -> Iterator[Leftover]:
    """Yield them, in the order of their names."""
    for folder, names in groupby(files_below(root, ""), lambda name: name.rpartition("/")[0]):
        statuses = {name: status for name in names if (status := _status(root / name)) is not None}
        belonging = {f"{folder}/{name_beside(status)}".lstrip("/") for status in statuses.values()}
        for name, status in statuses.items():
            leaf = name.rpartition("/")[2]
            if PART_FILE.fullmatch(leaf):
                yield Leftover("part file", str(root / name), name, status.st_mtime_ns // 1_000, status.st_size)
            elif METADATA_FILE.fullmatch(leaf) and name not in belonging:
                yield Leftover(
                    "metadata file", str(root / name), name, status.st_mtime_ns // 1_000, status.st_size
                )


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:  # gone since
        return None
