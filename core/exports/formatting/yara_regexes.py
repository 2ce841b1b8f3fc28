"""Regular expressions of YARA: a part of what Python has.

Source: the YARA documentation 4.2, "Regular expressions".
"""

import re

from core.errors import RefusedValue

LARGEST_REPEAT = 32_767
_unlike_python = re.compile(r"\(\?|\\[1-9]|\\[AZzGpPkKQE]").search
_is_possessive = re.compile(r"[*+?}]\+").search
_LITERAL = re.compile(r"\\.|\[\^?\]?(?:[^\]\\]|\\.)*\]", re.DOTALL)
_SET = re.compile(r"(\\.)|\[\^?(\]?(?:[^\]\\]|\\.)*)\]", re.DOTALL)
_RANGE = re.compile(r"(\\x[0-9A-Fa-f]{2}|\\.|[^\\])-(\\x[0-9A-Fa-f]{2}|\\.|[^\\])", re.DOTALL)
_is_class = re.compile(r"\\[dDsSwW]").fullmatch
_QUANTIFIER = re.compile(r"(?:[*+?]|\{[0-9,]+\})(\??)")
_REPEAT = re.compile(r"\{([0-9]*)(?:,([0-9]*))?\}")
_has_empty_part = re.compile(r"(?:^|\(|\|)(?:\||\)|\Z)").search
_ESCAPES = {"\\n": "\n", "\\t": "\t", "\\r": "\r", "\\f": "\f", "\\a": "\a"}
_IS_NONE = "YARA: a regular expression that is none"


def check_regex(text: str) -> None:
    """Raise unless *text*, with its slashes, is a regular expression that YARA takes.

    Raises:
        RefusedValue: It is none.
    """
    body = text[1:].rpartition("/")[0]
    try:
        # Python has other words in sets than YARA, and warns of some.
        re.compile(_SET.sub(_without_set, body))
    except (re.error, OverflowError, RecursionError) as error:
        raise RefusedValue(_IS_NONE) from error
    plain = _LITERAL.sub("x", body)
    for least, most in _REPEAT.findall(plain):
        if int(most or least or 1) > LARGEST_REPEAT or not int(most or least or 1):
            raise RefusedValue(
                f"YARA: a regular expression that repeats something never, or over {LARGEST_REPEAT:,} times"
            )
    # All quantifiers of one expression are greedy, or none is.
    is_mixed = len(set(_QUANTIFIER.findall(plain))) > 1
    if is_mixed or _unlike_python(body) or _is_possessive(plain) or _has_empty_part(plain):
        raise RefusedValue("YARA: a regular expression with what YARA does not have")


def _without_set(found: re.Match[str]) -> str:
    """Return what stands for a set where the rest of an expression is read; raise if it holds no legal range."""
    if found[1]:
        return found[1]
    for first, last in _RANGE.findall(found[2]):
        if not _is_class(first) and not _is_class(last) and _char(first) > _char(last):
            raise RefusedValue(_IS_NONE)
    if re.search(r"\\x(?![0-9A-Fa-f]{2})", found[2]):
        raise RefusedValue(_IS_NONE)
    return "x"


def _char(text: str) -> str:
    if len(text) == len("\\x00"):
        return chr(int(text.removeprefix("\\x"), base=16))
    return _ESCAPES.get(text, text[-1])
