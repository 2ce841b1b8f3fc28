"""An explanation in words, and as plain data for JSON."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.exports.answers.reason_words import reason_words
from core.schemas.instant import to_text
from core.store.rendering import KIND_WORDS, TLP_WORDS

if TYPE_CHECKING:
    from core.exports.answers.judging import Judged, Reason
    from core.exports.answers.standing import Explanation, Standing

_SENTENCES = {
    "unknown": "nobody has reported it",
    "unpublished": "no version was published yet",
    "later": "it came in after that version was made",
    "not-told": "that is no longer known",
    "type": "the export takes no values of type {type}",
    "untagged": "nobody claims anything of it",
    "expired": "expired",
    "not-begun": "what is claimed of it does not hold yet",
    "not-included": "none of its tags is one that the export includes",
    "nothing-counts": "nothing that is claimed of it counts",
    "lacks": "it lacks the required tag {tag}",
    "too-old": "it was not received lately enough",
    "last-seen": "it was last seen too long ago",
    "first-seen": "it was first seen too early",
    "rolled-back": "rolled back to version {to}",
    "too-broad": "too broad: networks have to be {entry} or smaller",
    "cut": "cut: it ranks below what the consumer can take",
}


def reason_text(reason: "Reason") -> str:
    """Return why something is not listed, in words."""
    sentence = _SENTENCES.get(reason["reason"])
    if sentence is None:
        return reason_words(json.dumps(reason))
    try:
        return sentence.format_map(reason)
    except KeyError:
        return reason["reason"]


def headline(found: "Explanation", item: "Standing", which: str = "") -> str:
    """Return in one sentence whether a value is on the list, since when, or why not."""
    what = f"{item.value} ({item.type}){which}"
    if found.version is None:
        return f"{what} is not on {found.export}: {reason_text(item.reason)}"
    where = f"version {found.version} of {found.export}"
    if not item.is_listed:
        return f"{what} is not on {where}: {reason_text(item.reason)}"
    parts = f", in {len(item.pieces):,} parts" if item.pieces else ""
    since = f", since {version_text(found, item.since)}" if item.since is not None else ""
    return f"{what} is on {where}{parts}{since}"


def version_text(found: "Explanation", number: int) -> str:
    """Return a version with the time it was made."""
    made = found.made_at.get(number)
    return f"version {number} ({to_text(made)})" if made is not None else f"version {number}"


def explanation_object(found: "Explanation") -> dict[str, Any]:
    """Return an explanation."""
    return {
        "export": found.export,
        "version": found.version,
        "current": found.is_current,
        "values": [_standing_object(found, item) for item in found.standings],
        "notes": list(found.notes),
    }


def _standing_object(found: "Explanation", item: "Standing") -> dict[str, Any]:
    return {
        "type": item.type,
        "value": item.value,
        "known": item.is_known,
        "listed": item.is_listed,
        "since": _version_object(found, item.since) if item.is_listed else None,
        "by": [{"tag": tag, "source": source} for tag, source in item.by],
        "reason": item.reason or None,
        "text": headline(found, item),
        "parts": list(item.pieces),
        "next": None
        if item.next is None
        else {"listed": not item.next, "reason": item.next or None, "parts": list(item.next_pieces)},
        "held": None if item.held is None else {"change": item.held[0], "reason": item.held[1] or None},
        "assertions": [_assertion_object(judged) for judged in item.assertions],
        "periods": [
            {
                "listed": period.is_listed,
                "from": _version_object(found, period.first),
                "until": None if period.last is None else _version_object(found, period.last + 1),
                "why": told(period.why) if period.why else None,
                "reason": told(period.ended_by) if period.ended_by else None,
            }
            for period in item.periods
        ],
        "informed": [{"list": hit.list, "entry": hit.entry, "relation": hit.relation} for hit in item.informed],
        "around": [_standing_object(found, other) for other in item.around],
    }


def _assertion_object(judged: "Judged") -> dict[str, Any]:
    fact = judged.fact
    dates = ("created_at", "received_at", "first_seen", "last_seen", "valid_from", "valid_until", "withdrawn_at")
    return {
        "tag": fact.tag,
        "source": fact.source,
        "kind": KIND_WORDS.get(fact.kind, "?"),
        **{name: _date(getattr(fact, name)) for name in dates},
        "withdrawn_reason": fact.withdrawn_reason,
        "confidence": fact.confidence,
        "tlp": None if fact.tlp is None else TLP_WORDS[fact.tlp],
        "ends_at": _date(judged.ends_at),
        "grace_until": _date(judged.grace_until),
        "sticky": judged.is_sticky,
        "counts": judged.counts,
        "why_not": judged.why_not or None,
        "excludes": judged.excludes,
    }


def _version_object(found: "Explanation", number: int | None) -> dict[str, Any] | None:
    return None if number is None else {"version": number, "made": _date(found.made_at.get(number))}


def _date(instant: int | None) -> str | None:
    return None if instant is None else to_text(instant)


def told(text: str) -> "Reason":
    """Return a reason that is kept as JSON."""
    told: Mapping[str, object] = json.loads(text)
    return {key: str(value) for key, value in told.items()}
