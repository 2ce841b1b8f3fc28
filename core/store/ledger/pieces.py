"""What is listed of networks that were split around what may not be listed."""

from core.store.databases.interface import Connection
from core.store.snapshot import Piece
from core.values import types


def type_of_piece(value: str) -> str:
    """Return the type of a part of a network."""
    return types.CIDR if "/" in value else types.IPV6 if ":" in value else types.IPV4


def now_listed(connection: Connection, export_id: int) -> set[tuple[int, str]]:
    """Return the pieces that are listed: row id of the network and value."""
    query = "SELECT observable_id, value FROM ledger_piece WHERE export_id = ? AND last_version IS NULL"
    return set(connection.execute(query, (export_id,)))


def pieces_at(connection: Connection, export_id: int, number: int) -> list[Piece]:
    """Return the pieces that version *number* lists."""
    rows = connection.execute(
        "SELECT observable_id, value FROM ledger_piece"
        " WHERE export_id = ? AND first_version <= ? AND (last_version IS NULL OR last_version >= ?)"
        " ORDER BY observable_id, value",
        (export_id, number, number),
    )
    return [(key, type_of_piece(value), value) for key, value in rows]
