"""The page docs/reference/scoreboard.md: all our cells are ticked, and every row has a test that carries its mark."""

import ast
import json
from pathlib import Path

import pytest
from scoreboard import OTHERS, OURS, PAGE, REFUSED, ROWS, Cell, Scoreboard, page

ROOT = Path(__file__).parents[1]


def table() -> list[list[str]]:
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_row_is_ticked_wherever_it_applies():
    """The published page has no cross and no gap in a column of ours."""
    rows = table()

    assert [row.case for row in ROWS] == [cells[0] for cells in rows]
    for row, cells in zip(ROWS, rows, strict=True):
        for name, cell in zip(OURS, cells[1:], strict=False):
            assert cell in (("✓", "✓ refused") if name in row.applies else ("-",)), f"{row.case}: {name}"


def test_every_row_has_a_mark():
    """Each row is proven by a test that says so."""
    marked = set()
    for folder in ("tests", "core/testing"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                for mark in getattr(node, "decorator_list", ()):
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) in (
                        "pytest.mark.scoreboard",
                        "proves",
                    ):
                        marked.add(ast.literal_eval(mark.args[0]))

    assert {row.key for row in ROWS} == marked


def test_outcomes_are_taken_from_reports_alone(request):
    """What a test proves is written on it when it is collected, and comes along with its report, as JSON too."""
    key, board = ROWS[0].key, Scoreboard(request.config)
    collected = {}
    for name, column in (("passes", OURS[0]), ("fails", OURS[1]), ("refuses", OURS[2])):
        item = pytest.Function.from_parent(request.node.parent, name=name, callobj=lambda: None)
        item.add_marker(pytest.mark.scoreboard(key, subject=column))
        collected[name] = item
    board.pytest_collection_modifyitems(list(collected.values()))
    collected["refuses"].user_properties.append(REFUSED)
    for name, item in collected.items():
        report = pytest.TestReport(
            nodeid=f"test_file.py::{name}[a-b]",
            location=("test_file.py", 1, name),
            keywords={},
            outcome="failed" if name == "fails" else "passed",
            longrepr=None,
            when="call",
            user_properties=json.loads(json.dumps(item.user_properties)),
        )
        board.pytest_runtest_logreport(report)

    assert [board.cells[key, column].text for column in OURS[:3]] == ["✓", "✗", "✓ refused"]
    assert board.cells[key, OURS[0]].tests == {"test_file.py::passes"}


def test_a_row_that_nobody_knows_is_an_error(request):
    """A mark with a slip in it ends the run."""
    item = pytest.Function.from_parent(request.node.parent, name="slip", callobj=lambda: None)
    item.add_marker(pytest.mark.scoreboard("exception: smal"))

    with pytest.raises(pytest.UsageError, match="exception: smal"):
        Scoreboard(request.config).pytest_collection_modifyitems([item])


def test_a_row_without_a_passing_test_is_a_cross():
    """Neither a failure nor a missing test passes for a tick."""
    key = ROWS[0].key
    cells = {
        (key, OURS[0]): Cell({"a"}),
        (key, OURS[1]): Cell({"a"}, has_failed=True),
        (key, OURS[2]): Cell({"a"}, is_refused=True),
    }
    [line] = [line for line in page(cells).splitlines() if line.startswith(f"| {ROWS[0].case} |")]

    assert [cell.strip() for cell in line.split("|")[2:7]] == ["✓", "✗", "✓ refused", "✗", "✗"]
    assert all(len(row.others.split() or OTHERS) == len(OTHERS) for row in ROWS)
