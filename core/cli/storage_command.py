"""``yetictl storage``: look into storages and move single files."""

import os
import sys
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import IO, TYPE_CHECKING

import click

from core.cli.output import counted, json_option, print_json, print_table, progress, say
from core.cli.parameters import Duration
from core.cli.session import Session
from core.cli.storage_output import leftover_record, print_cleaned, print_leftovers, receipt_record
from core.errors import StorageError
from core.redaction import redact
from core.schemas.instant import to_datetime, to_text

if TYPE_CHECKING:
    from core.clients.persistient_storage.receipts import Leftover
    from core.clients.persistient_storage.storage import Storage


@click.group()
def command() -> None:
    """Look into storages and move single files.

    PATH is a folder, or the path of another storage such as s3://bucket/prefix.  Storages other than folders
    read their vendor's own environment variables (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL_S3, ...).
    """


def _storage(session: Session, path: str) -> "Storage":
    from core.clients.persistient_storage import get_client
    from core.clients.persistient_storage.storage import Storage

    session.config  # noqa: B018 - makes the drop-in folder known
    return Storage(get_client(path))


@command.command("list")
@json_option
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """Print the storage clients there are, the folders where others are looked for, and what is broken."""
    from core.clients.persistient_storage import registry

    session.config  # noqa: B018 - makes the drop-in folder known
    listed, folders = registry.clients(), registry.folders()
    if as_json:
        rows = [
            {
                "prefix": item.prefix,
                "class": item.client,
                "origin": item.origin,
                "status": item.status,
                "reason": item.reason,
                "cannot_promise": list(item.cannot_promise),
            }
            for item in listed
        ]
        print_json({"clients": rows, "folders": [str(folder) for folder in folders]})
        return
    print_table(
        ("prefix", "class", "status", "from"),
        [
            (
                item.prefix or ("(any other path)" if item.client else None),
                item.client or None,
                item.status,
                item.origin,
            )
            for item in listed
        ],
    )
    for item in listed:
        if item.reason:
            say(f"{item.status}: {item.origin}: {item.reason}")
    say("drop-in folders: " + ", ".join(str(folder) for folder in folders))


@command.command()
@click.argument("path")
@json_option
@click.pass_obj
def check(session: Session, path: str, as_json: bool) -> None:
    """Write, read back, compare and delete a small file at PATH, and say what the storage can do.

    Who may write but not read, or not delete, can publish: that is said, and is no failure.  A file of the check
    that could not be deleted is named.

    Also listed is what killed writers have left there more than a day ago: part files, incomplete uploads, files of
    checks.  They take room or cost money; `storage clean` removes them.
    """
    from core.clients.persistient_storage.check import check_storage

    report = check_storage(path, _storage(session, path), to_datetime(session.now))
    if as_json:
        left = [leftover_record(item) for item in report.leftovers]
        print_json({**asdict(report), "leftovers": left, "is_ok": report.is_ok, "path": redact(path)})
    else:
        for step in report.steps:
            outcome = "refused" if step.is_refused else "ok" if step.is_ok else "failed"
            click.echo(f"{outcome:7} {step.name}{': ' + step.detail if step.detail else ''}")
        print_leftovers(report.leftovers)
        say(f"client {report.client}; optional methods: {', '.join(report.has) or 'none'}")
        if report.cannot_promise:
            say(f"it cannot promise: {', '.join(report.cannot_promise)}")
        if report.leftovers:
            say(f"left-overs are removed by: yetictl storage clean {redact(path)}")
    if not report.is_ok:
        raise StorageError(f"{redact(path)} cannot be used as it is; see the step that failed")


