"""Claims and instants that the tests of exports share."""

from collections.abc import Iterable
from typing import Any

from core.schemas.claim import Claim
from core.schemas.instant import DAY, Instant

NOW: Instant = 1_790_000_000_000_000
LATER: Instant = NOW + DAY


def manifest_name(names: Iterable[str], number: int) -> str:
    """Return which of the names of objects is that of the manifest of a version."""
    (found,) = [name for name in names if f".v{number}." in name]
    return found


def claim(value: str, type_: str = "hostname", *tags: str, **fields: Any) -> Claim:
    """Return a claim of the source ``feed``."""
    return Claim(**({"type": type_, "value": value, "source": "feed", "tags": tags} | fields))


def feed(last: int, *, first: int = 1, **fields: Any) -> list[Claim]:
    """Claims on so many addresses."""
    return [claim(f"198.51.100.{n}", "ipv4", "c2", **fields) for n in range(first, last + 1)]
