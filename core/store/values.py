"""Types and values alone, many at a time: for formats that look at nothing else."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, nullcontext
from heapq import merge
from itertools import groupby
from operator import itemgetter

from core.store.databases.interface import Connection
from core.store.lines import Column, Lines, Opened
from core.store.plan import Plan
from core.values.types import RULE

BATCH = 5_000


def read_values(connection: Connection, opened: Callable[[], Opened]) -> Iterator[tuple[str, list[str]]]:
    """Yield types, each with some thousand values, in order.

    Args:
        connection: In the transaction of a snapshot.
        opened: Gives the way to what is selected, and the types, for a block.
    """
    with opened() as (plan, types):
        if plan.picked:
            query = (
                f"SELECT o.type, o.value FROM temp.{plan.picked} p"  # noqa: S608 (our own name)
                " CROSS JOIN observable o ON o.id = p.id ORDER BY p.n"
            )
            yield from _scanned(connection, query)
            return
        for type_ in types:
            if type_ == RULE:  # the only type whose values may hold a line break (core.values.characters)
                query = f"SELECT o.type, o.value FROM observable o WHERE o.type = ?{plan.where}"  # noqa: S608
                yield from _scanned(connection, f"{query} ORDER BY o.type, o.value", type_)
            else:
                yield from ((type_, values) for values in _joined(connection, plan, type_))


def with_pieces(
    batches: Iterator[tuple[str, list[str]]], pieces: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, list[str]]]:
    """Put *pieces*, types and values in order, where they belong."""
    waiting = deque(pieces)
    for type_, values in batches:
        while waiting and waiting[0][0] < type_:
            piece_type, piece = waiting.popleft()
            yield piece_type, [piece]
        due = []
        while waiting and waiting[0] <= (type_, values[-1]):
            due.append(waiting.popleft()[1])
        yield type_, list(merge(values, due)) if due else values
    for piece_type, piece in waiting:
        yield piece_type, [piece]


def _scanned(connection: Connection, query: str, *values: str) -> Iterator[tuple[str, list[str]]]:
    with closing(connection.scan(query, values)) as rows:
        while batch := rows.fetchmany(BATCH):
            for type_, found in groupby(batch, itemgetter(0)):
                yield type_, [value for _, value in found]


def _joined(connection: Connection, plan: Plan, type_: str) -> Iterator[list[str]]:
    """Let the database join values, and take them apart again: a fifth of the time of a row for each."""
    way: Sequence[str | Column] = (Column.VALUE, "\n")
    with closing(Lines(connection, lambda: nullcontext((plan, (type_,))), way)) as lines:
        for chunk in lines:
            values = chunk.split("\n")
            values.pop()
            yield values
