"""``yetictl db``: look after the database itself."""

from typing import TYPE_CHECKING

import click

from core.cli.output import counted, json_option, print_json, print_table, progress, say
from core.cli.session import Session
from core.errors import StoreError

if TYPE_CHECKING:
    from core.store.databases.interface import Database


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


@command.command("copy")
@click.option("--to", "target_url", required=True, metavar="URL", help="An empty database, of either kind.")
@click.option("--from", "source_url", metavar="URL", help="Another database than that of database.url.")
@click.option("--force", is_flag=True, help="Copy though something is running, and lose what it writes meanwhile.")
@json_option
@click.pass_obj
def copy(session: Session, target_url: str, source_url: str | None, force: bool, as_json: bool) -> int:
    """Copy all that the database holds to another one: from a file to PostgreSQL, or back.

    Exports, versions, observables, users, tokens and secrets go along; the source stays as it is.  What is kept of
    versions under system.versions_path, and what is published, is no part of it: both databases go with the same.

    Stop the services first, and set database.url to the new database when it is done.
    """
    from core.store import copying
    from core.store.migrate import upgrade as bring_up_to_date

    source, target = _database(source_url or session.config["database.url"]), _database(target_url)
    if source.label == target.label:
        raise StoreError(f"{target.label} is where it would be copied from; name another database")
    source.make_ready()
    if not force and (who := copying.in_use(source, session.now)):
        raise StoreError(f"{source.label}: {who}; stop it first, or use --force")
    bring_up_to_date(target_url)
    with progress("copying", sum(copying.counts(source).values())) as advance:
        copied = copying.copy(source, target, on_rows=advance)
    if as_json:
        print_json({"from": source.label, "to": target.label, "tables": copied})
    else:
        _print_counts(copied)
        say(f"copied {counted(sum(copied.values()), 'row')} to {target.label}; set database.url to it")
    return 0


def _database(url: str) -> "Database":
    from core.store.databases import database_at

    return database_at(url)


def _print_counts(tables: dict[str, int]) -> None:
    print_table(("table", "rows"), [(name, number) for name, number in tables.items() if number], right=("rows",))
