"""The page "Define exports": every command on it works, in its order, as somebody would type it."""

import re

import pytest
from page_shell import PageShell, lines_of, page_text

PAGE = page_text("define-exports")
(TEMPLATE,) = re.findall(r"```jinja\n(.*?)```", PAGE, re.DOTALL)
FEED = "value,type,tags\n192.0.2.1,ip,c2\n198.51.100.7,ip,c2\n192.0.2.99,ip,c2;allow-list\n"


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What each line of the page printed, in a home folder of its own."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "feed.csv").write_text(FEED)
    (folder / "pairs.jinja2").write_text(TEMPLATE)
    run = PageShell(folder)
    run("yetictl import feed.csv --source feed")
    return {line: run(line) for line in lines_of(PAGE)}


def test_every_command_works(said):
    """None fails, and they are many."""
    assert len(said) > 12


def test_the_digest_is_that_of_the_file(said):
    """``sha256sum`` finds what the run said."""
    (digest,) = [text.split()[0] for line, text in said.items() if line.startswith("sha256sum")]
    (run,) = [text for line, text in said.items() if line.startswith("yetictl export run c2-addresses ")]

    assert digest[:16] in run


def test_withdrawing_publishes(said):
    """The list that holds the value is run by the command itself."""
    (text,) = [text for line, text in said.items() if "observable withdraw" in line]

    assert "marked as false-positive" in text
    assert "c2-addresses" in text
