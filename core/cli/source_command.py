"""``yetictl source``: how long what a source claims counts, and how sure it is."""

from dataclasses import replace
from typing import Any

import click

from core.cli.output import json_option, print_json, print_table, say
from core.cli.parameters import Lifetime, Number, lifetime_text
from core.cli.session import Session
from core.errors import NotFound


@click.group()
def command() -> None:
    """Say how long what a source claims counts, and how sure it is."""


@command.command("list")
@json_option
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """Print the sources."""
    from core.store import lifetimes

    with session.store() as store:
        found = lifetimes.sources(store)
    if as_json:
        print_json(
            [
                {
                    "name": source.name,
                    "lifetime_s": source.lifetime_s,
                    "count_from": "last-seen" if source.from_last_seen else "receipt",
                    "confidence": source.confidence,
                }
                for source in found
            ]
        )
        return
    rows = [
        (
            source.name,
            lifetime_text(source.lifetime_s),
            "last seen" if source.from_last_seen else "receipt",
            "-" if source.confidence is None else source.confidence,
        )
        for source in found
    ]
    print_table(("source", "lifetime", "counts from", "confidence"), rows, right=("confidence",))


@command.command("set")
@click.argument("name")
@click.option(
    "--lifetime",
    "lifetime_s",
    type=Lifetime(),
    help="How long its claims count where the tag has no lifetime: 30d, 0, forever; '' is the default.",
)
@click.option(
    "--count-from",
    type=click.Choice(["receipt", "last-seen"]),
    help="Whether lifetimes count from when a claim was received, or from the source's own date.",
)
@click.option("--confidence", type=Number(), help="What counts where it states none, 0 to 100; '' is unknown.")
@click.pass_context
def set_(context: click.Context, /, name: str, **given: Any) -> None:
    """Set what is given for the source NAME; the rest stays."""
    from core.store import lifetimes

    session: Session = context.obj
    stated = {key for key in given if context.get_parameter_source(key) is click.core.ParameterSource.COMMANDLINE}
    if not stated:
        raise click.UsageError("say what to set: --lifetime, --count-from, --confidence")
    if (given["confidence"] or 0) > 100:
        raise click.UsageError(f"a confidence is 0 to 100, not {given['confidence']}")
    changes = {key: given[key] for key in stated & {"lifetime_s", "confidence"}}
    if given["count_from"]:
        changes["from_last_seen"] = given["count_from"] == "last-seen"
    with session.store() as store:
        old = next((source for source in lifetimes.sources(store) if source.name == name), None)
        if old is None:
            raise NotFound(f"there is no source {name!r}; yetictl source list shows them")
        lifetimes.set_source(store, replace(old, **changes))
    say(f"source {name} set; the next run of each export goes by it")
