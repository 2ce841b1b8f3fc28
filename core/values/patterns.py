"""Texts and regular expressions to look for in values; neither can take more than a moment.

Patterns come from lists of others.  One that could try very many ways to match is refused beforehand, by a bound
reckoned from its parts, so that the answer never depends on how busy the machine is.
"""

import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from core.errors import RefusedValue

MAX_PATTERN_CHARS = 1_000
MAX_SEARCHED_CHARS = 256
"""A longer value is searched in its first so many characters only; names have 253 at most."""

MOST_WAYS = 100_000
"""So many ways to match, from one place in a text, may a pattern have at most: a tenth of a second or so."""

_delimited = re.compile(r"([/#~@!%])(.*)\1([a-zA-Z]*)", re.DOTALL).fullmatch
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE, "u": re.NOFLAG}
_KEY_CHARS = 4


def pattern(text: str) -> re.Pattern[str]:
    """Return a regular expression, written plainly or between delimiters as in PHP: ``/^evil/i``.

    Raises:
        RefusedValue: It is none, it is too long, or it could take too long.
    """
    if len(text) > MAX_PATTERN_CHARS:
        raise RefusedValue(f"a pattern of more than {MAX_PATTERN_CHARS:,} characters")
    flags = re.NOFLAG
    found = _delimited(text)
    if found:
        text = found[2]
        for letter in found[3]:
            if letter not in _FLAGS:
                raise RefusedValue(f"a pattern with the flag {letter!r}, which is not understood")
            flags |= _FLAGS[letter]
    try:
        with warnings.catch_warnings(action="ignore"):
            compiled = re.compile(text, flags)
            ways = _ways(re._parser.parse(text, flags))  # type: ignore[attr-defined]
    except (re.error, RecursionError, OverflowError) as error:
        raise RefusedValue(f"no regular expression: {error}") from error
    if ways > MOST_WAYS:
        raise RefusedValue("a pattern that could take very long: repeats of repeats, or several open ones")
    return compiled


def _ways(parts: Iterable[tuple[Any, Any]]) -> int:
    """Return how many ways there are at most to match *parts* from one place, counted up to ``MOST_WAYS`` + 1."""
    total = 1
    for operation, argument in parts:
        total = min(total * _ways_of(str(operation), argument), MOST_WAYS + 1)
    return total


def _ways_of(operation: str, argument: Any) -> int:
    if operation in ("LITERAL", "NOT_LITERAL", "ANY", "IN", "AT", "CATEGORY", "RANGE"):
        return 1
    if operation == "SUBPATTERN":
        return _ways(argument[3])
    if operation == "BRANCH":
        return sum(_ways(branch) for branch in argument[1])
    if operation in ("MAX_REPEAT", "MIN_REPEAT"):
        least, most, parts = argument
        most = min(int(most), MAX_SEARCHED_CHARS)
        once, total = _ways(parts), 0
        for number in range(min(int(least), most), most + 1):
            total += once**number if once > 1 else 1
            if total > MOST_WAYS:
                break
        return total
    # Look-around, back-references, conditions, atomic groups: rare, and their cost is not to be told from here.
    return MOST_WAYS + 1


class Substrings:
    """Texts to look for in values, any number of them: a value takes as long as it has characters.

    Case makes no difference.
    """

    def __init__(self, texts: Iterable[tuple[str, int]]) -> None:
        """Take pairs of a text and a label in; an empty text is in nothing."""
        self._by_start: dict[str, list[tuple[str, int]]] = {}
        for text, label in texts:
            if text := text.lower():
                self._by_start.setdefault(text[:_KEY_CHARS], []).append((text, label))
        self._lengths = sorted({len(start) for start in self._by_start})

    def found_in(self, value: str) -> Iterator[int]:
        """Yield the label of each text for each place in *value* where it stands."""
        value = value.lower()
        for length in self._lengths:
            for place in range(len(value) - length + 1):
                for text, label in self._by_start.get(value[place : place + length], ()):
                    if value.startswith(text, place):
                        yield label
