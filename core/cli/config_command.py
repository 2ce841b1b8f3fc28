"""``yetictl config``: the settings and where each came from."""

import click

from core.cli.output import json_option, print_json, print_table, say
from core.cli.session import Session


@click.group()
def command() -> None:
    """Show the settings.

    A setting comes from the environment (YETI_SECTION_KEY, or YETI_SECTION_KEY_FILE naming a file that holds
    it), from the configuration file, or from its default, in that order.  An empty value counts as unset.
    """


@command.command()
@json_option
@click.pass_obj
def show(session: Session, as_json: bool) -> None:
    """Print every setting, its value, and where the value came from.  Passwords are not shown."""
    config = session.config
    rows = [("YETI_HOME", str(config.home), config.home_origin)]
    rows += [(name, value.shown, value.origin) for name, value in config.values.items()]
    if as_json:
        settings = [{"name": name, "value": value, "origin": origin} for name, value, origin in rows]
        print_json({"file": str(config.file) if config.file else None, "settings": settings})
        return
    print_table(("setting", "value", "from"), rows)
    say(f"configuration file: {config.file or 'none found'}")
