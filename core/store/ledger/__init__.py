"""The ledger: which observables were on which versions of an export, why, and why they left.

A row holds for as long as nothing changes: from ``first_version`` to ``last_version``, or still.  Every version has
a file of changes (`lines`), and applying that brings the ledger from the version before to it; so a run, the
release of a candidate and the end of a publication that was cut off take the same way.  Decision 0075 says why.
"""

from collections.abc import Iterator

from core.errors import NotFound
from core.store.databases.interface import Connection
from core.store.ledger.comparing import Comparison, compare
from core.store.ledger.pieces import pieces_at
from core.store.ledger.states import changes_between, state_at
from core.store.ledger.withdrawn import above, above_among, withdrawn_among, withdrawn_since
from core.store.ledger.writing import apply, prune
from core.store.snapshot import Piece, Snapshot

__all__ = [
    "Comparison",
    "above",
    "above_among",
    "apply",
    "changes_between",
    "compare",
    "export_key",
    "kept_off",
    "listed_ids",
    "pieces",
    "pieces_at",
    "prune",
    "state_at",
    "withdrawn_among",
    "withdrawn_since",
]


def export_key(connection: Connection, name: str) -> int:
    """Return the row id of the export *name*.

    Raises:
        NotFound: There is none.
    """
    row = connection.execute("SELECT id FROM export WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise NotFound(f"there is no export {name!r}")
    return int(row[0])


def listed_ids(snapshot: Snapshot, name: str, number: int) -> Iterator[int]:
    """Yield the row ids of the observables that version *number* of the export *name* lists, in order."""
    key = export_key(snapshot.connection, name)
    query = f"SELECT observable_id FROM ({state_at(key, number)}) s WHERE is_listed ORDER BY observable_id"  # noqa: S608
    for (found,) in snapshot.connection.execute(query):
        yield found


def kept_off(snapshot: Snapshot, name: str, number: int) -> Iterator[tuple[str, str, str]]:
    """Yield type, value and reason (JSON) of what was selected for version *number* and not listed, in order."""
    key = export_key(snapshot.connection, name)
    yield from snapshot.connection.execute(
        "SELECT o.type, o.value, t.text"  # noqa: S608 (whole numbers)
        f" FROM ({state_at(key, number)}) s JOIN observable o ON o.id = s.observable_id"
        " JOIN ledger_text t ON t.id = s.why WHERE NOT s.is_listed ORDER BY o.type, o.value"
    )


def pieces(snapshot: Snapshot, name: str, number: int) -> list[Piece]:
    """Return what version *number* of the export *name* lists of networks that were split."""
    return pieces_at(snapshot.connection, export_key(snapshot.connection, name), number)
