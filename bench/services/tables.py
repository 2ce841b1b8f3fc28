"""What was measured as tables: rows of text, for the terminal and for pages alike."""

from collections.abc import Mapping
from typing import NamedTuple

from bench.services import due, load
from bench.services.outcome import Outcome

_MOST_LINES, _MOST_LETTERS = 20, 200


class Table(NamedTuple):
    """A heading and rows; the first row is that of the columns."""

    heading: str
    rows: list[list[str]]


def of_load(found: load.Load, seconds: int) -> list[Table]:
    """Return who answers how fast."""
    columns = ["", "requests/s", "MiB/s", "p50 ms", "p99 ms", "errors", "peak MiB"]
    rows = [
        [
            f"{server}: {step}",
            f"{one.requests_per_s:,.0f}",
            f"{one.mib_per_s:,.0f}",
            f"{one.p50_ms:.2f}",
            f"{one.p99_ms:.2f}",
            str(one.errors),
            f"{one.peak_mib:.0f}",
        ]
        for server, steps in found.servers.items()
        for step, one in steps.items()
    ]
    missing = [[server, *["-"] * 6] for server, steps in found.servers.items() if not steps]
    return [Table(f"a file of {found.size_mib:.0f} MiB, {seconds} s each", [columns, *rows, *missing])]


def of_due(found: due.Figures, workers: int) -> list[Table]:
    """Return how long it took, and whether each ran once."""
    rows = [
        ["", ""],
        ["until the last had run, s", f"{found.took_s:.1f}"],
        ["until the last had begun, s", f"{found.last_waited_s:.1f}"],
        ["runs a second", f"{found.exports / found.took_s:.1f}"],
        ["runs of the worker that did most, and fewest", f"{found.by_worker[0]}, {found.by_worker[1]}"],
        ["lost", str(len(found.lost))],
        ["doubled", str(len(found.doubled))],
    ]
    heading = f"{found.exports} exports due at once, {workers} workers on PostgreSQL"
    return [Table(heading, rows), *_details({"lost": found.lost, "doubled": found.doubled})]


def of_faults(found: Outcome, seconds: int) -> list[Table]:
    """Return what came of it, and each error with its reason."""
    lists = {"lost": found.lost, "doubled": found.doubled, "torn": found.torn, "otherwise wrong": found.wrong}
    counted = {"killed": found.kills, "runs": found.runs, "files read": found.reads}
    rows = [["", ""]]
    rows += [
        [name, ", ".join(f"{what} {number:,}" for what, number in sorted(of.items())) or "none"]
        for name, of in counted.items()
    ]
    rows += [[name, str(len(lines))] for name, lines in lists.items()]
    rows.append(["errors without a reason", str(len(found.unexplained))])
    errors = [["where", "what was said", "times", "why"]]
    errors += [
        [error.where, error.what[:_MOST_LETTERS], f"{number:,}", error.why or "not explained"]
        for error, number in sorted(
            found.errors.items(), key=lambda item: (bool(item[0].why), item[0].where, -item[1])
        )
    ]
    tables = [Table(f"parts killed in turn for {seconds} s", rows)]
    if len(errors) > 1:
        tables.append(Table("every error, and why", errors))
    return [*tables, *_details(lists)]


def text(table: Table) -> str:
    """Return a table as a terminal shows it."""
    widths = [max(len(row[column]) for row in table.rows) for column in range(len(table.rows[0]))]
    last = len(widths) - 1
    lines = [
        "  ".join(
            cell.ljust(width) if place in (0, last) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table.rows
        if any(row)
    ]
    return "\n".join((f"\n{table.heading}", *lines))


def _details(lists: Mapping[str, list[str]]) -> list[Table]:
    return [
        Table(f"what is {name}", [[""], *([line] for line in lines[:_MOST_LINES])])
        for name, lines in lists.items()
        if lines
    ]
