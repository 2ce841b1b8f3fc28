"""Read JSON as `json.loads` does, a part at a time: other threads come to their turn between two parts.

``json.loads`` is one call into C, and holds the interpreter for as long as it takes: a whole second for some MiB, and the
event loop with it, whatever thread it is called in.
"""

import json
import re
from collections.abc import Callable
from json import JSONDecodeError
from typing import Any

_LEVELS = 2
"""Down to the items of lists in an object; what is in them is read at once."""

_blank = re.compile(r"[ \t\n\r]*").match
_read: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().raw_decode


def loads(data: bytes) -> Any:
    """Return what JSON says.

    Raises:
        json.JSONDecodeError: It is none.
        UnicodeDecodeError: It is no text.
        RecursionError: It is nested too deep.
    """
    text = data.decode(json.detect_encoding(data), "surrogatepass")
    if text.startswith("\ufeff"):
        raise JSONDecodeError("Unexpected UTF-8 BOM (decode using utf-8-sig)", text, 0)
    found, end = _value(text, _after_blanks(text, 0), _LEVELS)
    end = _after_blanks(text, end)
    if end != len(text):
        raise JSONDecodeError("Extra data", text, end)
    return found


def _value(text: str, at: int, levels: int) -> tuple[Any, int]:
    """Return the value that begins there, and where it ends."""
    start = text[at : at + 1]
    if levels and start == "[":
        return _list(text, at + 1, levels - 1)
    if levels and start == "{":
        return _object(text, at + 1, levels - 1)
    return _read(text, at)


def _list(text: str, at: int, levels: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    at = _after_blanks(text, at)
    if text[at : at + 1] == "]":
        return found, at + 1
    while True:
        item, at = _value(text, at, levels)
        found.append(item)
        at = _after_blanks(text, at)
        if text[at : at + 1] == "]":
            return found, at + 1
        at = _after_comma(text, at)


def _object(text: str, at: int, levels: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    at = _after_blanks(text, at)
    if text[at : at + 1] == "}":
        return found, at + 1
    while True:
        if text[at : at + 1] != '"':
            raise JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
        name, at = _read(text, at)
        at = _after_blanks(text, at)
        if text[at : at + 1] != ":":
            raise JSONDecodeError("Expecting ':' delimiter", text, at)
        found[name], at = _value(text, _after_blanks(text, at + 1), levels)
        at = _after_blanks(text, at)
        if text[at : at + 1] == "}":
            return found, at + 1
        at = _after_comma(text, at)


def _after_comma(text: str, at: int) -> int:
    if text[at : at + 1] != ",":
        raise JSONDecodeError("Expecting ',' delimiter", text, at)
    return _after_blanks(text, at + 1)


def _after_blanks(text: str, at: int) -> int:
    found = _blank(text, at)
    return found.end() if found else at
