"""Rows as templates see them, as the JSON that goes to the process which renders.

A tag is there once, even if several sources give it: it is fresh if one of them is, and ends with the last of
them.  What was withdrawn is not there.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

import msgspec

from core.schemas.instant import to_text
from core.store.rows import instant_of
from core.store.snapshot import Row, RowAssertion

CACHED = 5_000

_encode = msgspec.json.Encoder().encode
_date = lru_cache(maxsize=65_536)(to_text)


def frames(batches: Iterable[list[Row]], *, only_names: bool = False) -> Iterator[bytes]:
    """Yield each batch as the JSON of a list of rows, see ``template_worker.Row``; of tags perhaps only the names."""
    encoder = _RowEncoder(_name if only_names else _tag)
    for batch in batches:
        yield f"[{','.join(map(encoder.row, batch))}]".encode()


class _RowEncoder:
    """Turns rows into JSON; the texts of tags are kept, since many rows share theirs."""

    def __init__(self, tag: Callable[[RowAssertion], str]) -> None:
        self._tag = tag
        self._shared: dict[int, tuple[list[RowAssertion], str]] = {}

    def row(self, row: Row) -> str:
        """Return one row as JSON."""
        return (
            f'{{"value":{_encode(row.value).decode()},"type":"{row.type}","tags":[{self._tags(row.tags)}],'
            f'"created":"{_date(row.created_at)}","modified":"{_date(row.modified_at)}","context":{row.context}}}'
        )

    def _tags(self, assertions: list[RowAssertion]) -> str:
        known = self._shared.get(id(assertions))
        if known is not None and known[0] is assertions:
            return known[1]
        # In order of tags, then sources: those of one tag are neighbours.
        text = ",".join(map(self._tag, assertions if _are_plain(assertions) else _merged(assertions)))
        if len(self._shared) >= CACHED:
            self._shared.clear()
        self._shared[id(assertions)] = assertions, text
        return text


def _are_plain(assertions: Sequence[RowAssertion]) -> bool:
    """Say whether nothing is withdrawn and no tag is there twice; so it is in most rows."""
    before = None
    for item in assertions:
        if item.withdrawn_at is not None or item.tag == before:
            return False
        before = item.tag
    return True


def _merged(assertions: Sequence[RowAssertion]) -> Iterator[RowAssertion]:
    grouped: dict[str, list[RowAssertion]] = {}
    for item in assertions:
        if item.withdrawn_at is None:
            grouped.setdefault(item.tag, []).append(item)
    for group in grouped.values():
        # What is stale says nothing about a tag that another source keeps fresh.
        counted = [item for item in group if item.fresh] or group
        ends = [item.expires_at for item in counted]
        yield RowAssertion(
            tag=group[0].tag,
            source=", ".join(item.source for item in counted),
            kind=counted[0].kind,
            first_seen=min((item.first_seen for item in group if item.first_seen), key=instant_of, default=None),
            last_seen=max((item.last_seen for item in group if item.last_seen), key=instant_of, default=None),
            fresh=counted[0].fresh,
            expires_at=None if None in ends else max(end for end in ends if end is not None),
        )


def _tag(item: RowAssertion) -> str:
    fresh = "true" if item.fresh else "false"
    first_seen = f'"{item.first_seen}"' if item.first_seen else "null"
    last_seen = f'"{item.last_seen}"' if item.last_seen else "null"
    expires = "null" if item.expires_at is None else f'"{_date(item.expires_at)}"'
    return (
        f'{{"name":{_quoted(item.tag)},"fresh":{fresh},"source":{_quoted(item.source)},"kind":"{item.kind}",'
        f'"first_seen":{first_seen},"last_seen":{last_seen},"expires":{expires}}}'
    )


def _name(item: RowAssertion) -> str:
    return _named(item.tag)


@lru_cache(maxsize=65_536)
def _named(tag: str) -> str:
    return f'{{"name":{_quoted(tag)}}}'


@lru_cache(maxsize=65_536)
def _quoted(text: str) -> str:
    return _encode(text).decode()
