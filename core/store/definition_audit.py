"""What is put down of a change of an export or a template: which fields, from what to what."""

import hashlib
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from core.schemas.export import ExportDefinition
from core.store.audit import note

_NOT_TOLD = frozenset(("name", "created_at", "modified_at", "versions_key"))


def added(connection: Connection, definition: ExportDefinition) -> None:
    """Put down that there is a new export, with what is not as it is by default."""
    plain = _fields(ExportDefinition(name="", file_name=""))
    given = {key: value for key, value in _fields(definition).items() if value != plain[key]}
    note(connection, "export added", definition.name, given)


def changed(connection: Connection, before: ExportDefinition, after: ExportDefinition) -> None:
    """Put down what changed of an export; one that was only switched is told so."""
    old, new = _fields(before), _fields(after)
    changes = {key: {"from": old[key], "to": value} for key, value in new.items() if old[key] != value}
    if not changes:
        return
    action = "export changed"
    if {*changes} == {"enabled"}:
        action = "export enabled" if after.enabled else "export disabled"
    note(connection, action, after.name, changes)


def template_put(connection: Connection, name: str, before: str | None, text: str) -> None:
    """Put down that a template is new or another; its text is told by its SHA-256."""
    if before == text:
        return
    action = "template added" if before is None else "template changed"
    encoded = text.encode()
    note(connection, action, name, {"sha256": hashlib.sha256(encoded).hexdigest(), "size_bytes": len(encoded)})


def _fields(definition: ExportDefinition) -> dict[str, Any]:
    """Return the fields by name, those of the selection among them."""
    fields = asdict(definition)
    chosen = {
        key: list(value) if isinstance(value, tuple) else value for key, value in fields.pop("selection").items()
    }
    return {key: value for key, value in (fields | chosen).items() if key not in _NOT_TOLD}
