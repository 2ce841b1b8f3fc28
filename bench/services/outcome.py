"""What came of a measurement, as plain values: what was lost, doubled or torn, and every error with its reason."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from core.schemas.instant import Instant


class Death(NamedTuple):
    """That a part was killed, and when it was there again."""

    part: str
    killed_at: Instant
    back_at: Instant


class Error(NamedTuple):
    """Something that somebody was told: where, what, and why it was so; without a reason it is not explained."""

    where: str
    what: str
    why: str = ""


@dataclass
class Reads:
    """What readers got: whole files by place, and what they were refused, by what it was.

    Attributes:
        whole: How many files were read whole, by place.
        contents: Place, name and SHA-256 of all that was read.
        broken: What was whole and is not what it says it is, and what was there and was not any more.
        errors: Instant, place and text of what could not be read.
        faults: What made a reader end.
    """

    whole: Counter[str] = field(default_factory=Counter)
    contents: set[tuple[str, str, str]] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    errors: list[tuple[Instant, str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass
class Outcome:
    """What came of it; all lists have to be empty, and all errors to have a reason.

    Attributes:
        kills: Of each part.
        runs: How many there were, by status.
        reads: How many files were read whole, by where.
        lost: Exports that did not run any more after all was well again, jobs that were given up or that nobody has.
        doubled: Runs of one export that went on at once, or of one due time; versions that are there twice.
        torn: Files that were read and are no version, or that were gone.
        wrong: What `export verify` says, and what ended a part of the measurement itself.
        errors: How often what was said.
    """

    kills: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    errors: Counter[Error] = field(default_factory=Counter)

    @property
    def unexplained(self) -> list[str]:
        """Errors without a reason."""
        return [f"{error.where}: {error.what}" for error in self.errors if not error.why]

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, doubled or torn, something ran and was read, and all that failed says why."""
        is_whole = not (self.lost or self.doubled or self.torn or self.wrong or self.unexplained)
        return is_whole and self.runs["completed"] > 0 and all(self.reads[place] > 0 for place in self.reads)
