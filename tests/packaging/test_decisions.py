"""The pages of docs/decisions have one form, so that whoever reads one can read all."""

import re
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parents[2] / "docs" / "decisions").glob("*.md"))
FORM = re.compile(
    r"# (?P<number>\d+)\. [^\n]+\n\n\*\*Context\.\*\*\n.+\n\n\*\*Choice\.\*\*\n.+\n\n"
    r"(\*\*(Figures|Alternatives)\.\*\*\n.+\n\n)*\*\*Consequence\.\*\*\n.+\n",
    re.DOTALL,
)


@pytest.mark.parametrize("page", PAGES, ids=[page.name[:4] for page in PAGES])
def test_a_decision_has_the_form_of_all(page):
    """Its number and what was decided, context, choice, alternatives and consequence, on at most 40 lines."""
    text = page.read_text("utf-8")
    match = FORM.fullmatch(text)

    assert match
    assert int(match["number"]) == int(page.name[:4])
    assert not re.search(r"^##", text, re.MULTILINE)
    assert len(text.splitlines()) <= 40
