"""The page "Write an export format": its files and commands, in their order, and a kit that sees a fault."""

import re

import pytest
from page_shell import PageShell, lines_of, page_text

PAGE = page_text("write-an-export-format")
FORMAT, TEST, FOLDER = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page was followed: the shell, and what each line printed."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "acme.py").write_text(FORMAT)
    (folder / "test_acme.py").write_text(TEST)
    (folder / "conftest.py").write_text(FOLDER)
    shell = PageShell(folder)
    return shell, {line: shell(line) for line in lines_of(PAGE)}


def test_the_format_is_used_at_once(page):
    """It is shown, previewed and published as the page says."""
    shell, said = page

    assert "Acme proxy 3" in said["yetictl format show acme"]
    assert ".bad.example\n.evil.example\nend\n" in said["yetictl export preview proxy"]
    (published,) = shell.folder.rglob("exports/proxy.acme")
    assert ".bad.example\n.evil.example\nend\n" == published.read_text()


def test_the_kit_passes(page):
    """And says how many tests that were."""
    (text,) = [text for line, text in page[1].items() if "pytest" in line]

    assert re.search(r"^\d+ passed", text, re.MULTILINE)


def test_the_kit_sees_the_fault(page):
    """Every value let through: a line break makes two entries of one."""
    shell, _ = page
    source = FORMAT.replace("if _is_name(value)]", "]")
    (shell.folder / "formats" / "acme.py").write_text(source)

    text = shell("python -m pytest -q test_acme.py", status=1)

    assert "test_a_hostile_value_is_itself_or_refused" in text
