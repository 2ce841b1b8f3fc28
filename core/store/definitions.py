"""Exports as they are kept: add, get, list, replace, remove.

Whether a definition makes sense is decided in ``core.exports.definitions.definition``; here names are unique, and no two
exports write one file.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from core.errors import AlreadyExists, ChangedMeanwhile, NotFound
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import Instant
from core.store import definition_audit, kept_templates
from core.store.audit import note
from core.store.schema import export, export_access, export_networks, export_publication
from core.store.store import Store
from core.store.version_keys import new_key


def add_export(store: Store, definition: ExportDefinition) -> None:
    """Keep a new export.

    Raises:
        AlreadyExists: The name is taken, or another export of that destination writes that file.
    """
    with store.writing() as connection:
        if connection.execute(_named(definition.name)).first() is not None:
            raise AlreadyExists(f"there is an export {definition.name!r} already")
        _refuse_clash(connection, definition)
        _insert(connection, definition)
        _put_side_tables(connection, definition)
        definition_audit.added(connection, definition)


def replace_export(store: Store, definition: ExportDefinition, *, seen: ExportDefinition | None = None) -> None:
    """Replace the export of that name; its history stays.

    Args:
        store: Where.
        definition: What it is to be.
        seen: What it was when that was decided; ``None`` replaces it whatever it is.

    Raises:
        NotFound: There is none.
        AlreadyExists: Another export of that destination writes that file.
        ChangedMeanwhile: It is not what was *seen* any more.
    """
    with store.writing() as connection:
        put_in_place(connection, definition.name, definition, seen=seen)


def put_in_place(
    connection: Connection, name: str, definition: ExportDefinition, *, seen: ExportDefinition | None
) -> None:
    """Do as `replace_export` does, with the export *name*, in a write transaction of the caller's."""
    row = connection.execute(_named(name)).first()
    if row is None:
        raise no_export(name)
    if seen is not None and _definition(row) != seen:
        raise ChangedMeanwhile(f"somebody changed the export {name!r} meanwhile; look at it again")
    if name != definition.name:
        connection.execute(update(export).where(export.c.id == row.id).values(name=definition.name))
    _refuse_clash(connection, definition)
    _update(connection, definition)
    _put_side_tables(connection, definition)
    definition_audit.changed(connection, _definition(row), definition)


def toggle_export(store: Store, name: str, now: Instant) -> ExportDefinition:
    """Switch the export *name* on or off, whichever it is not, and return it.

    Raises:
        NotFound: There is none.
    """
    with store.writing() as connection:
        found = connection.execute(_named(name)).first()
        if found is None:
            raise no_export(name)
        changes = {"enabled": not found.enabled, "modified_at": now}
        connection.execute(update(export).where(export.c.id == found.id).values(changes))
        before = _definition(found)
        after = replace(before, enabled=not before.enabled, modified_at=now)
        definition_audit.changed(connection, before, after)
        return after


def get_export(store: Store, name: str) -> ExportDefinition:
    """Return the export *name*.

    Raises:
        NotFound: There is none.
    """
    with store.reading() as connection:
        row = connection.execute(_named(name)).first()
    if row is None:
        raise no_export(name)
    return _definition(row)


def exports(store: Store) -> list[ExportDefinition]:
    """Return all exports, by name."""
    with store.reading() as connection:
        return [_definition(row) for row in connection.execute(_exports().order_by(export.c.name))]


def remove_export(store: Store, name: str) -> ExportDefinition:
    """Forget the export *name* with its runs and versions, and return what it was; no published file is touched.

    Raises:
        NotFound: There is none.
    """
    with store.writing() as connection:
        row = connection.execute(_named(name)).first()
        if row is None:
            raise no_export(name)
        connection.execute(delete(export).where(export.c.id == row.id))
        note(connection, "export removed", name)
    return _definition(row)


@dataclass(frozen=True, slots=True)
class Replacement:
    """What several definitions are to become, all of them or none.

    Attributes:
        seen: The exports that there were when this was decided, by name.
        put: New exports, and those that change.
        remove: Names of exports to forget.
        templates: Name and text of templates to keep or to replace.
    """

    seen: Sequence[ExportDefinition]
    put: Sequence[ExportDefinition]
    remove: Sequence[str]
    templates: Mapping[str, str]


