"""``yetictl export diff``: how two versions differ, or what the candidate that is held would change."""

import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import click
import msgspec

from core.cli.output import json_option, printable, say
from core.cli.session import Session
from core.exports.answers.reason_words import reason_words

if TYPE_CHECKING:
    from core.exports.versions.differences import Difference, Differences, Side

MOST_LINES = 50
_BATCH = 1_000
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_WORDS = ("added", "removed", "changed")
_encode = msgspec.json.Encoder().encode
_words = lru_cache(maxsize=10_000)(reason_words)


class _SideType(click.ParamType["Side"]):
    """The number of a version, 0 for none, or ``held``."""

    name = "version"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Side":
        """Return the side that was typed."""
        if value == "held":
            return "held"
        try:
            number = int(value)
        except ValueError:
            number = -1
        if number < 0:
            self.fail(f"{value!r} is neither the number of a version nor held", param, ctx)
        return number


@click.command()
@click.argument("name")
@click.argument("before", metavar="[A]", required=False, type=_SideType())
@click.argument("after", metavar="[B]", required=False, type=_SideType())
@click.option(
    "--limit",
    type=click.IntRange(0),
    help=f"How many lines at most; the default is {MOST_LINES}, or all with --json; 0 is all.",
)
@json_option
@click.pass_obj
def diff(
    session: Session,
    name: str,
    before: "Side | None",
    after: "Side | None",
    limit: int | None,
    as_json: bool,
) -> None:
    """Print what was added, removed (and why) and changed between two versions.

    A and B are numbers of versions, 0 is before the first; `held` is what a run made and the gate held.  Without B it
    is the current version, without both the one before and the current one.

    \b
    Examples:
      yetictl export diff c2             the last change
      yetictl export diff c2 12 15       from version 12 to version 15
      yetictl export diff c2 held        what would be published by a release
    """
    from core.exports.versions.differences import differences

    session.config  # noqa: B018 - makes drop-in clients known
    with session.store() as store, differences(store, name, session.export_settings, before, after) as found:
        if as_json:
            _print_object(name, found, limit or 0)
            return
        most = MOST_LINES if limit is None else limit
        shown = _echo_all(f"{line}\n" for line in _first(map(_line, found.changes), most))
        total = sum(found.counts.values())
        if total > shown:
            say(f"… and {total - shown:,} more; --limit 0 prints all")
        say(f"{name}: {_side(found.before)} → {_side(found.after)}: {_counts(found)}")


def _print_object(name: str, found: "Differences", most: int) -> None:
    """Print everything as one object, change by change: there may be a million."""
    head = {"export": name, "from": found.before, "to": found.after}
    click.echo(json.dumps(head, ensure_ascii=False)[:-1] + ', "changes": [', nl=False)
    objects = (_encode(_object(item)).decode() for item in found.changes)
    _echo_all((",\n" if number else "\n") + text for number, text in enumerate(_first(objects, most)))
    counts = {word: found.counts[word] for word in _WORDS} | {"removed_for": dict(sorted(found.reasons.items()))}
    click.echo("], " + json.dumps(counts)[1:])


def _first(texts: Iterator[str], most: int) -> Iterator[str]:
    """Yield the first texts, all if *most* is 0; the others are read, too, to be counted."""
    for number, text in enumerate(texts):
        if not most or number < most:
            yield text


def _echo_all(texts: Iterator[str]) -> int:
    """Print texts, many at once, and return how many they were."""
    shown = 0
    while batch := list(islice(texts, _BATCH)):
        click.echo("".join(batch), nl=False)
        shown += len(batch)
    return shown


def _object(item: "Difference") -> dict[str, Any]:
    why = {"why": msgspec.Raw(item.reason.encode())} if item.reason else {}
    return {"change": item.change, "type": item.type, "value": item.value} | why


def _line(item: "Difference") -> str:
    why = f"  {_words(item.reason)}" if item.reason else ""
    line = f"{_SIGNS[item.change]} {item.type} {item.value}{why}"
    return line if line.isprintable() else printable(line)


def _counts(found: "Differences") -> str:
    return ", ".join(_count(found, word) for word in _WORDS)


def _count(found: "Differences", word: str) -> str:
    text = f"{found.counts[word]:,} {word}"
    if word != "removed" or not found.reasons:
        return text
    return f"{text} ({', '.join(_reasons(found))})"


def _reasons(found: "Differences") -> Iterator[str]:
    for reason, count in sorted(found.reasons.items(), key=lambda pair: (-pair[1], pair[0])):
        yield f"{count:,} {reason}"


def _side(side: "Side") -> str:
    return "what is held" if side == "held" else f"version {side}" if side else "nothing"
