"""``yetictl db``: look after the database itself."""

import click

from core.cli.output import say
from core.cli.session import Session


@click.group()
def command() -> None:
    """Look after the database that database.url names."""


@command.command("upgrade")
@click.pass_obj
def upgrade(session: Session) -> int:
    """Make the database, or bring it to the schema of this version.

    A file is brought up to date whenever it is opened.  A database on a server is not, since others may be using it:
    any other command refuses one that is older.  Of several that do this at once one does it, the others wait.
    """
    from core.store.migrate import upgrade as bring_up_to_date

    before, after = bring_up_to_date(session.config["database.url"])
    if before == after:
        say(f"the database is up to date (schema {after})")
    else:
        say(f"the database has schema {after} now, it {'was empty' if before is None else f'had {before}'}")
    return 0
