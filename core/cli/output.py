"""How results look: tables for people, JSON for programs, progress on a terminal only."""

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

WIDE = 150
"""Columns of a terminal that has room for whole digests."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def say(message: str) -> None:
    """Tell the user something, in one line on standard error."""
    click.echo(printable(message), err=True)


def counted(number: int, noun: str) -> str:
    """Return *number* with its noun: ``1 row``, ``2,000 rows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    """Return *text* with a mark for every control character.

    Names and values come from outside; what controls a terminal would take it over, what breaks a line would forge one.
    """
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def print_json(value: Any) -> None:
    """Print *value* as one line of JSON, or indented where a person is looking.

    What the output cannot hold (half a character of a file name, a letter that the locale has not) is escaped.
    """
    indent = 2 if sys.stdout.isatty() else None
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=indent)
    click.echo(text)


def is_wide() -> bool:
    """Say whether there is room for whole digests: on a wide terminal, and where no person is looking."""
    return not sys.stdout.isatty() or shutil.get_terminal_size().columns >= WIDE


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str] = ()) -> None:
    """Print rows in columns as wide as they need; columns named in *right* are aligned right.

    Nothing is cut or wrapped, so that values can be copied and lines can be searched.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    aligned = [heading in right for heading in headings]
    for number, line in enumerate([list(headings), *cells]):
        parts = (
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(line, widths, aligned, strict=True)
        )
        text = "  ".join(parts).rstrip()
        click.echo(click.style(text, bold=True) if number == 0 else text)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return printable(value if isinstance(value, str) else str(value))


@contextmanager
def progress(title: str, total: int | None, unit: str = "") -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error while a block runs, if that is a terminal; give a function to advance it."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    amount = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda step: bar.advance(task, step)
