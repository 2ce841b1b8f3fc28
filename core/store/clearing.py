"""Clear a value of every suspicion, and undo that: the false-positive button.

What is claimed against the value is withdrawn, and a claim of ours says that it is benign.  That claim has a source
which nobody else can use, so that no import, no tag and no other source's opinion takes it back (decision 0071).
"""

from core.errors import NotFound
from core.schemas.claim import CLEARED_BY, Kind
from core.store import audit
from core.store.changes import ADD_OBSERVABLE, COLUMNS
from core.store.clock import tick
from core.store.conditions import CLEARED
from core.store.databases.interface import Connection
from core.store.derive import derive
from core.store.merge import BY_ITS_SOURCE, FIELDS, Stated, begun
from core.store.names import Names
from core.store.store import Store

_PUT = (
    f"INSERT INTO assertion ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
    " ON CONFLICT (observable_id, source_id, tag_id) DO UPDATE SET"
    f" {', '.join(f'{name} = excluded.{name}' for name in FIELDS)}"
)
_OURS = "source_id = (SELECT id FROM source WHERE name = ?)"


def clear(store: Store, type: str, value: str, reason: str, now: int) -> int:
    """Say that a value is harmless, and return how many assertions that withdrew.

    An observable that nobody knew is kept with our claim alone.

    Args:
        store: Where.
        type: Of the observable.
        value: The canonical value.
        reason: Kept with each assertion that is withdrawn.
        now: When.
    """
    connection = store.connect()
    try:
        with store.database.writing(connection):
            instant = tick(connection, now, store.lifetime_s)
            key = _known(connection, type, value) or _added(connection, type, value, instant)
            withdrawn = connection.execute(
                "UPDATE assertion SET withdrawn_at = ?, withdrawn_reason = ?"
                " WHERE observable_id = ? AND withdrawn_at IS NULL AND kind <> ?",
                (instant, reason, key, int(Kind.BENIGN)),
            ).rowcount
            names = Names(connection, store.lifetime_s)
            names.refresh()
            names.add_sources([CLEARED_BY])
            names.add_tags([CLEARED])
            benign = begun(Stated(int(Kind.BENIGN), None, None, None, None, None, None), instant)
            connection.execute(_PUT, (key, names.source_ids[CLEARED_BY], names.tag_ids[CLEARED], *benign))
            derive(connection, [key], instant, store.lifetime_s, modified=True)
            told = {"type": type, "assertions": withdrawn, "reason": reason}
            audit.note(connection, "observable withdrawn", value, told, now=now)
            return withdrawn
    finally:
        connection.close()


def undo(store: Store, type: str, value: str, now: int) -> int:
    """Undo `clear`, and return how many assertions count again from now on; what its source revoked stays so.

    Raises:
        NotFound: There is no such observable.
    """
    connection = store.connect()
    try:
        with store.database.writing(connection):
            instant = tick(connection, now, store.lifetime_s)
            key = _known(connection, type, value)
            if key is None:
                raise NotFound(f"there is no observable {value!r} of type {type}")
            connection.execute(f"DELETE FROM assertion WHERE observable_id = ? AND {_OURS}", (key, CLEARED_BY))  # noqa: S608
            back = connection.execute(
                "UPDATE assertion SET withdrawn_at = NULL, withdrawn_reason = NULL"
                " WHERE observable_id = ? AND withdrawn_at IS NOT NULL AND withdrawn_reason IS NOT ?",
                (key, BY_ITS_SOURCE),
            ).rowcount
            derive(connection, [key], instant, store.lifetime_s, modified=True)
            audit.note(connection, "observable reinstated", value, {"type": type, "assertions": back}, now=now)
            return back
    finally:
        connection.close()


def _known(connection: Connection, type: str, value: str) -> int | None:
    row = connection.execute("SELECT id FROM observable WHERE type = ? AND value = ?", (type, value)).fetchone()
    return None if row is None else int(row[0])


def _added(connection: Connection, type: str, value: str, instant: int) -> int:
    key = int(connection.execute("SELECT COALESCE(max(id), 0) + 1 FROM observable").fetchone()[0])
    connection.execute(ADD_OBSERVABLE, (key, type, value, instant, instant, 0, "[]", "[]"))
    return key
