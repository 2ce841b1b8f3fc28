"""What every export has published, in one look."""

from dataclasses import dataclass
from itertools import groupby

import msgspec
from sqlalchemy import and_, select

from core.schemas.export import PublishedFile
from core.schemas.instant import Instant
from core.store.archives import KEPT
from core.store.schema import archive, export, version, version_file
from core.store.store import Store


@dataclass(frozen=True, slots=True)
class Publication:
    """The current version of one export.

    Attributes:
        export: Its name.
        destination: Where it is published from now on; empty is the default place.
        place: Where this version was published, without passwords; empty where that is not known.
        made_at: When the version was made.
        files: Its files.
    """

    export: str
    destination: str
    place: str
    made_at: Instant
    files: tuple[PublishedFile, ...]


class _Kept(msgspec.Struct):
    place: str


def publications(store: Store) -> list[Publication]:
    """Return the current version of every export that has one, by name; all of one moment."""
    query = (
        select(
            export.c.name,
            export.c.destination,
            archive.c.record,
            version.c.created_at,
            version_file.c.name.label("file_name"),
            version_file.c.media_type,
            version_file.c.size_bytes,
            version_file.c.sha256,
            version_file.c.entries,
        )
        .join(version, and_(version.c.export_id == export.c.id, version.c.number == export.c.current_version))
        .join(
            version_file,
            and_(version_file.c.export_id == version.c.export_id, version_file.c.number == version.c.number),
        )
        .outerjoin(
            archive,
            and_(
                archive.c.export_id == version.c.export_id,
                archive.c.number == version.c.number,
                archive.c.state == KEPT,
            ),
        )
        .order_by(export.c.name, version_file.c.position)
    )
    with store.reading() as connection:
        rows = connection.execute(query).all()
    found = []
    for (name, destination, record, made_at), files in groupby(rows, lambda row: row[:4]):
        place = msgspec.json.decode(record, type=_Kept).place if record else ""
        found.append(
            Publication(name, destination, place, made_at, tuple(PublishedFile(*row[4:]) for row in files))
        )
    return found
