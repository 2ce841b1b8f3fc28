"""Templates as they are kept: add, get, list, replace, remove; by row id see `core.store.template_rows`."""

from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select, update

from core.errors import AlreadyExists, NotFound
from core.schemas.export import Template
from core.schemas.instant import Instant
from core.store import definition_audit
from core.store.audit import note
from core.store.schema import export, template
from core.store.store import Store


def put_template(store: Store, name: str, text: str, now: Instant, *, replace: bool = False) -> None:
    """Keep a template, checked by the caller.

    Raises:
        AlreadyExists: The name is taken, and *replace* is not set.
    """
    with store.writing() as connection:
        if not replace and connection.execute(select(template.c.id).where(template.c.name == name)).first():
            raise AlreadyExists(f"there is a template {name!r} already; --replace replaces it")
        keep(connection, name, text, now)


def get_template(store: Store, name: str) -> Template:
    """Return the template *name*.

    Raises:
        NotFound: There is none.
    """
    with store.reading() as connection:
        row = connection.execute(_templates().where(template.c.name == name)).first()
    if row is None:
        raise _no_template(name)
    return Template(*row)


def templates(store: Store) -> list[Template]:
    """Return all templates, by name."""
    with store.reading() as connection:
        return [Template(*row) for row in connection.execute(_templates().order_by(template.c.name))]


def remove_template(store: Store, name: str) -> None:
    """Forget the template *name*.

    Raises:
        NotFound: There is none.
        AlreadyExists: An export uses it.
    """
    with store.writing() as connection:
        users = connection.scalars(
            select(export.c.name).where(export.c.template == name).order_by(export.c.name)
        ).all()
        if users:
            raise AlreadyExists(f"the template {name!r} is used by the export {', '.join(users)}; edit that first")
        if not connection.execute(delete(template).where(template.c.name == name)).rowcount:
            raise _no_template(name)
        note(connection, "template removed", name)


def keep(connection: Connection, name: str, text: str, now: Instant) -> None:
    """Keep a template, instead of the one of that name if there is one, in a write transaction of the caller's."""
    before = connection.scalar(select(template.c.text).where(template.c.name == name))
    if before is None:
        connection.execute(insert(template).values(name=name, text=text, created_at=now, modified_at=now))
    else:
        connection.execute(update(template).where(template.c.name == name).values(text=text, modified_at=now))
    definition_audit.template_put(connection, name, before, text)


def _templates() -> Select[Any]:
    return select(template.c.name, template.c.text, template.c.created_at, template.c.modified_at)


def _no_template(name: str) -> NotFound:
    return NotFound(f"there is no template {name!r}; yetictl template list shows them")
