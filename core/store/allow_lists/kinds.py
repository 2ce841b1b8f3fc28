"""What kind of list an allow-list is, and what is done by it where nobody said otherwise.  Pure.

Of imported lists the name tells the kind: those of the MISP project are known by what they say of themselves.
"""

import re
from dataclasses import dataclass
from typing import Literal

Action = Literal["block", "inform", "off"]

SPECIAL_PURPOSE, PUBLIC_SUFFIX, RESOLVER, EMPTY_HASH, CARVED_OUT, PLAIN, MISP = (
    "special-purpose",
    "public-suffix",
    "resolver",
    "empty-hash",
    "carved-out",
    "plain",
    "misp",
)

SPECIAL_PREFIX = "special-purpose: "
SUFFIX_PREFIX = "public suffixes: "
CARVED_OUT_NAME = "carved out"
"""Names of lists that the program keeps itself, or how they begin."""

ALLOW_LISTED, CARVED_OUT_OF = "allow-listed", "carved-out"
"""Reasons of the ledger: the second is a user's will, and says nothing against the data."""

FAMILIES = {
    SPECIAL_PURPOSE: "addresses and names that are nobody's host on the internet",
    PUBLIC_SUFFIX: "names under which others register",
    RESOLVER: "public DNS resolvers",
    EMPTY_HASH: "hashes of empty files",
    CARVED_OUT: "false positives that networks are split around",
    PLAIN: "a list of your own",
    MISP: "a MISP warninglist: clouds, networks of content, scanners, top sites and the like",
}
"""Every family, in words."""

_INFORMS = frozenset({MISP})
_BY_NAME = (
    (SPECIAL_PURPOSE, re.compile(r"\brfc ?(1918|3849|5735|5771|6598|6761)\b|ipv6 link local", re.IGNORECASE)),
    (RESOLVER, re.compile(r"\bpublic dns resolver|^public-dns-", re.IGNORECASE)),
    (EMPTY_HASH, re.compile(r"hashes for empty files|^empty-hashes$", re.IGNORECASE)),
    (PUBLIC_SUFFIX, re.compile(r"\btlds as known\b|^(second-level-)?tlds$", re.IGNORECASE)),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What is known of a list beyond its entries.

    Attributes:
        family: One of ``FAMILIES``.
        special_class: Of a carried list of special-purpose addresses.
        is_carried: It comes with the program.
        is_own: It has the user's own assets.
    """

    family: str
    special_class: str = ""
    is_carried: bool = False
    is_own: bool = False


def family_of(name: str, matching_attributes: tuple[str, ...]) -> str:
    """Return the family of an imported list; only a list of MISP's form says what attributes it is about."""
    if not matching_attributes:
        return PLAIN
    return next((family for family, sign in _BY_NAME if sign.search(name)), MISP)


def reason_word(name: str) -> str:
    """Return the word of the reason of what the list of that name keeps off."""
    return CARVED_OUT_OF if name == CARVED_OUT_NAME else ALLOW_LISTED


def is_reserved(name: str) -> bool:
    """Say whether a list of that name is the program's own; case and blanks make no difference."""
    plain = " ".join(name.split()).lower()
    begins = tuple(prefix.strip() for prefix in (SPECIAL_PREFIX, SUFFIX_PREFIX))
    return plain == CARVED_OUT_NAME or plain.startswith(begins)


def default_action(kind: Kind) -> Action:
    """Return what is done by a list where nobody said otherwise."""
    return "inform" if kind.family in _INFORMS else "block"


def does(kind: Kind, action: Action) -> str:
    """Return what becomes of a run by a list: ``hold`` it, or ``block`` an entry, or ``inform``, or nothing (``off``)."""
    return "hold" if kind.is_own and action != "off" else action
