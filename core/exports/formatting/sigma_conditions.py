"""The condition of a Sigma rule: whether it is one, and which searches it speaks of.

Source: the Sigma Rules Specification 2, "Condition".
"""

import re
from collections.abc import Collection
from fnmatch import fnmatchcase

from core.errors import RefusedValue

_WORD = re.compile(r"\s*(\(|\)|[^\s()]+)")
_is_search = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*").fullmatch
_is_pattern = re.compile(r"(?:them|\*?[A-Za-z0-9_][A-Za-z0-9_-]*\*?)").fullmatch
_is_count = re.compile(r"(?:1|any|all)").fullmatch
_MOST_DEPTH = 50


def check_condition(text: str, searches: Collection[str]) -> None:
    """Raise unless *text* is a condition on *searches*.

    Raises:
        RefusedValue: It is none, or speaks of a search that is not there.
    """
    if "|" in text:
        raise RefusedValue("Sigma: a condition that counts, which Sigma 2 does not have")
    words = _WORD.findall(text)
    rest = _either(words, searches, 0)
    if rest:
        raise RefusedValue("Sigma: a condition that is none")


def _either(words: list[str], searches: Collection[str], depth: int) -> list[str]:
    """Take ``a or b and not c`` off the beginning of *words*; return what is left."""
    if depth > _MOST_DEPTH:
        raise RefusedValue("Sigma: a condition with more brackets in each other than can be read")
    while True:
        while words[:1] == ["not"]:
            words = words[1:]
        words = _one(words, searches, depth)
        if words[:1] not in (["and"], ["or"]):
            return words
        words = words[1:]


def _one(words: list[str], searches: Collection[str], depth: int) -> list[str]:
    if words[:1] == ["("]:
        rest = _either(words[1:], searches, depth + 1)
        if rest[:1] != [")"]:
            raise RefusedValue("Sigma: a bracket that is not closed")
        return rest[1:]
    if len(words) > 2 and _is_count(words[0]) and words[1] == "of":
        _check_pattern(words[2], searches)
        return words[3:]
    if not words or not _is_search(words[0]) or words[0] in ("and", "or", "not", "of", "them"):
        raise RefusedValue("Sigma: a condition that is none")
    if words[0] not in searches:
        raise RefusedValue("Sigma: a condition with a search that is not there")
    return words[1:]


def _check_pattern(pattern: str, searches: Collection[str]) -> None:
    if not _is_pattern(pattern):
        raise RefusedValue("Sigma: a condition that is none")
    if pattern != "them" and not any(fnmatchcase(search, pattern) for search in searches):
        raise RefusedValue("Sigma: a condition with a search that is not there")