@command.command()
@click.argument("path")
@click.option("--dry-run", is_flag=True, help="Only list what would be removed.")
@click.option(
    "--older-than",
    type=Duration(),
    default="1d",
    show_default=True,
    help="Leave alone what began since; it may be a write that is going on.",
)
@json_option
@click.pass_obj
def clean(session: Session, path: str, dry_run: bool, older_than: int, as_json: bool) -> None:
    """Remove what killed writers have left at PATH: part files, incomplete uploads, files of checks.

    Published files are never touched.  On S3 every incomplete upload below the path counts, whoever began it: give
    exports a prefix of their own.

    How old something is, is the storage's time against the clock of this machine: where the two differ by hours, a
    write that is going on may look old.  Set the clocks right first, and let --older-than be longer than their
    difference and the longest write together.
    """
    from core.clients.persistient_storage.check import places_at

    places = places_at(path, _storage(session, path))
    found, errors = _found_left(places, to_datetime(session.now) - timedelta(seconds=older_than))
    reasons = None if dry_run else _removed(found)
    print_cleaned([item for _, item in found], reasons, as_json=as_json)
    blind = [type(place.client).__name__ for place in places if not hasattr(place.client, "leftovers")]
    if blind:
        say(f"this client cannot list left-overs: {', '.join(blind)}")
    elif not found and not errors:
        say("nothing was left behind")
    if failed := [reason for reason in reasons or () if reason is not None]:
        errors.append(f"{counted(len(failed), 'left-over')} could not be removed: {'; '.join(failed)}")
    if errors:
        raise StorageError("; ".join(errors))


def _found_left(places: "list[Storage]", before: datetime) -> "tuple[list[tuple[Storage, Leftover]], list[str]]":
    """Return what each place has, and why it could not be told of others."""
    from core.clients.persistient_storage.check import leftovers

    found: list[tuple[Storage, Leftover]] = []
    errors = []
    for place in places:
        try:
            found.extend((place, item) for item in leftovers(place, before))
        except StorageError as error:
            errors.append(str(error))
    return found, errors


def _removed(found: "list[tuple[Storage, Leftover]]") -> list[str | None]:
    """Remove each, and return why it could not be removed, or None."""
    from core.clients.persistient_storage.check import remove_leftover

    reasons: list[str | None] = []
    with progress("removing", len(found)) as advance:
        for place, item in found:
            try:
                remove_leftover(place, item)
                reasons.append(None)
            except StorageError as error:
                reasons.append(str(error))
            advance(1)
    return reasons


@command.command()
@click.argument("path")
@click.argument("name")
@click.argument("file", type=click.File("rb"))
@json_option
@click.pass_obj
def put(session: Session, path: str, name: str, file: IO[bytes], as_json: bool) -> None:
    """Store FILE (- is standard input) at PATH as NAME: whole or not at all."""
    storage = _storage(session, path)
    with progress(f"storing {name}", _size_bytes(file), "bytes") as advance, storage.open_writer(name) as target:
        while chunk := file.read(1 << 20):
            target.write(chunk)
            advance(len(chunk))
    receipt = target.receipt
    if as_json:
        print_json(receipt_record(receipt))
        return
    for copy in receipt.copies or (receipt,):
        say(f"{copy.location}  {copy.size_bytes:,} bytes  sha256 {copy.sha256}")


def _size_bytes(file: IO[bytes]) -> int | None:
    try:
        return os.fstat(file.fileno()).st_size or None
    except (OSError, ValueError):  # not a file of the disk
        return None


@command.command()
@click.argument("path")
@click.argument("name")
@click.pass_obj
def get(session: Session, path: str, name: str) -> None:
    """Write the file NAME of PATH to standard output."""
    output = sys.stdout.buffer
    with _storage(session, path).open_reader(name) as stored:
        while chunk := stored.read(1 << 20):
            output.write(chunk)
    output.flush()


@command.command()
@click.argument("path")
@click.argument("name")
@click.pass_obj
def rm(session: Session, path: str, name: str) -> None:
    """Delete the file NAME of PATH; one that is not there is fine."""
    _storage(session, path).delete(name)


@command.command()
@click.argument("path")
@json_option
@click.pass_obj
def ls(session: Session, path: str, as_json: bool) -> None:
    """Print the files at PATH."""
    found = list(_storage(session, path).list())
    if as_json:
        print_json(
            [
                {
                    "name": item.name,
                    "size_bytes": item.size_bytes,
                    "modified_at": to_text(item.modified_at) if item.modified_at else None,
                    "etag": item.etag,
                }
                for item in found
            ]
        )
    elif found:
        rows = [
            (item.name, item.size_bytes, to_text(item.modified_at) if item.modified_at else None) for item in found
        ]
        print_table(("name", "bytes", "modified"), rows, right=("bytes",))
    else:
        say("no files")
