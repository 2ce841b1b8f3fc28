"""``yetictl storage``: look into storages and move single files."""

import sys
from dataclasses import asdict
from typing import IO, TYPE_CHECKING

import click

from core.cli.output import json_option, print_json, print_table, say
from core.cli.session import Session
from core.errors import StorageError
from core.log import redact
from core.schemas.instant import to_text

if TYPE_CHECKING:
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
    """Write, read back, compare and delete a small file at PATH, and say what the storage can do."""
    from core.clients.persistient_storage.check import check_storage

    report = check_storage(path, _storage(session, path))
    if as_json:
        print_json({**asdict(report), "is_ok": report.is_ok, "path": redact(path)})
    else:
        for step in report.steps:
            click.echo(
                f"{'ok' if step.is_ok else 'failed':7} {step.name}{': ' + step.detail if step.detail else ''}"
            )
        say(f"client {report.client}; optional methods: {', '.join(report.has) or 'none'}")
        if report.cannot_promise:
            say(f"it cannot promise: {', '.join(report.cannot_promise)}")
    if not report.is_ok:
        raise StorageError(f"{redact(path)} cannot be used as it is; see the step that failed")


@command.command()
@click.argument("path")
@click.argument("name")
@click.argument("file", type=click.File("rb"))
@json_option
@click.pass_obj
def put(session: Session, path: str, name: str, file: IO[bytes], as_json: bool) -> None:
    """Store FILE (- is standard input) at PATH as NAME: whole or not at all."""
    storage = _storage(session, path)
    with storage.open_writer(name) as target:
        while chunk := file.read(1 << 20):
            target.write(chunk)
    receipt = target.receipt
    if as_json:
        print_json(
            {
                "name": receipt.name,
                "location": receipt.location,
                "size_bytes": receipt.size_bytes,
                "sha256": receipt.sha256,
                "etag": receipt.etag,
                "outcome": receipt.outcome,
            }
        )
        return
    say(f"{receipt.location}  {receipt.size_bytes:,} bytes  sha256 {receipt.sha256}")


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
