"""``yetictl tag``: how long tags count, and whether an exclusion by one lapses."""

import click

from core.cli.output import json_option, print_json, print_table, say
from core.cli.parameters import Lifetime, lifetime_text
from core.cli.session import Session


@click.group()
def command() -> None:
    """Say how long tags count, and whether an exclusion by one lapses."""


@command.command("list")
@json_option
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """Print the tags."""
    from core.store import tags

    with session.store() as store:
        found = tags.tags(store)
    if as_json:
        print_json([{"name": tag.name, "lifetime_s": tag.lifetime_s, "sticky": tag.is_sticky} for tag in found])
        return
    rows = [(tag.name, lifetime_text(tag.lifetime_s), "sticky" if tag.is_sticky else "") for tag in found]
    print_table(("tag", "lifetime", "exclusion"), rows)


@command.command("set")
@click.argument("name")
@click.option(
    "--lifetime",
    "lifetime_s",
    type=Lifetime(),
    help="How long it counts after it was last received: 30d, 0, forever; '' is the default.",
)
@click.option(
    "--exclusion",
    type=click.Choice(["sticky", "lapses", "by-name"]),
    help="Whether an exclusion by it holds when it went stale. By name: sticky where it says benign, "
    "allow-listed, false positive.",
)
@click.pass_context
def set_(context: click.Context, name: str, lifetime_s: int | None, exclusion: str | None) -> None:
    """Set what is given for the tag NAME, whatever its spelling; the rest stays."""
    from core.store import tags
    from core.values.tags import tag_key

    session: Session = context.obj
    is_given = context.get_parameter_source("lifetime_s") is click.core.ParameterSource.COMMANDLINE
    if not is_given and exclusion is None:
        raise click.UsageError("say what to set: --lifetime, --exclusion")
    stickiness = {"sticky": True, "lapses": False}
    with session.store() as store:
        old = next((tag for tag in tags.tags(store) if tag.key == tag_key(name)), None)
        tags.set_tag(
            store,
            name,
            lifetime_s=lifetime_s if is_given or old is None else old.lifetime_s,
            sticky=old.sticky if exclusion is None and old else stickiness.get(exclusion or ""),
        )
    say(f"tag {name} set; the next run of each export goes by it")
