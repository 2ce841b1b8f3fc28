"""What a version added and removed, for consumers: JSON lines without sources, names or reasons.

The first line says between which versions; an entry that only became known better is none::

    {"from":6,"to":7,"file":"c2.txt","sha256":"…"}
    {"change":"added","type":"ipv4","value":"192.0.2.1"}
    {"change":"removed","type":"ipv4","value":"192.0.2.2"}

Nothing but the current version's is published: a consumer that is not at ``from`` takes the whole file.
"""

from pathlib import Path
from typing import Literal

import msgspec

from core.exports.spool import RenderedFile, SpoolFile
from core.schemas.version import ManifestRecord
from core.store.ledger.lines import ADDED, REMOVED, different

SUFFIX = ".delta.jsonl"
MEDIA_TYPE = "application/x-ndjson"
_BATCH = 1_000


class _Line(msgspec.Struct):
    """What of a line of changes is public."""

    change: Literal["added", "removed", "changed", "kept-off", "freed"]
    type: str
    value: str


_decode = msgspec.json.Decoder(_Line).decode
_encode = msgspec.json.Encoder().encode


def public_delta(record: ManifestRecord, changes: Path, folder: Path) -> RenderedFile:
    """Return the delta of a version as a file in *folder*.

    Args:
        record: Of the version.
        changes: Its changes, with reasons.
        folder: Of the spool.
    """
    first = record.files[0]
    file = SpoolFile(folder / "delta.jsonl", first.file_name + SUFFIX, MEDIA_TYPE)
    head = {"from": record.base, "to": record.number, "file": first.file_name, "sha256": first.sha256}
    file.write_bytes(_encode(head) + b"\n")
    batch = []
    with changes.open("rb") as lines:
        for found in different(map(_decode, lines)):
            if found.change in (ADDED, REMOVED):
                batch.append(_encode(found))
            if len(batch) == _BATCH:
                file.write(b"".join(line + b"\n" for line in batch).decode(), len(batch))
                batch.clear()
    file.write(b"".join(line + b"\n" for line in batch).decode(), len(batch))
    return file.finish()
