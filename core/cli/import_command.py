"""``yetictl import``: read intelligence from files into the store."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.cli.output import counted, json_option, print_json, progress, say
from core.cli.parameters import Pair
from core.cli.session import Session
from core.schemas.claim import Kind, Refusal

if TYPE_CHECKING:
    from core.ingest.report import ImportReport

SHOWN_REFUSALS = 20


def format_names() -> list[str]:
    """Return the words that ``--format`` takes."""
    from core.ingest.registry import READERS

    return ["auto", *READERS]


class _FormatName(click.ParamType[str]):
    name = "format"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        names = format_names()
        if value.lower() not in names:
            self.fail(f"unknown format {value!r}; known: {', '.join(names)}", param, ctx)
        return value.lower()


@click.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=_FormatName(),
    default="auto",
    help="auto (the default) looks at each file; otherwise misp, stix, csv, text, jsonl, yeti, rules, warninglist.",
)
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Add this tag to every value. Repeatable.")
@click.option(
    "--source", metavar="NAME", help="Who says so. Default: MISP organisation, STIX identity, or file name."
)
@click.option(
    "--snapshot",
    is_flag=True,
    help="The files are all that their sources list: what a source listed before and lists no more ends now.",
)
@click.option(
    "--map",
    "columns",
    type=Pair(),
    multiple=True,
    metavar="ROLE=COLUMN",
    help="For tables: which column (name or number) is value, type, tags, first_seen, last_seen, valid_until, "
    "confidence, tlp, source, comment. Repeatable.",
)
@click.option(
    "--kind",
    type=click.Choice([kind.name.lower() for kind in Kind]),
    help="What the claims are, whatever the files say; `benign` for allow-lists, `info` for mere context.",
)
@click.option("--strict", is_flag=True, help="Exit with status 1 if any row was refused.")
@click.option(
    "--refused", "all_refusals", is_flag=True, help=f"Show every refused row, not just {SHOWN_REFUSALS}."
)
@json_option
@click.pass_obj
def command(
    session: Session,
    paths: tuple[Path, ...],
    form: str,
    tags: tuple[str, ...],
    source: str | None,
    snapshot: bool,
    columns: tuple[tuple[str, str], ...],
    kind: str | None,
    strict: bool,
    all_refusals: bool,
    as_json: bool,
) -> int:
    """Read intelligence from files and folders.

    Values are refanged, brought into one canonical form and merged with what is known: first seen moves
    backwards, last seen forwards, tags are united.  Importing the same file again changes nothing but the
    time it was last received, so that a feed can be read as often as it comes.

    What cannot be taken is said with file, line and reason; everything else goes in.  Exit status 1 means that
    a file could not be read at all (or, with --strict, that a row was refused).

    \b
    Examples:
      yetictl import feed.csv --tag c2
      yetictl import event.json bundle.stix2 lists/
      yetictl import dump.csv --map value=ip --map first_seen=3 --source "Our honeypot"
      yetictl import blocklist.txt --source blocklist --snapshot
    """
    from core.ingest.reader import Options
    from core.ingest.run import import_paths

    options = Options(source, tags, dict(columns), Kind[kind.upper()] if kind else None)
    refusals = _Refusals(None if all_refusals else SHOWN_REFUSALS)
    with session.store() as store, progress("reading", _size(paths), "bytes") as advance:
        report = import_paths(
            store,
            paths,
            options,
            now=session.now,
            format=form,
            snapshot=snapshot,
            on_refusal=refusals.add,
            on_bytes=advance,
        )
    refusals.show()
    for note in report.notes:
        say(note)
    say(summary(report))
    if as_json:
        print_json(as_object(report))
    return 1 if report.refused_files or (strict and report.refused) else 0


class _Refusals:
    """Collects refused rows while the progress bar is up; shows them when it is gone."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._lines: list[str] = []
        self._count = 0

    def add(self, path: Path, refusal: Refusal) -> None:
        self._count += 1
        if self._limit is None or len(self._lines) < self._limit:
            place = f"{path}:{refusal.line}" if refusal.line else str(path)
            excerpt = f": {refusal.excerpt}" if refusal.excerpt else ""
            self._lines.append(f"refused  {place}  {refusal.reason}{excerpt}")

    def show(self) -> None:
        for line in self._lines:
            say(line)
        if self._count > len(self._lines):
            say(f"... and {self._count - len(self._lines):,} more; --refused shows them all")


def _size(paths: tuple[Path, ...]) -> int:
    """Return about how many bytes there are to read, for the bar; what cannot be looked at is told when it is read."""
    if not sys.stderr.isatty():
        return 0
    total = 0
    for path in paths:
        with suppress(OSError):
            for file in path.rglob("*") if path.is_dir() else (path,):
                with suppress(OSError):
                    total += file.stat().st_size if file.is_file() else 0
    return total


def summary(report: "ImportReport") -> str:
    """Return what an import did, in one sentence or two."""
    text = (
        f"{counted(report.files, 'file')}, {counted(report.rows, 'row')}, "
        f"{counted(sum(report.observables.values()), 'observable')}: "
        f"{report.new:,} new, {report.updated:,} updated, {report.unchanged:,} unchanged"
    )
    further = (
        (report.refused, "row", "refused"),
        (report.refused_files, "file", "could not be read"),
        (report.templates, "template", "kept"),
        (report.allow_list_entries, "value", "on allow-lists"),
        (report.withdrawn, "assertion", "withdrawn"),
        (report.ended, "assertion", "ended, no longer listed"),
        (report.stale, "assertion", "already stale"),
    )
    return "; ".join([text, *(f"{counted(number, noun)} {what}" for number, noun, what in further if number)])


def as_object(report: "ImportReport") -> dict[str, object]:
    """Return the report as ``--json`` prints it."""
    return {
        "files": report.files,
        "refused_files": report.refused_files,
        "rows": report.rows,
        "observables": dict(sorted(report.observables.items())),
        "new": report.new,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "refused": report.refused,
        "stale": report.stale,
        "withdrawn": report.withdrawn,
        "ended": report.ended,
        "templates": report.templates,
        "allow_list_entries": report.allow_list_entries,
    }
