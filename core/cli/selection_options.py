"""The options of ``export add`` and ``export edit`` that say what an export takes and how it is written."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from core.cli.parameters import Duration, Marking, Moment, Number, Pair
from core.schemas.export import Selection
from core.values.types import expand

F = TypeVar("F", bound=Callable[..., Any])


def _tags(name: str, meaning: str) -> Callable[[F], F]:
    return click.option(name, multiple=True, metavar="TAG", help=f"{meaning} Repeatable.")


def what_options(function: F) -> F:
    """Add the options to a command; each is ``None`` or ``()`` where it was not given."""
    for option in reversed(
        (
            click.option("--format", "form", metavar="F", help="The format; see `yetictl format list`."),
            click.option("--template", metavar="T", help="A template instead; see `yetictl template list`."),
            click.option(
                "--type",
                "types",
                multiple=True,
                metavar="T",
                help="Observable type, or the groups ip, domain, hash. Repeatable. "
                "Default: every type the format can express.",
            ),
            _tags("--include", "Take what has any of these tags."),
            _tags("--require", "Take only what has all of these tags."),
            _tags("--exclude", "Leave out what has any of these tags."),
            _tags("--ignore", "Act as if these tags were not there."),
            click.option("--source", "sources", multiple=True, metavar="S", help="Only what these sources claim."),
            click.option("--with-info/--without-info", default=None, help="Also mere context (kind info)."),
            click.option("--untagged/--tagged-only", default=None, help="Also what has no tag."),
            click.option("--any-freshness/--fresh-only", default=None, help="Stale tags count as well."),
            click.option(
                "--max-age", "max_age_s", type=Duration(), help="Received at most so long ago, such as 30d."
            ),
            click.option(
                "--first-seen-after", type=Moment(), help="First seen then or later, such as 2024-05-01."
            ),
            click.option("--last-seen-after", type=Moment(), help="Last seen then or later, such as 2024-05-01."),
            click.option(
                "--tlp",
                "most_tlp",
                type=Marking(),
                metavar="LEVEL",
                help="Only what may be passed on so far: clear, green, amber (the default), amber+strict, red. "
                "With --public the default is clear.",
            ),
            click.option(
                "--min-confidence",
                "least_confidence",
                type=Number(),
                metavar="N",
                help="Only what is held at least this sure (0 to 100).",
            ),
            click.option(
                "--grace", "grace_s", type=Duration(), help="Keep an entry for so long after its end, such as 6h."
            ),
            click.option(
                "--undated",
                type=click.Choice(["keep", "drop"]),
                help="What neither a date nor a lifetime gives an end to. Default: keep.",
            ),
            click.option(
                "--public/--not-public",
                "is_public",
                default=None,
                help="Anybody may fetch what is published; else it takes the token of a consumer.",
            ),
            click.option(
                "--network",
                "networks",
                multiple=True,
                metavar="N",
                help="It may only be fetched from this network, or address. Repeatable; '' clears.",
            ),
            click.option(
                "--deltas/--no-deltas",
                default=None,
                help="Publish what each version added and removed beside the file.",
            ),
            click.option("--every", "every_s", type=Duration(), help="Run it so often, such as 1h."),
            click.option("--cron", metavar="'M H D M W'", help="Run it at these times, such as '30 4 * * *'."),
            click.option(
                "--time-zone", "zone", metavar="ZONE", help="Of --cron, such as Europe/Berlin; else UTC."
            ),
            click.option(
                "--jitter", "jitter_s", type=Duration(), help="Up to so much later, by chance, such as 5m."
            ),
            click.option(
                "--to", "destination", metavar="PATH", help="Publish there instead of system.export_path."
            ),
            click.option(
                "--option",
                "options",
                type=Pair(),
                multiple=True,
                metavar="KEY=VALUE",
                help="An option of the format.",
            ),
            click.option(
                "--limit",
                "limits",
                type=Pair(),
                multiple=True,
                metavar="KEY=VALUE",
                help="A limit of the gate; `yetictl export limits` prints them.",
            ),
            click.option("--description", help="What it is for, in your words."),
        )
    ):
        function = option(function)
    return function


def changed_selection(selection: Selection, given: dict[str, Any]) -> Selection:
    """Return *selection* with the fields that were given on the command line replaced.

    An option given replaces its field whole; ``--include ''`` clears it.
    """
    changes: dict[str, Any] = {}
    for name in ("include", "require", "exclude", "ignore", "sources"):
        if given[name]:
            changes[name] = tuple(dict.fromkeys(text for text in given[name] if text.strip()))
    if given["types"]:
        changes["types"] = expand([text for text in given["types"] if text.strip()])
    for name in ("with_info", "untagged", "any_freshness"):
        if given[name] is not None:
            changes[name] = given[name]
    for name in ("max_age_s", "first_seen_after", "last_seen_after", "most_tlp", "least_confidence"):
        if _is_given(name):
            changes[name] = given[name]
    if _is_given("grace_s"):
        changes["grace_s"] = given["grace_s"] or 0
    if given["undated"]:
        changes["undated"] = given["undated"]
    return replace(selection, **changes)


def schedule_text(given: dict[str, Any]) -> str | None:
    """Return the schedule as it is kept: empty if it was cleared, ``None`` if none was given.

    Raises:
        UsageError: Two were given.
    """
    every_s, cron = given["every_s"], (given["cron"] or "").strip()
    zone, jitter_s = given["zone"], given["jitter_s"]
    if every_s and cron:
        raise click.UsageError("--every and --cron exclude each other")
    if (zone or jitter_s) and not (every_s or cron):
        raise click.UsageError("--time-zone and --jitter belong to a schedule: say --every or --cron, too")
    more = (f";zone={zone}" if zone else "") + (f";jitter={jitter_s}" if jitter_s else "")
    if every_s:
        return f"every:{every_s}{more}"
    if cron:
        return f"cron:{cron}{more}"
    return "" if _is_given("every_s") or _is_given("cron") else None


def _is_given(name: str) -> bool:
    """Say whether the option was on the command line; given as '' it clears, not given it leaves."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE
