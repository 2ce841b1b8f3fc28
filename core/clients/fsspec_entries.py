"""What fsspec calls info, made of what a storage says; folders, which storages do not know, made of names."""

from collections.abc import Iterable
from typing import Any

from core.clients.persistient_storage.receipts import Stat
from core.schemas.instant import to_datetime

Entry = dict[str, Any]
"""``name``, ``size`` and ``type`` (``file`` or ``directory``), and of a file what else the storage says.

In fsspec's names there is a slash before the name that the storage knows.
"""


def file(stat: Stat) -> Entry:
    """Return the entry of a file."""
    return {
        "name": f"/{stat.name}",
        "size": stat.size_bytes,
        "type": "file",
        "etag": stat.etag,
        "sha256": stat.sha256,
        "modified": None if stat.modified_at is None else to_datetime(stat.modified_at),
        "content_type": stat.content_type,
    }


def folder(name: str) -> Entry:
    """Return the entry of a folder; of the top if *name* is empty."""
    return {"name": f"/{name}", "size": 0, "type": "directory"}


def tree(stats: Iterable[Stat], top: str, maxdepth: int | None, *, with_folders: bool) -> dict[str, Entry]:
    """Return the entries by fsspec's name of what is at *top* and below, so many levels deep.

    Args:
        stats: The files at *top* and below, as `Storage.list` gives them.
        top: A name; empty for all.
        maxdepth: 1 stands for what is right in *top*.
        with_folders: Add the folders, *top* among them if anything is below it.
    """
    top_depth = top.count("/") + 1 if top else 0
    found: dict[str, Entry] = {}
    for stat in stats:
        parts = stat.name.split("/")
        deepest = len(parts) if maxdepth is None else top_depth + maxdepth
        if with_folders:
            for depth in range(max(top_depth, 1), min(len(parts), deepest + 1)):
                name = "/".join(parts[:depth])
                found.setdefault(f"/{name}", folder(name))
        if len(parts) <= deepest:
            found[f"/{stat.name}"] = file(stat)
    return {name: found[name] for name in sorted(found)}
