"""A rule for Suricata that came from elsewhere: whether it is one that loads beside others.

Of most keywords only the name is looked at, since each has a language of its own; Suricata sees the rest before anything
is published.  Source: the Suricata User Guide 7.0, "Suricata Rules".
"""

import re
from dataclasses import dataclass
from ipaddress import ip_network

from core.errors import RefusedValue
from core.exports.formatting.suricata_check import VARIABLES
from core.exports.formatting.suricata_together import check_together
from core.exports.formatting.suricata_words import (
    ACTIONS,
    KEYWORDS,
    OF_CONTENT,
    ONCE,
    PROTOCOLS,
    READS_FILE,
    VALUES,
)

LONGEST_RULE = 8_000
LARGEST_NUMBER = 2**32 - 1
NOT_A_RULE = "Suricata: not a rule"
_CONTINUED = re.compile(r"\\[ \t]*\n[ \t]*")
_is_rule = re.compile(r"(\S+)\s+(\S+)\s+(\S.*?)\s+\((.*)\)", re.DOTALL).fullmatch
_ARROW = re.compile(r"\s(->|<>)\s")
_OPTION = re.compile(r"\s*((?:[^;\\]|\\.)*);", re.DOTALL)
_is_keyword = re.compile(r"([A-Za-z0-9_.-]+)\s*(?::\s*(.*?))?\s*", re.DOTALL).fullmatch
_is_quoted = re.compile(r'!?"(?:[^"\\;]|\\.)+"').fullmatch
_is_content = re.compile(r'!?"(?:[^"\\;:|]|:|\\["\\;:|]|\|\s*(?:[0-9A-Fa-f]{2}\s*)+\|)+"').fullmatch
_is_pcre = re.compile(r'!?"\s*/.*/[A-Za-z]*"', re.DOTALL).fullmatch
_is_number = re.compile(r"[0-9]{1,10}").fullmatch
_VARIABLE = re.compile(r"[A-Za-z_]\w*")
_OF_PLACES = frozenset(("depth", "distance", "isdataat", "offset", "within"))
_is_port = re.compile(r"([0-9]{1,5})?(:)?([0-9]{1,5})?").fullmatch
_MOST_DEPTH = 16
_ADDRESS, _PORT = "addresses", "ports"


@dataclass(frozen=True, slots=True)
class NetworkRule:
    """One rule on one line, and what it is known by: gid and sid."""

    text: str
    gid: int
    sid: int


def read_suricata(text: str) -> NetworkRule:
    """Return the one rule that *text* is; continued lines become one.

    Raises:
        RefusedValue: It is none, or needs what is not in it.
    """
    line = _CONTINUED.sub(" ", text).strip()
    if "\n" in line or not all(char.isprintable() or char == "\t" for char in line):
        raise RefusedValue("Suricata: more than one line")
    if len(line.encode()) > LONGEST_RULE:
        raise RefusedValue("Suricata: longer than a rule can be")
    found = _is_rule(line)
    if found is None or found[1] not in ACTIONS:
        raise RefusedValue(NOT_A_RULE)
    if found[2] not in PROTOCOLS:
        raise RefusedValue("Suricata: a protocol that Suricata 7 does not have, or that is switched off")
    _check_ends(found[3])
    options = _options(found[4])
    _check_options(options)
    check_together(found[2], options)
    return NetworkRule(line, _number(options, "gid", "1"), _number(options, "sid", ""))


def _check_ends(text: str) -> None:
    ends = _ARROW.split(text)
    if len(ends) != 3:
        raise RefusedValue(NOT_A_RULE)
    for end in ends[::2]:
        words = re.sub(r"\s*,\s*", ",", re.sub(r"\s+(?=\])|(?<=\[)\s+", "", end)).split()
        if len(words) != 2:
            raise RefusedValue(NOT_A_RULE)
        _check_list(words[0], _ADDRESS)
        _check_list(words[1], _PORT)


