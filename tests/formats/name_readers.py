"""What readers of lists of names agree on, written from the rules of DNS and not from the code that writes lists."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from core.exports.formats import get_format
from core.testing.format_values import GOOD, RELATED, TEXTS
from core.testing.formats import FormatConformance, Value, Written
from core.values.types import TYPES

DIGITS = set("0123456789")
LETTERS = set("abcdefghijklmnopqrstuvwxyz")


def checked(name: str) -> str:
    """Return *name*; raise if it is no name of a host in lower case with a domain."""
    labels = name.split(".")
    assert len(labels) > 1, f"{name!r} has one label"
    assert len(name) <= 253, f"{name!r} is too long"
    for label in labels:
        assert 1 <= len(label) <= 63, f"{name!r} has a label of {len(label)} characters"
        assert set(label) <= LETTERS | DIGITS | set("-_"), f"{name!r} has other characters"
    assert labels[-1][0] in LETTERS, f"{name!r} may be an address"
    return name


def outermost(names: Iterable[str]) -> set[str]:
    """Return the names that have none of the others above them."""
    every = set(names)
    return {
        name
        for name in every
        if not any(name[place + 1 :] in every for place, char in enumerate(name) if char == ".")
    }


def lines_of(files: dict[str, bytes]) -> list[str]:
    """Return the lines of the one file that there is."""
    (content,) = files.values()
    text = content.decode("ascii")
    assert "\r" not in text
    assert not text or text.endswith("\n")
    return text.split("\n")[:-1]


def between(line: str, before: str, after: str) -> str:
    """Return what a line has between two texts; raise if it does not begin and end with them."""
    assert line.startswith(before), line
    assert line.endswith(after), line
    assert len(line) > len(before) + len(after), line
    return line[len(before) : len(line) - len(after)]


def hostile(kit: FormatConformance, folder: Path) -> Written:
    """Write all that is hostile and all that is harmless, as *kit* would."""
    types = get_format(kit.format).TYPES or TYPES
    some = [Value(type_, text) for type_ in types for text in (*GOOD[type_], *TEXTS)]
    some += [Value(*pair) for pair in RELATED if pair[0] in types]
    return written(kit, some, folder)


def written(kit: FormatConformance, some: Sequence[Value], folder: Path) -> Written:
    """Write *some* observables, as *kit* would."""
    folder.mkdir(parents=True, exist_ok=True)
    return kit.write(get_format(kit.format), some, folder)


def put(files: dict[str, bytes], path: Path) -> Path:
    """Write the one file that there is to a path, and return that."""
    (content,) = files.values()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
