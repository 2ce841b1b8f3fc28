"""How an explanation looks, for people and for programs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from core.cli.output import print_table, printable
from core.exports.answers.explanation import headline, reason_text, told, version_text
from core.schemas.instant import to_text
from core.store.rendering import KIND_WORDS, TLP_WORDS

if TYPE_CHECKING:
    from core.exports.answers.judging import Judged
    from core.exports.answers.standing import Explanation, Standing
    from core.store.ledger.history import Period

_COLUMN = 13
_MOST_PIECES = 20
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


def print_explanation(found: "Explanation") -> None:
    """Print an explanation for people."""
    for number, standing in enumerate(found.standings):
        if number:
            click.echo()
        click.echo(printable(headline(found, standing)))
        for title, text in _lines(found, standing):
            click.echo(printable(f"  {title:<{_COLUMN}}{text}"))
        _print_assertions(standing)
        for other in standing.around:
            relation = "it lies in" if other.type == "cidr" else "it is below"
            click.echo(printable(f"{relation} {headline(found, other, ', which')}"))
            for title, text in _lines(found, other):
                click.echo(printable(f"  {title:<{_COLUMN}}{text}"))
            _print_assertions(other)


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
    why = f" ({reason_text(told(period.why))})" if period.why else ""
    text = f"since {version_text(found, period.first)}{why}"
    if period.last is None:
        return text
    ended = f": {reason_text(told(period.ended_by))}" if period.ended_by else ""
    return f"{text}, until {version_text(found, period.last + 1)}{ended}"


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
