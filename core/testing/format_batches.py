"""Observables as the engine gives them to a format: in batches, with tags and dates where it asks for them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

from core.exports.formats import Format, Value, Values
from core.store.rows import Row, RowAssertion
from core.values import types as observable_types

INSTANT = 1_790_000_000_000_000


def batches_of(form: Format, some: Iterable[Value], tags: tuple[str, ...], size: int) -> Iterator[Any]:
    """Yield *some*, which are sorted, as the engine would give them to that format."""
    if not hasattr(form, "render_values"):
        rows = (_row(item, tags) for item in some)
        while batch := list(islice(rows, size)):
            yield batch
        return
    for type_, found in groupby(some, lambda item: item.type):
        values = (item.value for item in found)
        while part := list(islice(values, size)):
            yield Values(type_, part)


def _row(item: Value, tags: tuple[str, ...]) -> Row:
    seen = "2026-09-01T00:00:00Z"
    assertions = [
        RowAssertion(
            tag=tag, source=source, kind="malicious", first_seen=seen, last_seen=seen, confidence=80, tlp="green",
            fresh=True, expires_at=INSTANT + 86_400_000_000, received_at=INSTANT - 1_000_000, counts=True,
            counts_until=INSTANT + 86_400_000_000,
        )
        for tag, source in zip(tags, (tags[0], "feed"), strict=True)
    ]  # fmt: skip
    return Row(item.type, item.value, INSTANT - 1_000_000, INSTANT, assertions, "[]")


def many(types: Sequence[str], count: int) -> Iterator[Value]:
    """Yield so many harmless values, sorted, of a type that there can be so many of."""
    for type_, make in _MADE.items():
        if type_ in types:
            yield from (Value(type_, make(number)) for number in range(count))
            return


_MADE: dict[str, Callable[[int], str]] = {
    observable_types.HOSTNAME: lambda number: f"h{number:07d}.example",
    observable_types.URL: lambda number: f"http://h{number:07d}.example/",
    observable_types.IPV6: lambda number: f"2001:db8::{0x1000 + 2 * number:x}:0:1",
    observable_types.IPV4: lambda number: (
        f"198.{100 + number // 25_600}.{100 + number // 128 % 200}.{100 + number % 128}"
    ),
    observable_types.SHA256: lambda number: f"{number:064x}",
    observable_types.MD5: lambda number: f"{number:032x}",
    observable_types.RULE: lambda number: f"rule r{number} {{ condition: true }}",
    observable_types.EMAIL: lambda number: f"u{number:07d}@bad.example",
}
