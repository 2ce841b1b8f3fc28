"""SQL that every database understands, made with the words of the one that is asked."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from core.store.databases.interface import Connection

DAMAGED = (
    "the database is damaged (yetictl db verify looks where); restore a backup, or move it away and import again"
)


def find_observables(connection: Connection, type_: str, values: Sequence[str]) -> Iterable[tuple[str, int, int]]:
    """Give value, id and ``sure_until`` of those of *values* that are known."""
    elements, parameter = connection.words.elements(values)
    return connection.execute(
        f"SELECT j.value, o.id, o.sure_until FROM {elements}"  # noqa: S608 (our own words)
        " CROSS JOIN observable o ON o.type = ? AND o.value = j.value",
        (parameter, type_),
    )


def find_by_ids(
    connection: Connection,
    columns: str,
    table: str,
    ids: Sequence[int] | Sequence[str] | range,
    key: str = "observable_id",
) -> Iterable[tuple[Any, ...]]:
    """Give *columns* of the rows of *table* whose *key* is one of *ids*, in the order of *ids*."""
    words = connection.words
    elements, parameter = words.elements(ids)
    query = f"SELECT {columns} FROM {elements} CROSS JOIN {table} t ON t.{key} = j.value"  # noqa: S608
    return connection.execute(query + words.in_order_of_elements, (parameter,))


def marks(values: Collection[object]) -> str:
    """Return as many parameters as there are *values*, for IN; of none nothing is found."""
    return ", ".join("?" * len(values)) or "NULL"


def literal(text: str) -> str:
    """Return *text* as SQL says it."""
    return "'" + text.replace("'", "''") + "'"
