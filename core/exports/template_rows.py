"""Rows as templates see them, as the JSON that goes to the process which renders.

A tag is there once, even if several sources give it: it is fresh if one of them is, and ends with the last of
them.  What was withdrawn is not there.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import msgspec

from core.schemas.instant import to_text
from core.store.rows import instant_of
from core.store.snapshot import Row, RowAssertion

CACHED = 20_000

_encode = msgspec.json.Encoder().encode
_date = lru_cache(maxsize=65_536)(to_text)


def frames(batches: Iterable[list[Row]]) -> Iterator[bytes]:
    """Yield each batch as the JSON of a list of rows; see ``template_worker.Row``."""
    encoder = _RowEncoder()
    for batch in batches:
        yield b"[" + b",".join(map(encoder.row, batch)) + b"]"


class _RowEncoder:
    """Turns rows into JSON; the texts of tags are kept, since many rows share theirs."""

    def __init__(self) -> None:
        self._shared: dict[int, tuple[list[RowAssertion], bytes]] = {}

    def row(self, row: Row) -> bytes:
        """Return one row as JSON."""
        return b'{"value":%b,"type":"%b","tags":%b,"created":"%b","modified":"%b","context":%b}' % (
            _encode(row.value),
            row.type.encode(),
            self._tags(row.tags),
            _date(row.created_at).encode(),
            _date(row.modified_at).encode(),
            row.context.encode(),
        )

    def _tags(self, assertions: list[RowAssertion]) -> bytes:
        known = self._shared.get(id(assertions))
        if known is not None and known[0] is assertions:
            return known[1]
        text = _encode([_tag(group) for group in _by_tag(assertions)])
        if len(self._shared) >= CACHED:
            self._shared.clear()
        self._shared[id(assertions)] = assertions, text
        return text


def _by_tag(assertions: Sequence[RowAssertion]) -> Iterator[list[RowAssertion]]:
    grouped: dict[str, list[RowAssertion]] = {}
    for item in assertions:
        if item.withdrawn_at is None:
            grouped.setdefault(item.tag, []).append(item)
    yield from grouped.values()


def _tag(group: list[RowAssertion]) -> dict[str, object]:
    # What is stale says nothing about a tag that another source keeps fresh.
    counted = [item for item in group if item.fresh] or group
    ends = [item.expires_at for item in counted]
    return {
        "name": group[0].tag,
        "fresh": any(item.fresh for item in group),
        "source": ", ".join(item.source for item in counted),
        "kind": counted[0].kind,
        "first_seen": min((item.first_seen for item in group if item.first_seen), key=instant_of, default=None),
        "last_seen": max((item.last_seen for item in group if item.last_seen), key=instant_of, default=None),
        "expires": None if None in ends else _date(max(end for end in ends if end is not None)),
    }
