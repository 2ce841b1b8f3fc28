"""Templates by row id, as Yeti's clients name them."""

from dataclasses import dataclass

from sqlalchemy import select, update

from core.errors import AlreadyExists, NotFound
from core.schemas.instant import Instant
from core.store import definition_audit
from core.store.audit import note
from core.store.schema import export, template
from core.store.store import Store


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A template with its row id."""

    id: int
    name: str
    text: str


def get(store: Store, key: int) -> TemplateRow:
    """Return the template of a row id.

    Raises:
        NotFound: There is none.
    """
    with store.reading() as connection:
        row = connection.execute(select(template).where(template.c.id == key)).first()
    if row is None:
        raise NotFound(f"there is no template with the id {key}")
    return TemplateRow(row.id, row.name, row.text)


def named(store: Store, name: str) -> TemplateRow | None:
    """Return the template *name*, ``None`` if there is none."""
    with store.reading() as connection:
        row = connection.execute(select(template).where(template.c.name == name)).first()
    return None if row is None else TemplateRow(row.id, row.name, row.text)


def find(store: Store, text: str) -> list[TemplateRow]:
    """Return the templates with *text* in the name, by name."""
    with store.reading() as connection:
        rows = connection.execute(select(template).order_by(template.c.name))
        return [TemplateRow(row.id, row.name, row.text) for row in rows if text in row.name]


def change(store: Store, key: int, name: str, text: str, now: Instant) -> None:
    """Replace name and text of a template, checked by the caller; exports that use it follow the name.

    Raises:
        NotFound: There is none of that row id.
        AlreadyExists: Another one has that name.
    """
    with store.writing() as connection:
        row = connection.execute(select(template).where(template.c.id == key)).first()
        if row is None:
            raise NotFound(f"there is no template with the id {key}")
        taken = select(template.c.id).where(template.c.name == name, template.c.id != key)
        if connection.execute(taken).first() is not None:
            raise AlreadyExists(f"there is a template {name!r} already")
        connection.execute(
            update(template).where(template.c.id == key).values(name=name, text=text, modified_at=now)
        )
        definition_audit.template_put(connection, row.name, row.text, text)
        if row.name != name:
            connection.execute(update(export).where(export.c.template == row.name).values(template=name))
            note(connection, "template renamed", row.name, {"to": name})
