"""What is listed and was withdrawn: by the false-positive button, or by every source that let it in."""
# ruff: noqa: S608 - the parts of the queries are our own words and whole numbers

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from core.schemas.export import Selection
from core.schemas.instant import LATEST, Instant
from core.store import dialect
from core.store.ledger.reasons import Reasons
from core.store.ledger.states import state_at
from core.store.ledger.texts import packed
from core.store.snapshot import Snapshot

_ASKED = "temp.ledger_asked"


def withdrawn_since(
    snapshot: Snapshot,
    export_id: int,
    number: int,
    *,
    instant: Instant,
    after: Instant | None = None,
    unless: Sequence[Selection] = (),
) -> list[int]:
    """Return the row ids of what version *number* lists and is withdrawn by now, in order.

    A network that is listed in pieces is among them where it was withdrawn.

    Args:
        snapshot: The state of the store.
        export_id: Row id of the export.
        number: Of the version.
        instant: Assertions that have ended by then do not count for staying.
        after: Only what was withdrawn later than that.
        unless: With types.  What one of these takes all the same is not withdrawn: another assertion lets it in.
    """
    pieces = (
        f"SELECT observable_id FROM ledger_piece WHERE export_id = {export_id:d} AND first_version <= {number:d}"
        f" AND (last_version IS NULL OR last_version >= {number:d})"
    )
    with _asked(snapshot) as reasons:
        snapshot.connection.execute(
            f"INSERT INTO {_ASKED} (id, was) SELECT observable_id, why FROM ({state_at(export_id, number)}) s"
            f" WHERE (is_listed OR observable_id IN ({pieces})) AND observable_id IN"
            f" (SELECT a.observable_id FROM assertion a WHERE a.withdrawn_at IS NOT NULL OR {reasons.cleared()})"
        )
        return _found(snapshot, reasons, instant, after, unless)


def withdrawn_among(
    snapshot: Snapshot,
    listed: Iterable[tuple[int, bytes]],
    *,
    instant: Instant,
    unless: Sequence[Selection] = (),
) -> list[int]:
    """Return the row ids of what lines of changes list and is withdrawn by now, in order.

    Args:
        snapshot: The state of the store.
        listed: Row id and ``why`` of each line.
        instant: As in `withdrawn_since`.
        unless: As in `withdrawn_since`.
    """
    connection = snapshot.connection
    with _asked(snapshot) as reasons:
        connection.put(_ASKED, ("id", "by"), ((key, packed(why)) for key, why in listed), ignore=True)
        connection.execute(f"DELETE FROM {_ASKED} WHERE NOT {reasons.was_withdrawn(_ASKED)}")
        connection.execute(f"UPDATE {_ASKED} SET was = -id")
        rows = connection.execute(f"SELECT was, by FROM {_ASKED}").fetchall()
        return _found(snapshot, reasons, instant, None, unless, rows)


def above(snapshot: Snapshot, export_id: int, number: int, ceiling: int) -> list[int]:
    """Return the row ids of what version *number* lists, whole, and is marked above *ceiling* by now, in order."""
    if not any(tlp > ceiling for tlp in snapshot.known.tlps):
        return []
    execute = snapshot.connection.execute
    with _asked(snapshot) as reasons:
        execute(
            f"INSERT INTO {_ASKED} (id, was) SELECT observable_id, why FROM ({state_at(export_id, number)}) s"
            f" WHERE is_listed AND observable_id IN (SELECT a.observable_id FROM assertion a WHERE a.tlp > {ceiling:d})"
        )
        reasons.load_pairs(_ASKED)
        rows = execute(f"SELECT id FROM {_ASKED} WHERE {reasons.above(_ASKED, ceiling)} ORDER BY id").fetchall()
        reasons.forget_pairs()
        return [key for (key,) in rows]


def above_among(snapshot: Snapshot, listed: Iterable[tuple[int, bytes]], ceiling: int) -> list[int]:
    """Return the row ids of what lines of changes list and is marked above *ceiling* by now; see `withdrawn_among`."""
    if not any(tlp > ceiling for tlp in snapshot.known.tlps):
        return []
    connection = snapshot.connection
    with _asked(snapshot) as reasons:
        connection.put(_ASKED, ("id", "by"), ((key, packed(why)) for key, why in listed), ignore=True)
        connection.execute(f"UPDATE {_ASKED} SET was = -id")
        rows = connection.execute(f"SELECT was, by FROM {_ASKED}").fetchall()
        reasons.load_pairs(_ASKED, texts=rows)
        found = connection.execute(f"SELECT id FROM {_ASKED} WHERE {reasons.above(_ASKED, ceiling)}").fetchall()
        reasons.forget_pairs()
        return [key for (key,) in found]


@contextmanager
def _asked(snapshot: Snapshot) -> Iterator[Reasons]:
    """Give a table of what is asked for, with why it was listed, for a block."""
    execute = snapshot.connection.execute
    execute("CREATE TEMP TABLE ledger_asked (id INTEGER PRIMARY KEY, was INTEGER, by TEXT)")
    try:
        yield Reasons(snapshot.connection, snapshot.known)
    finally:
        snapshot.connection.drop(_ASKED)


def _found(
    snapshot: Snapshot,
    reasons: Reasons,
    instant: Instant,
    after: Instant | None,
    unless: Sequence[Selection],
    texts: Iterable[tuple[int, str]] = (),
) -> list[int]:
    condition = reasons.withdrawn(_ASKED, instant)
    if after is not None:
        later = max(-LATEST, after)
        condition += (
            f" AND EXISTS (SELECT 1 FROM assertion a WHERE a.observable_id = {_ASKED}.id"
            f" AND (a.withdrawn_at > {later:d} OR ({reasons.cleared()} AND a.received_at > {later:d})))"
        )
    reasons.load_pairs(_ASKED, texts=texts)
    try:
        rows = snapshot.connection.execute(f"SELECT id FROM {_ASKED} WHERE {condition} ORDER BY id")
        found = [key for (key,) in rows]
    finally:
        reasons.forget_pairs()
    for selection in unless if found else ():
        taken = _taken(snapshot, selection, instant)
        found = [key for key in found if key not in taken]
    return found


def _taken(snapshot: Snapshot, selection: Selection, instant: Instant) -> set[int]:
    """Return which of those asked for *selection* takes."""
    with snapshot.whole(selection, instant) as (plan, types):
        found = f"o.type IN ({', '.join(map(dialect.literal, types)) or 'NULL'}){plan.where}"
        if plan.picked:
            found = f"o.id IN (SELECT id FROM temp.{plan.picked})"
        query = f"SELECT o.id FROM {_ASKED} q CROSS JOIN observable o ON o.id = q.id AND {found}"
        return {key for (key,) in snapshot.connection.execute(query)}
