"""What may not be in a value whatever its type, and what may stand around it."""

import re

from core.errors import RefusedValue

MAX_CHARS = 32_768
"""No URL, path or key of the field's own data comes near; a value beyond it is a file read as one line."""

EDGES = " \t\r\n\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000\u200b\u2060\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""White space of every script, zero-width space, word joiner and byte order mark: no part of any value."""

# U+2028 and U+2029 end lines for many readers: a value holding one would be two entries of a list.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FORBIDDEN_IN_RULE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def trimmed(text: str) -> str:
    """Return *text* without what may stand around a value.

    Raises:
        RefusedValue: Nothing is left, it is too long, or it holds a control character, half a surrogate pair, or a
            character that could not be decoded.
    """
    value = text.strip(EDGES)
    if not value:
        raise RefusedValue("empty")
    if len(value) > MAX_CHARS:
        raise RefusedValue(f"longer than {MAX_CHARS:,} characters")
    if not value.isprintable():
        _refuse(_FORBIDDEN, value)
    if "\ufffd" in value:
        raise RefusedValue("a character in it could not be decoded")
    return value


def trimmed_rule(text: str) -> str:
    """Return a detection rule with LF line ends and without blank edges; it may have many lines and any length.

    Raises:
        RefusedValue: As ``trimmed``; tabulators and line feeds are allowed.
    """
    value = text.replace("\r\n", "\n").replace("\r", "\n").strip(EDGES)
    if not value:
        raise RefusedValue("empty")
    _refuse(_FORBIDDEN_IN_RULE, value)
    return value


def _refuse(forbidden: re.Pattern[str], value: str) -> None:
    found = forbidden.search(value)
    if found is None:
        return
    code = ord(found.group())
    what = "half of a surrogate pair" if 0xD800 <= code <= 0xDFFF else "a control character"
    raise RefusedValue(f"{what} (U+{code:04X}) in it")


_blanks = re.compile(r"[\t\n]+")


def cleaned(text: str) -> str:
    """Return *text*, a tag or a fact beside a value, trimmed, with what no database takes as U+FFFD."""
    text = text.strip(EDGES)
    return text if text.isprintable() else _FORBIDDEN_IN_RULE.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str) -> str:
    """Return *text*, a name (of a tag, source, column), trimmed, on one line, with U+FFFD for what is no text."""
    text = cleaned(text)
    return (
        text
        if text.isprintable()
        else " ".join(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", _blanks.sub(" ", text)).split())
    )
