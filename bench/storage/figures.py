"""What was measured: how much of it, and what came out."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

from bench.storage.processes import StepFailed

MIB = 1 << 20
JUDGED = ("ours", "boto3", "ours-local", "recipe")
"""The bars are about these: they get more rounds, and the run fails if one of them does."""


class Sizes(NamedTuple):
    """How much is measured: sizes, and rounds for each."""

    small_rounds: int = 20
    small_each: int = 25
    large: tuple[tuple[int, int], ...] = ((64 * MIB, 3), (512 * MIB, 2))
    text_bytes: int = 300_000_000
    text_rounds: int = 3
    judged_text_rounds: int = 11
    start_rounds: int = 9
    import_rounds: int = 25
    local: tuple[tuple[int, int, int], ...] = (
        (1 << 10, 40, 10),
        (100_000, 40, 10),
        (MIB, 30, 4),
        (300_000_000, 9, 0),
    )
    """Size, rounds, and puts a round; of the largest one, in a process of its own."""


QUICK = Sizes(
    small_rounds=2,
    small_each=10,
    large=((MIB, 1), (20 * MIB, 1)),
    text_bytes=20_000_000,
    text_rounds=1,
    judged_text_rounds=1,
    start_rounds=1,
    import_rounds=3,
    local=((1 << 10, 2, 5), (100_000, 2, 5), (MIB, 2, 2), (20_000_000, 1, 0)),
)

Key = tuple[str, str, str]
"""Place, measure, subject."""


@dataclass
class Figures:
    """For each place, measure and subject the figures of every round, or why there are none."""

    rounds: dict[Key, list[dict[str, Any]]] = field(default_factory=dict)
    failures: dict[Key, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    bare_mib: dict[str, float] = field(default_factory=dict)
    vendors: list[str] | None = None

    def take(self, key: Key, measured: Callable[[], dict[str, Any]]) -> bool:
        """Measure one round and say whether that went well; not again what failed before."""
        if key in self.failures:
            return False
        try:
            self.rounds.setdefault(key, []).append(measured())
        except StepFailed as error:
            del self.rounds[key]
            self.failures[key] = str(error)
            print(f"FAILED: {' '.join(key)}: {error}", file=sys.stderr)
            return False
        return True

    def value(self, key: Key, what: str) -> float | None:
        """Return the median of a figure; of memory the most, above the bare interpreter."""
        found = [figures[what] for figures in self.rounds.get(key, ()) if what in figures]
        if not found:
            return None
        if what == "peak_mib":
            return max(found) - self.bare_mib.get(key[2], 0.0)
        return median(found)

    def ratio(self, key: Key, against: str, what: str) -> float | None:
        """Return the median, over all rounds, of how often the figure of another subject it is."""
        ours, theirs = self.rounds.get(key, ()), self.rounds.get((key[0], key[1], against), ())
        found = [one[what] / other[what] for one, other in zip(ours, theirs, strict=False) if other.get(what)]
        return median(found) if found else None


def size_name(size_bytes: int) -> str:
    """Return what people call a size."""
    if size_bytes % MIB == 0:
        return f"{size_bytes // MIB} MiB"
    if size_bytes % 1024 == 0:
        return f"{size_bytes // 1024} KiB"
    return f"{size_bytes // 1000} kB" if size_bytes < 1_000_000 else f"{size_bytes // 1_000_000} MB"
