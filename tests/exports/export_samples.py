"""Claims and instants that the tests of exports share."""

from typing import Any

from core.schemas.claim import Claim
from core.schemas.instant import DAY, Instant

NOW: Instant = 1_790_000_000_000_000
LATER: Instant = NOW + DAY


def claim(value: str, type_: str = "hostname", *tags: str, **fields: Any) -> Claim:
    """Return a claim of the source ``feed``."""
    return Claim(**({"type": type_, "value": value, "source": "feed", "tags": tags} | fields))
