"""Which versions of an export were published."""

import json
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from core.errors import NotFound
from core.schemas.export import PublishedFile, Version
from core.store.definitions import export_id
from core.store.schema import export, version, version_file
from core.store.store import Store


def insert_version(
    connection: Connection, found: int, made: Version, *, run_id: int | None, definition: dict[str, Any]
) -> None:
    """Record what was published as a version, which is the current one from here on.

    Args:
        connection: In a write transaction.
        found: Row id of the export.
        made: The version.
        run_id: Of the run that made it.
        definition: The export as it was, in JSON's terms.
    """
    connection.execute(
        insert(version).values(
            export_id=found,
            number=made.number,
            run_id=run_id,
            created_at=made.created_at,
            instant=made.instant,
            entries=made.entries,
            definition=json.dumps(definition, ensure_ascii=False, sort_keys=True),
        )
    )
    for position, file in enumerate(made.files):
        connection.execute(insert(version_file).values(_file_columns(found, made.number, position, file)))
    connection.execute(update(export).where(export.c.id == found).values(current_version=made.number))


def current_version(store: Store, name: str) -> Version | None:
    """Return the version of the export *name* that is published, ``None`` before the first.

    Raises:
        NotFound: There is no such export.
    """
    with store.reading() as connection:
        found = connection.execute(
            select(export.c.id, export.c.current_version).where(export.c.name == name)
        ).first()
        if found is None:
            raise NotFound(f"there is no export {name!r}")
        query = _versions(name).where(version.c.number == found.current_version)
        row = connection.execute(query).first()
        return None if row is None else _version(connection, name, row)


def versions(store: Store, name: str) -> list[Version]:
    """Return the versions of the export *name*, newest first.

    Raises:
        NotFound: There is no such export.
    """
    with store.reading() as connection:
        export_id(connection, name)
        rows = connection.execute(_versions(name).order_by(version.c.number.desc())).all()
        return [_version(connection, name, row) for row in rows]


def _file_columns(found: int, number: int, position: int, file: PublishedFile) -> dict[str, Any]:
    return {
        "export_id": found,
        "number": number,
        "position": position,
        "name": file.name,
        "media_type": file.media_type,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "entries": file.entries,
    }


def _versions(name: str) -> Select[Any]:
    return select(version).join(export, export.c.id == version.c.export_id).where(export.c.name == name)


def _version(connection: Connection, name: str, row: Row[Any]) -> Version:
    file = version_file.c
    rows = connection.execute(
        select(file.name, file.media_type, file.size_bytes, file.sha256, file.entries)
        .where(file.export_id == row.export_id, file.number == row.number)
        .order_by(file.position)
    )
    files = tuple(PublishedFile(*fields) for fields in rows)
    return Version(name, row.number, row.created_at, row.instant, row.entries, files)