def replace_several(store: Store, wanted: Replacement, now: Instant) -> None:
    """Bring exports and templates to what is wanted; the history of those that stay stays.

    Raises:
        AlreadyExists: Somebody changed an export since it was decided, or two would write one file.
    """
    with store.writing() as connection:
        there = [_definition(row) for row in connection.execute(_exports().order_by(export.c.name))]
        if there != [*wanted.seen]:
            raise AlreadyExists("somebody changed the exports meanwhile; nothing was done, look at the plan again")
        for name, text in wanted.templates.items():
            kept_templates.keep(connection, name, text, now)
        if wanted.remove:
            connection.execute(delete(export).where(export.c.name.in_(wanted.remove)))
        for name in wanted.remove:
            note(connection, "export removed", name)
        known = {item.name: item for item in there}
        changed = [item for item in wanted.put if item.name in known]
        # Two may give their file names to each other, and at no moment may two have one.
        for item in changed:
            passing = f"/{item.name}"  # no file name begins so
            connection.execute(update(export).where(export.c.name == item.name).values(file_name=passing))
        for item in wanted.put:
            if item.name in known:
                _update(connection, item)
                definition_audit.changed(connection, known[item.name], item)
            else:
                _insert(connection, item)
                definition_audit.added(connection, item)
            _put_side_tables(connection, item)
        for item in wanted.put:
            _refuse_clash(connection, item)


def export_id(connection: Connection, name: str) -> int:
    """Return the row id of the export *name*.

    Raises:
        NotFound: There is none.
    """
    row = connection.execute(select(export.c.id).where(export.c.name == name)).first()
    if row is None:
        raise no_export(name)
    return int(row.id)


def _exports() -> Select[Any]:
    return (
        select(export, export_access.c.is_public, export_networks.c.networks, export_publication.c.deltas)
        .join(export_access, export_access.c.export_id == export.c.id, isouter=True)
        .join(export_networks, export_networks.c.export_id == export.c.id, isouter=True)
        .join(export_publication, export_publication.c.export_id == export.c.id, isouter=True)
    )


def _named(name: str) -> Select[Any]:
    return _exports().where(export.c.name == name)


def no_export(name: str) -> NotFound:
    """Return the error that there is no export *name*."""
    return NotFound(f"there is no export {name!r}; yetictl export list shows them")


def _refuse_clash(connection: Connection, definition: ExportDefinition) -> None:
    # Without regard to case: some file systems have none, and there the one would overwrite the other.
    others = connection.execute(
        select(export.c.name, export.c.file_name).where(
            export.c.destination == definition.destination,
            export.c.name != definition.name,
        )
    )
    for other, file_name in others:
        if file_name.casefold() == definition.file_name.casefold():
            raise AlreadyExists(
                f"the export {other!r} writes {file_name} there already; choose another file name (--file-name)"
            )


def _insert(connection: Connection, definition: ExportDefinition) -> None:
    key = new_key(connection, definition.name, definition.created_at)
    connection.execute(insert(export).values(_columns(definition) | {"versions_key": key}))


def _update(connection: Connection, definition: ExportDefinition) -> None:
    fixed = ("created_at", "versions_key")
    columns = {key: value for key, value in _columns(definition).items() if key not in fixed}
    connection.execute(update(export).where(export.c.name == definition.name).values(columns))


def _columns(definition: ExportDefinition) -> dict[str, Any]:
    columns = asdict(definition)
    del columns["is_public"], columns["networks"], columns["deltas"]
    for key in ("selection", "options", "limits"):
        columns[key] = json.dumps(columns[key], ensure_ascii=False, sort_keys=True)
    return columns


def _put_side_tables(connection: Connection, definition: ExportDefinition) -> None:
    found = export_id(connection, definition.name)
    connection.execute(delete(export_access).where(export_access.c.export_id == found))
    connection.execute(insert(export_access).values(export_id=found, is_public=definition.is_public))
    connection.execute(delete(export_networks).where(export_networks.c.export_id == found))
    if definition.networks:
        networks = json.dumps(definition.networks)
        connection.execute(insert(export_networks).values(export_id=found, networks=networks))
    connection.execute(delete(export_publication).where(export_publication.c.export_id == found))
    connection.execute(insert(export_publication).values(export_id=found, deltas=definition.deltas))


def _definition(row: Row[Any]) -> ExportDefinition:
    fields = dict(row._mapping)
    for key in ("id", "current_version"):
        del fields[key]
    chosen = msgspec.json.decode(fields.pop("selection"), type=Selection)
    return ExportDefinition(
        selection=chosen,
        options=json.loads(fields.pop("options")),
        limits=json.loads(fields.pop("limits")),
        is_public=bool(fields.pop("is_public")),
        networks=tuple(json.loads(fields.pop("networks") or "[]")),
        deltas=bool(fields.pop("deltas")),
        **fields,
    )
