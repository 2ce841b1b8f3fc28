"""The page docs/reference/scoreboard.md: all our cells are ticked, and every row has a test that carries its mark."""

import ast
from pathlib import Path

from scoreboard import OTHERS, OURS, PAGE, ROWS, Cell, page

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
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.scoreboard":
                    marked.add(ast.literal_eval(node.args[0]))

    assert {row.key for row in ROWS} == marked


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
