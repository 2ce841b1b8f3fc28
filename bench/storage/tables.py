"""The figures as tables: rows of text, for the terminal and for pages alike."""

from typing import NamedTuple

from bench.storage.bars import Verdict
from bench.storage.figures import Figures
from bench.storage.subjects import LOCAL, REMOTE, subject


class Table(NamedTuple):
    """A heading and rows; the first row is that of the columns."""

    heading: str
    rows: list[list[str]]


class Column(NamedTuple):
    """What a column shows: a figure of a measure, or how often boto3's it is."""

    title: str
    measure: str
    figure: str
    unit: float = 1
    is_ratio: bool = False


SERVERS = {"seaweedfs": "SeaweedFS", "sink": "bare sink"}
NONE = "-"


def tables(figures: Figures) -> list[Table]:
    """Return every table that there are figures for."""
    measures = dict.fromkeys(measure for _, measure, _ in figures.rounds)
    sizes = [measure.removeprefix("up ") for measure in measures if measure.startswith("up ")]
    plans = [
        ("1 KiB, one after the other", _small()),
        ("text of unknown length", _stream()),
        *((f"a file of {size}", _large(size)) for size in sizes),
        ("start-up, to the end of a process that put 1 KiB", _start()),
    ]
    found = [
        Table(f"{server}: {heading}", _rows(figures, place, columns))
        for place, server in SERVERS.items()
        for heading, columns in plans
    ]
    found.append(Table("import alone, above the bare interpreter", _rows(figures, "none", _IMPORT)))
    found.append(Table("local folder: durable put", _local(figures)))
    return [table for table in found if len(table.rows) > 1]


def _small() -> list[Column]:
    return [
        column
        for do in ("put", "get")
        for column in (
            Column(f"{do} ms", f"{do} 1 KiB", "wall_s", 1000),
            Column("x boto3", f"{do} 1 KiB", "wall_s", is_ratio=True),
            Column("CPU ms", f"{do} 1 KiB", "cpu_s", 1000),
            Column("x boto3", f"{do} 1 KiB", "cpu_s", is_ratio=True),
            Column("requests", f"{do} 1 KiB", "requests"),
        )
    ]


def _stream() -> list[Column]:
    return [
        Column("s", "text", "wall_s"),
        Column("x boto3", "text", "wall_s", is_ratio=True),
        Column("CPU s", "text", "cpu_s"),
        Column("x boto3", "text", "cpu_s", is_ratio=True),
        Column("peak MiB", "text", "peak_mib"),
        Column("requests", "text", "requests"),
    ]


def _large(size: str) -> list[Column]:
    return [
        column
        for do in ("up", "down")
        for column in (
            Column(f"{do} s", f"{do} {size}", "wall_s"),
            Column("CPU s", f"{do} {size}", "cpu_s"),
            Column("peak MiB", f"{do} {size}", "peak_mib"),
            Column("requests", f"{do} {size}", "requests"),
        )
    ]


def _start() -> list[Column]:
    return [Column("ms", "start", "wall_s", 1000), Column("CPU ms", "start", "cpu_s", 1000)]


_IMPORT = [Column("ms", "import", "wall_s", 1000)]


def _rows(figures: Figures, place: str, columns: list[Column]) -> list[list[str]]:
    tried = {name for _, _, name in [*figures.rounds, *figures.failures]}
    names = sorted((tried | set(figures.missing)) - set(LOCAL), key=_order)
    cells = {name: [cell(figures, place, column, name) for column in columns] for name in names}
    kept = [number for number in range(len(columns)) if any(cells[name][number] != NONE for name in names)]
    if not kept:
        return []
    rows = [["", *(columns[number].title for number in kept)]]
    measures = {column.measure for column in columns} | {"warm up", "warm up text"}
    failed = {name for at, measure, name in figures.failures if at == place and measure in measures}
    for name in names:
        row = [cells[name][number] for number in kept]
        if name in figures.missing:
            row[0] = "missing"
        elif name in failed:
            row[0] = "failed"
        elif set(row) == {NONE}:
            continue
        rows.append([label(name), *row])
    return rows


def _local(figures: Figures) -> list[list[str]]:
    rows = [["", "ms", "bare recipe ms", "ratio", "CPU ms", "bare recipe CPU ms"]]
    for place, measure, name in figures.rounds:
        if (place, name) == ("local", "ours-local") and measure.startswith("put "):
            wall, used = Column("", measure, "wall_s", 1000), Column("", measure, "cpu_s", 1000)
            both = [cell(figures, place, column, name) for column in (wall, used) for name in LOCAL]
            ratio = figures.ratio((place, measure, name), "recipe", "wall_s")
            rows.append([measure, *both[:2], f"{ratio:.2f}" if ratio else NONE, *both[2:]])
    return rows


def cell(figures: Figures, place: str, column: Column, name: str) -> str:
    """Return what stands in a column for a subject."""
    key = (place, column.measure, name)
    figure = column.figure
    value = figures.ratio(key, "boto3", figure) if column.is_ratio else figures.value(key, figure)
    if value is None:
        return NONE
    value *= column.unit
    if column.figure == "requests" or value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def label(name: str) -> str:
    """Return what a subject is called for people."""
    return "bare interpreter" if name == "bare" else str(subject(name).label)


def _order(name: str) -> int:
    return [*REMOTE, "bare"].index(name)


def show(figures: Figures, verdicts: list[Verdict]) -> None:
    """Print everything."""
    for table in tables(figures):
        print(f"\n{table.heading}")
        widths = [max(map(len, column)) for column in zip(*table.rows, strict=True)]
        for row in table.rows:
            cells = [text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)]
            print("  " + "  ".join([row[0].ljust(widths[0]), *cells]).rstrip())
    print("\nbars")
    for verdict in verdicts:
        print(f"  {verdict.word:6}  {verdict.what:<44} {verdict.found:>14}  at most {verdict.most}")