def _check_list(text: str, what: str, depth: int = 0) -> None:
    """Raise unless *text* is one of *what*, or a list of them in brackets, which may hold lists."""
    word = text.removeprefix("!")
    if word.startswith("["):
        if not word.endswith("]") or depth > _MOST_DEPTH:
            raise RefusedValue(f"Suricata: {what} with a bracket that is not closed")
        for part in _parts(word[1:-1]):
            _check_list(part, what, depth + 1)
    elif word.startswith("$"):
        if word[1:] not in VARIABLES:
            raise RefusedValue("Suricata: a variable that is not in the configuration as it is delivered")
    elif (word == "any" and text == word) or (_is_address(word) if what == _ADDRESS else _is_port_range(word)):
        return
    else:
        raise RefusedValue(f"Suricata: {what} that are none")


def _parts(text: str) -> list[str]:
    """Split at the commas that stand in no bracket."""
    parts, depth = [""], 0
    for char in text:
        depth += (char == "[") - (char == "]")
        if char == "," and not depth:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _is_address(word: str) -> bool:
    try:
        return all(ip_network(part, strict=False) for part in word.split("-", 1))
    except ValueError:
        return False


def _is_port_range(word: str) -> bool:
    found = _is_port(word)
    if found is None or not (found[1] or found[3]):
        return False
    first, last = int(found[1] or 0), int(found[3] or found[1] if not found[2] else found[3] or 65_535)
    return first <= last <= 65_535


def _options(text: str) -> list[tuple[str, str]]:
    """Return keywords with their values."""
    options, place = [], 0
    rest = text.rstrip()
    while place < len(rest):
        found = _OPTION.match(rest, place)
        option = _is_keyword(found[1]) if found else None
        if found is None or option is None:
            raise RefusedValue("Suricata: an option without end, or without a keyword")
        options.append((option[1], option[2] or ""))
        place = found.end()
    return options


def _check_options(options: list[tuple[str, str]]) -> None:
    keywords = [keyword for keyword, _ in options]
    if any(keywords.count(keyword) > 1 for keyword in ONCE):
        raise RefusedValue("Suricata: a keyword twice that can be there once")
    names = {
        word for key, value in options if key in ("byte_extract", "byte_math") for word in _VARIABLE.findall(value)
    }
    has_content = False
    for key, value in options:
        has_content = has_content or key in ("content", "uricontent")
        if key in OF_CONTENT and not has_content:
            raise RefusedValue(f"Suricata: {key} without a content before it")
        if key in READS_FILE:
            raise RefusedValue("Suricata: needs a file, a list or a database beside it")
        if key not in KEYWORDS:
            raise RefusedValue("Suricata: a keyword that Suricata 7 does not have, or that is switched off")
        if not _is_value(key, value, names):
            raise RefusedValue(f"Suricata: a {key} that is none")


def _is_value(key: str, value: str, names: set[str]) -> bool:
    """Say whether *value* may follow a keyword; *names* are those of numbers that the rule reads from packets."""
    if key in ("content", "uricontent"):
        return _is_content(value) is not None
    if key in ("msg", "pcre"):
        return _is_quoted(value) is not None and (key == "msg" or _is_pcre(value) is not None)
    if key in _OF_PLACES and not _is_place(value.partition(",")[0].strip("!- "), names):
        return False
    return key not in VALUES or VALUES[key](value) is not None


def _is_place(word: str, names: set[str]) -> bool:
    return int(word) <= 65_535 if re.fullmatch("[0-9]{1,5}", word) else word in names


def _number(options: list[tuple[str, str]], keyword: str, default: str) -> int:
    """Return the value of a keyword that is there once, or not at all if there is a default."""
    values = [value for key, value in options if key == keyword] or [default]
    if len(values) > 1 or not _is_number(values[0]) or not 0 < int(values[0]) <= LARGEST_NUMBER:
        raise RefusedValue(f"Suricata: no {keyword}, or one that is none")
    return int(values[0])
