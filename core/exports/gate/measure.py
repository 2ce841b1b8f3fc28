"""How many addresses a list covers, and whether anything is in its files."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.schemas.export import Selection
from core.schemas.instant import Instant
from core.schemas.version import Space
from core.values import types
from core.values.networks import Span, span_of, united

if TYPE_CHECKING:
    from core.store.snapshot import Snapshot

CHUNK_BYTES = 1 << 16

_TYPES = {4: types.IPV4, 6: types.IPV6}


def space_of(snapshot: "Snapshot", selection: Selection, instant: Instant) -> Space:
    """Return how many addresses of each version are covered by what *selection* takes, each counted once."""
    spans = [span_of(value) for value in _values(snapshot, selection, instant, types.CIDR)]
    spans += [span_of(value) for _, _, value in snapshot.pieces]
    sizes = {}
    for version, type_ in _TYPES.items():
        networks = united(span for span in spans if span.version == version)
        sizes[version] = sum(span.size for span in networks)
        if networks:
            sizes[version] += _outside(networks, _values(snapshot, selection, instant, type_))
        elif not selection.types or type_ in selection.types:
            sizes[version] += snapshot.count(replace(selection, types=(type_,)), instant)
    return Space(sizes[4], sizes[6])


def _outside(networks: list[Span], addresses: Iterable[str]) -> int:
    """Return how many of *addresses*, all different, lie in none of *networks*, apart and in order."""
    firsts = [span.first for span in networks]
    lasts = [span.last for span in networks]
    outside = 0
    for value in addresses:
        first = span_of(value).first
        place = bisect_right(firsts, first) - 1
        outside += place < 0 or lasts[place] < first
    return outside


def _values(snapshot: "Snapshot", selection: Selection, instant: Instant, type_: str) -> Iterator[str]:
    for batch in snapshot.values(selection, instant, (type_,)):
        yield from (value for _, _, value in batch)


def are_blank(paths: Iterable[Path]) -> bool:
    """Say whether there is nothing but white space in files; each is read to the first byte that is something else."""
    return all(map(_is_blank, paths))


def _is_blank(path: Path) -> bool:
    with path.open("rb", buffering=0) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            if not chunk.isspace():
                return False
    return True
