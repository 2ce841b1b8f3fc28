"""Names under which others register: ``com``, ``co.uk``, ``github.io``.  To block one is to block all below it.

From the Public Suffix List, as the library ``publicsuffixlist`` carries it.  Its rules are ``name``, ``*.name``
(whatever is one label below), and ``!name`` (but not this one).
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from publicsuffixlist import PSLFILE

from core.errors import RefusedValue
from core.values import names

ICANN = "icann"
PRIVATE = "private"
"""The two sections: what registries run, and what companies run (hosting, dynamic DNS)."""


@lru_cache(maxsize=1)
def version() -> str:
    """Return the version that the list says it is of."""
    with Path(PSLFILE).open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("// VERSION:"):
                return line.partition(":")[2].strip()
    return ""


def rules(section: str) -> Iterator[str]:
    """Yield the rules of a section in the order of the list, names in A-labels."""
    known = ""
    with Path(PSLFILE).open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("// ===BEGIN "):
                known = line.split()[2].lower()
            elif not line.startswith("//") and known == section and (words := line.split()):
                yield _in_a_labels(words[0])


def rule_name(rule: str) -> tuple[str, str]:
    """Return the mark of a rule (``*.``, ``!`` or nothing) and the name behind it."""
    for mark in ("*.", "!"):
        if rule.startswith(mark):
            return mark, rule.removeprefix(mark)
    return "", rule


def _in_a_labels(rule: str) -> str:
    mark, name = rule_name(rule.lower())
    if name.isascii():
        return mark + name
    try:
        # A top level alone is no host name.
        return mark + names.hostname(f"x.{name}").removeprefix("x.")
    except RefusedValue:
        return mark + name
