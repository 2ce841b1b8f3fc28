"""What every export has published, in one look."""

from dataclasses import dataclass
from itertools import groupby

import msgspec
from sqlalchemy import and_, or_, select

from core.redaction import redact
from core.schemas.export import PublishedFile
from core.schemas.instant import Instant
from core.schemas.version import StoredObject
from core.store.archives import KEPT, PUBLISHING
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


@dataclass(frozen=True, slots=True)
class Claim:
    """The files that one export has published, or is about to.

    Attributes:
        export: Its name.
        destination: Where; empty is the default place.
        names: Of its files, each once.
    """

    export: str
    destination: str
    names: tuple[str, ...]


class _Defined(msgspec.Struct):
    file_name: str = ""
    destination: str = ""


class _Kept(msgspec.Struct):
    place: str
    definition: _Defined = msgspec.field(default_factory=_Defined)
    objects: tuple[StoredObject, ...] = ()

    def names(self, file_name: str) -> list[str]:
        """Return the names of the files, that of the export as it is today."""
        names = [item.file_name for item in self.objects if item.role == "file"]
        return [file_name if name == self.definition.file_name else name for name in names]


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


def claims(store: Store) -> list[Claim]:
    """Return whose files are where: of each export's current version, and of one that is being published.

    An export that is to publish at another place from now on has nothing until it does: what is left where it was
    before may be another's.
    """
    query = (
        select(export.c.name, export.c.destination, export.c.file_name, archive.c.record)
        .join(archive, archive.c.export_id == export.c.id)
        .where(
            or_(
                archive.c.state == PUBLISHING,
                and_(archive.c.state == KEPT, archive.c.number == export.c.current_version),
            )
        )
        .order_by(export.c.name, archive.c.id)
    )
    with store.reading() as connection:
        rows = connection.execute(query).all()
    found: dict[tuple[str, str], dict[str, None]] = {}
    for name, destination, file_name, record in rows:
        kept = msgspec.json.decode(record, type=_Kept)
        if kept.definition.destination == redact(destination):
            found.setdefault((name, destination), {}).update(dict.fromkeys(kept.names(file_name)))
    return [Claim(*key, tuple(names)) for key, names in found.items()]
