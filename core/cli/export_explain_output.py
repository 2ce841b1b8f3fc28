"""How an explanation looks, for people and for programs."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from core.cli.export_preview_output import reason_words
from core.cli.output import print_table, printable
from core.schemas.instant import to_text
from core.store.rendering import KIND_WORDS, TLP_WORDS

if TYPE_CHECKING:
    from core.exports.answers.explain import Explanation, Standing
    from core.exports.answers.judging import Judged, Reason
    from core.store.ledger.history import Period

_COLUMN = 13
_MOST_PIECES = 20
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
_WHY_NOT = {
    "withdrawn": "withdrawn",
    "ignored": "the export ignores this tag",
    "benign": "it says that the value is harmless",
    "info": "it is mere context",
    "source": "the export does not take this source",
    "tlp": "it may not be passed on so far",
    "confidence": "it is not sure enough",
    "undated": "nothing tells when it ends",
    "not-begun": "it has not begun",
    "ended": "it has ended",
    "tag": "the export does not include this tag",
}
_HELD = {"added": "add it", "removed": "remove it", "changed": "keep it", "kept-off": "keep it off"}


def reason_text(reason: "Reason") -> str:
    """Return why something is not listed, in words."""
    sentence = _SENTENCES.get(reason["reason"])
    if sentence is None:
        return reason_words(json.dumps(reason))
    try:
        return sentence.format_map(reason)
    except KeyError:
        return reason["reason"]


def print_explanation(found: "Explanation") -> None:
    """Print an explanation for people."""
    for number, standing in enumerate(found.standings):
        if number:
            click.echo()
        click.echo(printable(_headline(found, standing)))
        for title, text in _lines(found, standing):
            click.echo(printable(f"  {title:<{_COLUMN}}{text}"))
        _print_assertions(standing)
        for other in standing.around:
            relation = "it lies in" if other.type == "cidr" else "it is below"
            click.echo(printable(f"{relation} {_headline(found, other, ', which')}"))
            for title, text in _lines(found, other):
                click.echo(printable(f"  {title:<{_COLUMN}}{text}"))
            _print_assertions(other)


def explanation_object(found: "Explanation") -> dict[str, Any]:
    """Return an explanation for ``--json``."""
    return {
        "export": found.export,
        "version": found.version,
        "current": found.is_current,
        "values": [_standing_object(found, item) for item in found.standings],
        "notes": list(found.notes),
    }


def _headline(found: "Explanation", item: "Standing", which: str = "") -> str:
    what = f"{item.value} ({item.type}){which}"
    if found.version is None:
        return f"{what} is not on {found.export}: {reason_text(item.reason)}"
    where = f"version {found.version} of {found.export}"
    if not item.is_listed:
        return f"{what} is not on {where}: {reason_text(item.reason)}"
    parts = f", in {len(item.pieces):,} parts" if item.pieces else ""
    since = f", since {_version(found, item.since)}" if item.since is not None else ""
    return f"{what} is on {where}{parts}{since}"


def _lines(found: "Explanation", item: "Standing") -> Iterator[tuple[str, str]]:
    if item.by:
        yield "let in by", ", ".join(f"{tag} from {source}" for tag, source in item.by)
    if item.pieces:
        yield "listed parts", _pieces(item.pieces)
        yield "for", reason_text(item.reason)
    if item.held is not None:
        change, reason = item.held
        why = f": {reason_text(reason)}" if reason else ""
        yield "what is held", f"would {_HELD.get(change, change)}{why}"
    if (text := _next(item)) is not None:
        yield "a run now", text
    for period in item.periods:
        yield ("listed" if period.is_listed else "kept off"), _period(found, period)
    for hit in item.informed:
        yield "allow-list", f"{hit.list} ({hit.relation} {hit.entry}) only informs"


def _next(item: "Standing") -> str | None:
    """Return what a run would do, where that is not what the version has, too."""
    if item.next is None or (not item.is_known and not item.is_listed):
        return None
    if item.next_pieces:
        return f"would list parts: {_pieces(item.next_pieces)}" if item.next_pieces != item.pieces else None
    if not item.next:
        return None if item.is_listed and not item.pieces else "would list it"
    if item.is_listed:
        return f"would take it off: {reason_text(item.next)}"
    return f"would not list it: {reason_text(item.next)}" if item.next != item.reason else None


def _period(found: "Explanation", period: "Period") -> str:
    why = f" ({reason_text(_told(period.why))})" if period.why else ""
    text = f"since {_version(found, period.first)}{why}"
    if period.last is None:
        return text
    ended = f": {reason_text(_told(period.ended_by))}" if period.ended_by else ""
    return f"{text}, until {_version(found, period.last + 1)}{ended}"


def _version(found: "Explanation", number: int) -> str:
    made = found.made_at.get(number)
    return f"version {number} ({to_text(made)})" if made is not None else f"version {number}"


def _pieces(pieces: tuple[str, ...]) -> str:
    more = f" and {len(pieces) - _MOST_PIECES:,} more" if len(pieces) > _MOST_PIECES else ""
    return ", ".join(pieces[:_MOST_PIECES]) + more


def _print_assertions(item: "Standing") -> None:
    if not item.assertions:
        return
    rows = [
        (
            f"  {judged.fact.tag}",
            judged.fact.source,
            KIND_WORDS.get(judged.fact.kind, "?"),
            to_text(judged.fact.created_at),
            _ends(judged),
            _state(judged),
        )
        for judged in item.assertions
    ]
    print_table(("  tag", "source", "kind", "since", "ends", "counts"), rows)


def _ends(judged: "Judged") -> str:
    if judged.is_sticky:
        return "never (sticky)"
    return to_text(judged.ends_at) if judged.ends_at is not None else "never"


def _state(judged: "Judged") -> str:
    fact = judged.fact
    if judged.excludes:
        return "no, it keeps the value off"
    if judged.counts:
        until = judged.grace_until
        return "yes" if until is None else f"yes, within the grace until {to_text(until)}"
    text = f"no: {_WHY_NOT[judged.why_not]}"
    if judged.why_not == "withdrawn" and fact.withdrawn_at is not None:
        return f"{text} {to_text(fact.withdrawn_at)}" + (
            f" ({fact.withdrawn_reason})" if fact.withdrawn_reason else ""
        )
    if judged.why_not == "tlp" and fact.tlp is not None:
        return f"{text} (TLP:{TLP_WORDS[fact.tlp].upper()})"
    return text


def _standing_object(found: "Explanation", item: "Standing") -> dict[str, Any]:
    return {
        "type": item.type,
        "value": item.value,
        "known": item.is_known,
        "listed": item.is_listed,
        "since": _version_object(found, item.since) if item.is_listed else None,
        "by": [{"tag": tag, "source": source} for tag, source in item.by],
        "reason": item.reason or None,
        "text": _headline(found, item),
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
                "why": _told(period.why) if period.why else None,
                "reason": _told(period.ended_by) if period.ended_by else None,
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


def _told(text: str) -> "Reason":
    told: Mapping[str, object] = json.loads(text)
    return {key: str(value) for key, value in told.items()}
