"""Decide whether what was rendered may be published.  Pure.

A rule looks at the candidate and gives reasons to hold it, in words and with numbers; a run with a reason changes
nothing for consumers.  This is where limits, required entries and the formats' own checks belong.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """What would be published.

    Attributes:
        selected: Observables that the selection takes, as the store counts them in the same snapshot.
        entries: Observables that were written.
        refused: Observables that the format could not express.
        is_complete: All rows were read and all files finished.
    """

    selected: int
    entries: int
    refused: int
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The reasons not to publish; none means that it may go out."""

    reasons: tuple[str, ...] = ()

    @property
    def is_held(self) -> bool:
        """Whether it stays here."""
        return bool(self.reasons)


def judge(candidate: Candidate) -> Verdict:
    """Return the verdict of all rules."""
    return Verdict(tuple(reason for rule in RULES if (reason := rule(candidate)) is not None))


def _read_finished(candidate: Candidate) -> str | None:
    return None if candidate.is_complete else "the read of the store did not finish"


def _count_reconciles(candidate: Candidate) -> str | None:
    written = candidate.entries + candidate.refused
    if written == candidate.selected:
        return None
    return (
        f"{candidate.selected:,} observables are selected, but {candidate.entries:,} entries were written and "
        f"{candidate.refused:,} refused"
    )


RULES: tuple[Callable[[Candidate], str | None], ...] = (_read_finished, _count_reconciles)
