"""The scoreboard of docs/reference/scoreboard.md: made by the tests that prove it.

A test carries ``@pytest.mark.scoreboard("row")`` for each row it proves, one of the kit ``@proves("row")``; which of our
columns it counts for is its class's ``SUBJECT``, or follows from its fixtures, or is said:
``@pytest.mark.scoreboard("row", subject="local")``.
Where a client refuses in words what it cannot carry, the test says so by the kit's fixture ``refused``.
``pytest --scoreboard`` writes the page, ``--scoreboard-check`` fails if the page is another.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "scoreboard.md"

OTHERS = (
    "fsspec/s3fs",
    "UPath",
    "smart_open",
    "cloudpathlib",
    "obstore",
    "OpenDAL",
    "django-storages",
    "libcloud",
    "boto3",
)
VERSIONS = (
    "fsspec and s3fs 2026.9.0, universal_pathlib 0.3.10, smart_open 9.0.2, cloudpathlib 0.26.0, obstore 0.12.1, "
    "opendal 0.47.12, django-storages 1.14.6, apache-libcloud 3.9.1, boto3 1.43.117"
)
OURS = ("memory", "local", "S3 (SeaweedFS)", "S3 (moto)", "five methods")
S3 = ("S3 (SeaweedFS)", "S3 (moto)")


@dataclass(frozen=True)
class Row:
    """One case.

    Attributes:
        key: What the marks say.
        case: For the reader of the page.
        others: What was measured of the others, in the order of `OTHERS`; empty where nobody measured.
        applies: The columns of ours that the case can happen in.
    """

    key: str
    case: str
    others: str = ""
    applies: tuple[str, ...] = OURS


ROWS = (
    Row("exception: small", "exception inside `with open(w)`, 8 bytes", "✗ ✗ ✓ ✗ ✓ ✗ ✗ - -"),
    Row("exception: multipart", "the same, 10 MiB (several parts on S3)", "✗ ✗ ✓ ✗ ✓ ✗ ✗ - ✓"),
    Row("exception: text", "the same, through a text layer", "✗ ✗ ✓ ✗ - - ✗ - -"),
    Row("exception: compressed", "the same, compressed on the way", "✗ ✗ ✓ ✗ - - ✗ - -"),
    Row("exception: small", "the same, a local file", "✗ ✗ ✗ ✗ ✓ ✗ ✗ ✗ -", ("local",)),
    Row("garbage collection", "the file object is dropped without close", "✗ ✗ ✗ ✓ ✓ ✓ · - -"),
    Row("KeyboardInterrupt", "`KeyboardInterrupt` while writing"),
    Row("generator exit", "the generator that writes is closed"),
    Row(
        "reader never sees partial",
        "a reader while the file is replaced sees the old or the new one",
        "✗ ✗ ✗ ✗ ✓ ✗ ✗ ✗ -",
    ),
    Row("name ../x", "the name `../x` does not leave the root", "(✓) ✗ ✗ (✓) ✓ ✓ ✓ ✗ -"),
    Row("symlinked folder", "a symlinked folder does not lead out of the root", "✗ ✗ ✗ - ✗ ✗ · ✗ -", ("local",)),
    Row("symlinked file", "a symlinked file is replaced, not followed", "(✓) ✗ ✗ ✗ ✓ (✓) · ✗ -", ("local",)),
    Row("create-only", "of several creators one wins, or create-only is refused"),
    Row(
        "create-only ignored by the server is refused",
        "create-only on a server that ignores the condition is refused",
        "✗ ✗ - ✗ ✗ ✗ - - ✗",
        S3,
    ),
    Row("forked child", "a forked child can use it, or is refused at once", "✗ ✗ ✓ ✓ ✗ ✗ · - ✓"),
    Row("threads", "threads share one client"),
    Row("AWS_ENDPOINT_URL_S3 alone", "`AWS_ENDPOINT_URL_S3` alone is honoured", "✓ ✓ ✓ ✓ ✓ ✗ ✓ ✗ ✓", S3),
    Row("both set: _S3 wins", "it wins over `AWS_ENDPOINT_URL`", "✓ ✓ ✓ ✗ ✓ ✗ ✓ ✗ ✓", S3),
    Row(
        "one request per small publish",
        "a small publish, new or not, is one request",
        "✓ ✓ ✗ ✗ ✓ ✓ ✓ - ✓",
        S3,
    ),
    Row("PutObject-only key", "a key that may only `PutObject` is enough", "", ("S3 (SeaweedFS)",)),
    Row("content type by default", "the content type of `.csv` is kept by default", "✗ ✗ ✗ ✓ ✗ ✗ ✓ ✓ ✗"),
    Row("same bytes compressed twice", "the same bytes compressed twice are the same object", "✗ ✗ ✗ - - - · - -"),
    Row(
        "memory",
        "streaming 256 MiB takes less than 48 MiB of memory; the others' growth in MiB",
        "169 169 50 31 3 5 · - 128",
        ("local", "S3 (SeaweedFS)", "S3 (moto)"),
    ),
    Row(
        "import",
        "importing loads no vendor's library (in ms: [Storage clients, measured](storage-benchmarks.md)); "
        "the others' cold import in ms",
        "295 9 206 172 12 18 - 110 158",
        ("local",),
    ),
)
KEYS = {row.key for row in ROWS}

REFUSED = ("scoreboard", "refused")
"""What the kit's fixture ``refused`` writes on a test."""

_PROPERTY = "scoreboard row"


