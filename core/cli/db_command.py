"""``yetictl db``: look after the database itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.cli.db_output import (
    backup_record,
    faults_record,
    print_difference,
    print_faults,
    print_stranger,
)
from core.cli.output import counted, json_option, print_json, print_table, progress, say
from core.cli.session import Session
from core.errors import ConfigError, StoreDamaged, StoreError
from core.schemas.instant import Instant, to_text

if TYPE_CHECKING:
    from core.store.databases.interface import Database
    from core.store.rebuild import Fault

_FILE = click.Path(dir_okay=False, path_type=Path)


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
    from core.store.migrate import REVISIONS
    from core.store.migrate import upgrade as bring_up_to_date

    before, after = bring_up_to_date(session.config["database.url"])
    if after not in REVISIONS:
        say(
            f"a newer version has upgraded the database to schema {after}, which this one ({REVISIONS[-1]}) may use"
        )
    elif before == after:
        say(f"the database is up to date (schema {after})")
    else:
        say(f"the database has schema {after} now, it {'was empty' if before is None else f'had {before}'}")
    return 0


@command.command("copy")
@click.option("--to", "to_url", metavar="URL", help="An empty database, of either kind.")
@click.option("--to-file", type=_FILE, help="A file that holds that URL.")
@click.option("--from", "from_url", metavar="URL", help="Another database than that of database.url.")
@click.option("--from-file", type=_FILE, help="A file that holds that URL.")
@click.option("--force", is_flag=True, help="Copy though something is running, and lose what it writes meanwhile.")
@json_option
@click.pass_obj
def copy(
    session: Session,
    to_url: str | None,
    to_file: Path | None,
    from_url: str | None,
    from_file: Path | None,
    force: bool,
    as_json: bool,
) -> int:
    """Copy all that the database holds to another one: from a file to PostgreSQL, or back.

    Exports, versions, observables, users, tokens and secrets go along; the source stays as it is.  What is kept of
    versions under system.versions_path, and what is published, is no part of it: both databases go with the same.

    What is typed is seen by others of the machine: a password belongs into a file, --to-file or libpq's PGPASSFILE.

    Stop the services first, and set database.url to the new database when it is done.  That one is made, or brought to
    the schema of this version, once it is known to be empty and unused; its record of changes says who copied.
    """
    from core.store import copying
    from core.store.migrate import upgrade as bring_up_to_date

    target_url = _given("--to", to_url, to_file)
    if target_url is None:
        raise click.UsageError("say where to: --to URL, or --to-file FILE")
    source_url = _given("--from", from_url, from_file) or session.config["database.url"]
    source, target = _database(source_url), _database(target_url)
    if source.label == target.label:
        raise StoreError(f"{target.label} is where it would be copied from; name another database")
    for database in (source, target):
        if not force and (who := copying.in_use(database, session.now)):
            raise StoreError(f"{database.label}: {who}; stop it first, or use --force")
    copying.refuse_content(target)
    source.make_ready()
    copying.refuse_newer(source)
    # Only now: what is on a server may be in use by an older version, and then stays as it is.
    bring_up_to_date(target_url)
    with progress("copying", sum(copying.counts(source).values())) as advance:
        told = copying.Told("database copied", source.label)
        copied = copying.copy(source, target, told=told, on_rows=advance)
    if as_json:
        print_json({"from": source.label, "to": target.label, "tables": copied})
    else:
        _print_counts(copied)
        say(f"copied {counted(sum(copied.values()), 'row')} to {target.label}; set database.url to it")
    return 0


@command.command("backup")
@click.argument("path", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@json_option
@click.pass_obj
def backup(session: Session, path: Path, force: bool, as_json: bool) -> int:
    """Write all that the database holds at this moment to FILE; services may go on.

    The file goes back into a database of either kind.  Only its owner may read it: it has password hashes and the
    secret of sessions.  Versions under system.versions_path, and what is published, are no part of it.
    """
    from core.exports.versions.records import SOFTWARE
    from core.store import backup as backups
    from core.store import copying

    database = _database(session.config["database.url"])
    database.make_ready()
    with progress("reading", sum(copying.counts(database).values())) as advance:
        manifest = backups.write(database, path, session.now, SOFTWARE, replace=force, on_rows=advance)
    if as_json:
        print_json({"path": str(path)} | backup_record(manifest))
    else:
        say(
            f"{path}: {counted(sum(manifest.tables.values()), 'row')} of {database.label}, schema {manifest.schema}"
        )
    return 0


@command.command("restore")
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace what the database holds; it is written to a backup first.")
@json_option
@click.pass_obj
def restore(session: Session, path: Path, force: bool, as_json: bool) -> int:
    """Put what a backup holds into the database, which has to be empty, and compare it with storage.

    A backup of an older version of this program is brought to the schema of this one.  The file is checked first; all
    of it is restored, or nothing.  Stop the services before.  The record of changes is that of the backup, and says
    who restored it.

    Exit status 3: it was restored, and storage knows something else; the output says of which exports, and what to do.
    """
    from core.exports.versions.records import SOFTWARE
    from core.store import backup as backups
    from core.store import copying
    from core.store.migrate import upgrade as bring_up_to_date

    url = session.config["database.url"]
    database = _database(url)
    with backups.opened(path) as (manifest, source):
        if who := copying.in_use(database, session.now):
            raise StoreError(f"{database.label}: {who}; stop it first")
        what = copying.content(database)
        if what and not force:
            raise StoreError(f"{database.label} is not empty: it has {what}; set database.url, or use --force")
        # Only now: what is on a server may be in use by an older version, and then stays as it is.
        bring_up_to_date(url)
        detail = {"made_at": to_text(manifest.made_at)}
        if what:
            aside = path.with_name(f"{path.name}.before-{session.now // 1_000_000}")
            backups.write(database, aside, session.now, SOFTWARE)
            say(f"what the database held is in {aside}")
            detail |= {"replaced": what, "kept_in": str(aside)}
        with progress("restoring", sum(manifest.tables.values())) as advance:
            told = copying.Told("database restored", str(path), detail)
            copied = copying.copy(source, database, replace=force, told=told, on_rows=advance)
    if not as_json:
        say(f"restored {counted(sum(copied.values()), 'row')} of {to_text(manifest.made_at)} to {database.label}")
    record = {"restored": backup_record(manifest)} if as_json else None
    return _compared_with_storage(session, record, since=manifest.made_at)


@command.command("check")
@json_option
@click.pass_obj
def check(session: Session, as_json: bool) -> int:
    """Compare what the database knows of versions with what storage holds, as after a restore.

    Versions of exports that were removed without --purge are named, too.

    Exit status 3: they differ; the output says of which exports, and what to do.
    """
    return _compared_with_storage(session, {} if as_json else None)


@command.command("verify")
@click.option("--repair", is_flag=True, help="Make anew what can be made anew; services may go on.")
@json_option
@click.pass_obj
def verify(session: Session, repair: bool, as_json: bool) -> int:
    """Look for what a fault of a disk, or of this program, did to the database.

    What the sources said of an observable is kept with all dates, and a summary of it, from which lists are made: they
    are compared.  On SQLite the whole file is looked through, too.

    A summary can be made anew from what the sources said; the observable then counts as modified.  So can an index.
    For all else there is only a backup, and where the file itself is damaged nothing is made anew: what is left of it
    would be taken for all there was.

    Exit status 3: something is wrong, and was not repaired.
    """
    from core.store import rebuild

    def looked() -> "list[Fault]":
        with progress("comparing", rebuild.count(store)) as advance:
            return rebuild.verify(store, advance)

    faults: list[Fault] = []
    number, repaired, has_indexes = 0, 0, False
    try:
        with session.store() as store:
            faults = looked()
            if repair and rebuild.may_repair(faults) and any(fault.what == "index" for fault in faults):
                has_indexes = rebuild.make_indexes_anew(store, session.now)
                faults = looked()
            summaries = {fault.key for fault in faults if fault.what == "summary"}
            if repair and rebuild.may_repair(faults) and summaries:
                with progress("repairing", len(summaries)) as advance:
                    rebuild.rebuild(store, sorted(summaries), session.now, advance)
                faults = looked()
                repaired = len(summaries - {fault.key for fault in faults if fault.what == "summary"})
            number = rebuild.count(store)
    except StoreDamaged:
        faults = [*faults, rebuild.UNREADABLE]  # what was found until then is told, too
    if as_json:
        done = {"repaired": repaired, "indexes_made_anew": has_indexes}
        print_json({"observables": number, "faults": faults_record(faults), **done})
    else:
        print_faults(faults, number, repaired, has_indexes=has_indexes, may_repair=rebuild.may_repair(faults))
    return 3 if faults else 0


def _compared_with_storage(session: Session, record: dict[str, Any] | None, since: Instant | None = None) -> int:
    """Print, into *record* if there is one, what storage knows otherwise; return the exit status.

    Versions of an export that there is not are as they should be, unless one was made later than *since*.
    """
    import msgspec

    from core.exports.versions.restored import compared

    with session.store() as store:
        found = compared(store, session.export_settings)
    if record is not None:
        print_json(record | msgspec.to_builtins(found))
    else:
        for item in found.differences:
            print_difference(item)
        for stranger in found.strangers:
            print_stranger(stranger)
        if not found.differences and not found.strangers:
            say("storage holds the versions that the database knows, and no others")
    lost = [item for item in found.strangers if since is not None and (item.made_at or since) > since]
    return 3 if found.differences or lost else 0


def _given(option: str, url: str | None, file: Path | None) -> str | None:
    """Return the URL that was typed, or that a file holds."""
    if file is None:
        return url
    if url is not None:
        raise click.UsageError(f"{option} and {option}-file exclude each other")
    try:
        text = file.read_text("utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"{file} cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8 text'}"
        ) from None
    if not text:
        raise ConfigError(f"{file} is empty; it has to hold the URL of a database")
    return text


def _database(url: str) -> "Database":
    from core.store.databases import database_at

    return database_at(url)


def _print_counts(tables: dict[str, int]) -> None:
    print_table(("table", "rows"), [(name, number) for name, number in tables.items() if number], right=("rows",))
