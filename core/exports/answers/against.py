"""Match a log, or a list of one's own, against an export: what would it have hit?"""

from collections.abc import Iterable
from dataclasses import dataclass

from core.exports.answers.listed import Listed, Match
from core.exports.answers.log_values import Finder

MOST_HITS = 10_000
_BEFORE_CHARACTERS = 30
_SHOWN_CHARACTERS = 100


@dataclass(slots=True)
class Hit:
    """A value that was found, and the entry that stands for it.

    Attributes:
        match: Both, and how they belong together.
        lines: On how many lines.
        first_line: Number of the first, from 1.
        excerpt: A piece of that line around the value, printable.
    """

    match: Match
    lines: int
    first_line: int
    excerpt: str


@dataclass(slots=True)
class Against:
    """What was found.

    Attributes:
        listed: Entries of the list.
        lines: Lines read.
        without_value: Lines without any address, name, URL or hash; also empty ones and comments.
        too_long: Lines that were not looked at: they are longer than a million characters.
        hit_lines: Lines with at least one hit.
        hits: The different ones, in the order of the file; at most ``MOST_HITS``.
        beyond: So often something was found that is in none of them, since they were too many.
    """

    listed: int
    lines: int
    without_value: int
    too_long: int
    hit_lines: int
    hits: tuple[Hit, ...]
    beyond: int

    @property
    def direct(self) -> tuple[Hit, ...]:
        """Hits that every consumer makes."""
        return tuple(hit for hit in self.hits if hit.match.relation in ("equal", "inside"))

    @property
    def apart(self) -> tuple[Hit, ...]:
        """Hits that depend on the consumer, or on which addresses of a network are meant."""
        return tuple(hit for hit in self.hits if hit.match.relation in ("below", "contains"))


def against(lines: Iterable[str | None], listed: Listed) -> Against:
    """Return which entries of a list would have hit something in *lines*.

    Memory is bounded by the different hits, and those by ``MOST_HITS``, whatever the number of lines.

    Args:
        lines: Of a log or a list; ``None`` is a line too long to look at.
        listed: What the export lists.
    """
    finder = Finder(listed)
    hits: dict[Match, Hit] = {}
    number = without_value = too_long = hit_lines = beyond = 0
    for number, line in enumerate(lines, 1):
        if line is None:
            too_long += 1
            continue
        has_value, matches = finder.find(line)
        if not has_value:
            without_value += 1
        if not matches:
            continue
        hit_lines += 1
        for match in matches:
            hit = hits.get(match)
            if hit is not None:
                hit.lines += 1
            elif len(hits) < MOST_HITS:
                hits[match] = Hit(match, 1, number, excerpt(line, match.value))
            else:
                beyond += 1
    return Against(len(listed), number, without_value, too_long, hit_lines, tuple(hits.values()), beyond)


def excerpt(line: str, value: str) -> str:
    """Return a piece of *line* around *value*, printable."""
    at = max(0, line.lower().find(value.lower()))
    first = max(0, at - _BEFORE_CHARACTERS)
    piece = line[first : first + _SHOWN_CHARACTERS]
    shown = "".join(char if char.isprintable() else " " for char in piece).strip()
    return f"{'…' if first else ''}{shown}{'…' if len(line) > first + _SHOWN_CHARACTERS else ''}"
