"""One value a line: read as it is documented, and by grep."""

import subprocess

import pytest
from address_reading import real as real_networks
from name_readers import hostile, put, written
from real_names import real_names

from core.testing.format_values import TEXTS
from core.testing.formats import FormatConformance

GREP = "GNU grep, fixed strings of whole lines"


class TestList(FormatConformance):
    """Read as ``grep -f`` would."""

    format = "list"
    may_repeat = True  # a value may be of two types

    def read(self, files):
        text = files["export.txt"].decode()
        assert "\r" not in text
        return text.split("\n")[:-1]


def caught(patterns, lines):
    """Return those of *lines* that grep finds in the list."""
    ended = subprocess.run(
        ["grep", "-a", "-F", "-x", "-f", patterns],
        input="".join(f"{line}\n" for line in lines).encode(),
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert ended.returncode in (0, 1)
    assert b"" == ended.stderr
    return ended.stdout.decode().split("\n")[:-1]


@pytest.mark.proof("list", GREP, "asked", tool="grep")
def test_grep_catches_what_is_hostile(tmp_path):
    """Each listed text is found, and nothing that only looks like it."""
    made = hostile(TestList(), tmp_path / "made")
    listed = {value.value for value in made.accepted}
    others = {f"{text}x" for text in listed} | {f"x{text}" for text in listed} | {text[1:] for text in listed}
    others = {text for text in others - listed if "\n" not in text}
    lines = sorted(listed | others)

    found = caught(put(made.files, tmp_path / "list.txt"), lines)

    assert sorted(listed) == found
    assert {text for text in TEXTS if not set(text) & set("\r\n")} <= listed


@pytest.mark.intel
@pytest.mark.proof("list", GREP, "asked", tool="grep")
def test_grep_catches_what_is_real(tmp_path, intel):
    """Names and addresses: what is below a name, or is not listed, passes."""
    names = real_names(intel)
    networks = real_networks(intel)
    made = written(TestList(), [*names.listed, *networks], tmp_path / "made")
    listed = {value.value for value in made.accepted}
    asked = [*names.some, *names.below, *names.passing, *(value.value for value in networks)]

    found = caught(put(made.files, tmp_path / "list.txt"), asked)

    assert [text for text in asked if text in listed] == found
    assert 0 < len(found) < len(asked)


@pytest.mark.proof("list", GREP, "asked", tool="grep")
def test_an_empty_list_catches_nothing(tmp_path):
    """Not everything, as a list of one empty line would."""
    made = written(TestList(), [], tmp_path / "made")

    assert [] == caught(put(made.files, tmp_path / "list.txt"), ["", "a.example"])
