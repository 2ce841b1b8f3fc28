"""The text of an observable's assertions and context, as the lossless format prints it.  Pure.

One array, ordered by tag and source, of objects with the keys in the order of ``KEYS``; what is unknown is
absent.  Dates are RFC 3339 in UTC.  The time of receipt is not in it: no format renders that, and so a feed
that is read again rewrites no text.
"""

from collections.abc import Iterable
from functools import lru_cache
from operator import itemgetter
from typing import Any

import msgspec

from core.schemas.claim import TLP, Kind
from core.schemas.instant import to_text
from core.store.merge import Held

KEYS = (
    "tag",
    "source",
    "kind",
    "first_seen",
    "last_seen",
    "valid_from",
    "valid_until",
    "confidence",
    "tlp",
    "withdrawn_at",
)
KIND_WORDS = {int(kind): kind.name.lower() for kind in Kind}
TLP_WORDS = {int(tlp): tlp.name.lower().replace("_", "+") for tlp in TLP}
CONTEXTS_PER_SOURCE = 64
"""A feed whose remarks change daily must not grow a row for ever; what comes after is not kept."""

_date = lru_cache(maxsize=65_536)(to_text)
_encode = msgspec.json.Encoder().encode


@lru_cache(maxsize=65_536)
def quoted(text: str) -> str:
    """Return *text* as a JSON string, not escaped beyond need."""
    return _encode(text).decode()


def rest_text(source: str, held: Held) -> str:
    """Return what follows the tag in the JSON object of an assertion."""
    parts = [f',"source":{quoted(source)},"kind":"{KIND_WORDS[held.kind]}"']
    parts.extend(
        f',"{key}":"{_date(moment)}"'
        for key, moment in (
            ("first_seen", held.first_seen),
            ("last_seen", held.last_seen),
            ("valid_from", held.valid_from),
            ("valid_until", held.valid_until),
        )
        if moment is not None
    )
    if held.confidence is not None:
        parts.append(f',"confidence":{held.confidence}')
    if held.tlp is not None:
        parts.append(f',"tlp":"{TLP_WORDS[held.tlp]}"')
    if held.withdrawn_at is not None:
        parts.append(f',"withdrawn_at":"{_date(held.withdrawn_at)}"')
    parts.append("}")
    return "".join(parts)


def assertions_text(named: Iterable[tuple[str, str, Held]]) -> str:
    """Return the JSON array of (tag, source, assertion) triples in any order."""
    ordered = sorted(named, key=itemgetter(0, 1))
    return (
        "[" + ",".join([f'{{"tag":{quoted(tag)}{rest_text(source, held)}' for tag, source, held in ordered]) + "]"
    )


def alike_text(tags: Iterable[str], rest: str) -> str:
    """Return the JSON array of assertions that differ in nothing but the tag."""
    return "[" + ",".join([f'{{"tag":{quoted(tag)}{rest}' for tag in sorted(tags)]) + "]"


def context_object(source: str, context: dict[str, Any]) -> dict[str, Any]:
    """Return *context* with the source it is from, that first."""
    return {"source": source, **{key: value for key, value in context.items() if key != "source"}}


def context_text(context: list[dict[str, Any]]) -> str:
    """Return the JSON array of *context*, in order of sources and texts: any order of import gives the same."""
    if len(context) > 1:
        context = sorted(context, key=lambda item: (item["source"], _encode(item)))
    return _encode(context).decode()


def with_context(known: list[dict[str, Any]], new: dict[str, Any]) -> bool:
    """Add *new* to *known* if it is not there and its source has room, and say whether it was added."""
    if new in known or sum(item["source"] == new["source"] for item in known) >= CONTEXTS_PER_SOURCE:
        return False
    known.append(new)
    return True