@dataclass
class Cell:
    """What the tests said about one row and one column."""

    tests: set[str] = field(default_factory=set)
    has_failed: bool = False
    is_refused: bool = False

    @property
    def text(self) -> str:
        """What stands in the table."""
        if self.has_failed or not self.tests:
            return "✗"
        return "✓ refused" if self.is_refused else "✓"


class Scoreboard:
    """Collects what the tests say; a plug-in of pytest."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.cells: dict[tuple[str, str], Cell] = defaultdict(Cell)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Write on each test what it proves: what is written there comes along with every report, also by xdist."""
        for item in items:
            for mark in item.iter_markers("scoreboard"):
                key, columns = _proven(item, *mark.args, **mark.kwargs)
                item.user_properties += [(_PROPERTY, [key, column]) for column in columns]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take down one outcome; a report is only read here, never made, so that nothing can fail with it."""
        if report.when != "call" and not report.failed:
            return
        properties = [tuple(pair) for pair in report.user_properties]  # xdist makes lists of them
        for key, column in [value for name, value in properties if name == _PROPERTY]:
            cell = self.cells[key, column]
            cell.has_failed |= report.failed
            if report.passed:
                cell.tests.add(report.nodeid.partition("[")[0])
                cell.is_refused |= REFUSED in properties

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(self.config, "workerinput"):  # xdist: the reports are with the one that started this process
            return
        text = page(self.cells)
        if self.config.option.scoreboard:
            if self._gaps():  # a run of some tests must not write crosses for the others
                self.is_stale = True
                session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
            else:
                PAGE.write_text(text, "utf-8")
        elif not PAGE.is_file() or PAGE.read_text("utf-8") != text:
            self.is_stale = True
            if not session.exitstatus:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _gaps(self) -> list[str]:
        cells = [(row, name, self.cells.get((row.key, name), Cell())) for row in ROWS for name in row.applies]
        return [f"{row.case}: {name}" for row, name, cell in cells if not cell.text.startswith("✓")]

    def pytest_terminal_summary(self, terminalreporter) -> None:
        if getattr(self, "is_stale", False):
            terminalreporter.write_line(
                "docs/reference/scoreboard.md is not what these tests say: make scoreboard", red=True
            )


def page(cells: dict[tuple[str, str], Cell]) -> str:
    """Return the page that these outcomes make."""
    lines = [
        "# Scoreboard of storage layers\n",
        "<!-- Generated by the tests that prove it; `make scoreboard` writes it again. -->\n",
        "What happens to the published file when publishing goes wrong: ✓ the old file stands and nothing partial can be",
        "seen, ✗ it does not.",
        "*✓ refused*: what the client cannot carry is refused in words before anything is stored, and the old file stands;",
        "a content type that nobody asked for is dropped there, and the receipt says so.",
        "A dash: the case cannot happen there, or, in the rows of memory and import, nothing is promised there: with five",
        "methods and in memory a file takes its size, and importing is one thing for all.",
        "S3 cases that no real server does on demand (it ignores a condition, requests are counted) are shown on a small",
        "server of the tests' own and stand in both columns.",
        "The columns on the left are ours, each tick written by tests that fail when the row is broken; a test is named for",
        "each below.",
        "`five methods` is a client with nothing but the published five methods.\n",
        "The columns on the right were measured once, by hand, on loopback servers and ext4, with "
        + VERSIONS
        + ";",
        "(✓) is in part, a dot is not run.\n",
        "| case | " + " | ".join((*OURS, *OTHERS)) + " |",
        "| --- |" + " --- |" * (len(OURS) + len(OTHERS)),
    ]
    for row in ROWS:
        ours = [cells.get((row.key, name), Cell()).text if name in row.applies else "-" for name in OURS]
        others = row.others.split() or ["·"] * len(OTHERS)
        lines.append(f"| {row.case} | " + " | ".join((*ours, *others)) + " |")
    lines += ["", "## Which tests prove it\n"]
    for key in dict.fromkeys(row.key for row in ROWS):
        tests = sorted({test for (name, _), cell in cells.items() if name == key for test in cell.tests})
        short = sorted({test.removeprefix("tests/") for test in tests})
        lines.append(f"- **{key}**: " + (", ".join(f"`{test}`" for test in short) or "none"))
    return "\n".join(lines) + "\n"


def mark_rows(item: pytest.Item) -> None:
    """Give a test of the kit the marks that tests of ours carry, by what `proves` has noted on it."""
    values = item.callspec.params if hasattr(item, "callspec") else {}
    for row, only_with in getattr(getattr(item, "function", None), "proves", ()):
        if all(values.get(name) == value for name, value in only_with.items()):
            item.add_marker(pytest.mark.scoreboard(row))


def _proven(item: pytest.Item, key: str, subject: str | None = None) -> tuple[str, tuple[str, ...]]:
    if key not in KEYS:
        raise pytest.UsageError(f"{item.nodeid} marks an unknown row of the scoreboard: {key!r}")
    return key, _columns(item, subject)


def _columns(item: pytest.Item, subject: str | None) -> tuple[str, ...]:
    subject = subject or getattr(item.cls, "SUBJECT", None)
    server = getattr(item, "callspec", None) and item.callspec.params.get("s3_server")
    fixtures = getattr(item, "fixturenames", ())
    if server == "weed" or "weed_server" in fixtures:
        return ("S3 (SeaweedFS)",)
    if server == "moto" or "moto_in_use" in fixtures:
        return ("S3 (moto)",)
    if subject == "S3" or (subject is None and "test_s3_" in item.nodeid):
        return S3  # it is about the client, whichever the server
    return (subject,) if subject in OURS else ()
