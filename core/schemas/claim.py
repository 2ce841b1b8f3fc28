"""What a source claims about a value: what importers give to the store.

A claim names one value; the store keeps one *assertion* row per (observable, source, tag) of it.
"""

from enum import IntEnum
from typing import Any

import msgspec

from core.schemas.instant import Instant

CLEARED_BY = "yetictl withdraw"
"""The source of what `core.store.clearing` says; no import and no hand may claim anything under that name."""


class Kind(IntEnum):
    """What sort of claim it is.  *info* is in no export that does not ask for it."""

    INFO = 0
    BENIGN = 1
    SUSPICIOUS = 2
    MALICIOUS = 3


class TLP(IntEnum):
    """The Traffic Light Protocol, least to most restricted; ``CLEAR`` is TLP 1's ``WHITE``."""

    CLEAR = 0
    GREEN = 1
    AMBER = 2
    AMBER_STRICT = 3
    RED = 4


class Claim(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One value as one source lists it.

    Attributes:
        type: One of ``core.values.types.TYPES``.
        value: The canonical value (``core.values.canonical``).
        source: Who says so.
        tags: Original spellings, each once; empty means the store tags it with the source's name.
        kind: Malicious unless the source says otherwise.
        first_seen, last_seen: The source's own dates, if it gives any.
        valid_from, valid_until: The window the source states, half-open; ``None`` is not stated.
        confidence: 0 to 100.
        tlp: How far it may be passed on.
        withdrawn: The source takes the claim back (STIX ``revoked``, MISP ``deleted``): nothing new is stored,
            and what this source claimed of the value under these tags is withdrawn.
        context: Further facts for a reader, kept with the observable under the source's name.
        line: Where in the file, for messages; 0 if that has no meaning.
    """

    type: str
    value: str
    source: str
    tags: tuple[str, ...] = ()
    kind: Kind = Kind.MALICIOUS
    first_seen: Instant | None = None
    last_seen: Instant | None = None
    valid_from: Instant | None = None
    valid_until: Instant | None = None
    confidence: int | None = None
    tlp: TLP | None = None
    withdrawn: bool = False
    context: dict[str, Any] | None = None
    line: int = 0


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """A row or part of a file that could not be taken, and why.

    Attributes:
        line: Line number from 1; 0 if that has no meaning (binary, one-line JSON).
        reason: For the user, one phrase.
        excerpt: The start of what was refused, printable, at most 80 characters.
    """

    line: int
    reason: str
    excerpt: str = ""


class AllowListEntries(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A list of what must not be blocked (a MISP warninglist), whole.

    Attributes:
        name: Unique; a new import of the same name replaces the entries.
        list_type: ``cidr``, ``hostname``, ``string``, ``substring`` or ``regex``.
        matching_attributes: The MISP attribute types that it is meant for; empty means all.
        entries: As the list spells them, stripped, each once, in the list's order.
    """

    name: str
    list_type: str
    version: str = ""
    description: str = ""
    matching_attributes: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()


class StoredTemplate(msgspec.Struct, frozen=True, gc=False):
    """A Jinja template found among the input (a folder of ``*.jinja2``)."""

    name: str
    text: str
