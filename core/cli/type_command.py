"""``yetictl type``: how long observables of a type count."""

import click

from core.cli.output import json_option, print_json, print_table, say
from core.cli.parameters import Lifetime, lifetime_text
from core.cli.session import Session


@click.group()
def command() -> None:
    """Say how long observables of a type count."""


@command.command("list")
@json_option
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """Print the types and their lifetimes."""
    from core.store import lifetimes
    from core.values.types import TYPES

    with session.store() as store:
        found = lifetimes.type_lifetimes(store)
    if as_json:
        print_json([{"type": name, "lifetime_s": found.get(name)} for name in sorted(TYPES)])
        return
    print_table(("type", "lifetime"), [(name, lifetime_text(found.get(name))) for name in sorted(TYPES)])


@command.command("set")
@click.argument("name")
@click.option(
    "--lifetime",
    "lifetime_s",
    type=Lifetime(),
    required=True,
    help="How long it counts where neither tag nor source has a lifetime: 30d, 0, forever; '' is the default.",
)
@click.pass_obj
def set_(session: Session, name: str, lifetime_s: int | None) -> None:
    """Set the lifetime of observables of the type NAME."""
    from core.store import lifetimes

    with session.store() as store:
        lifetimes.set_type_lifetime(store, name, lifetime_s)
    say(f"type {name} set; the next run of each export goes by it")
