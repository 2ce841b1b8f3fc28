"""Regular expressions of YARA: a part of what Python has.

Source: the YARA documentation 4.2, "Regular expressions".
"""

import re

from core.errors import RefusedValue

_unlike_python = re.compile(r"\(\?|\\[1-9]|\\[AZzGpPkKQE]|[*+?}]\+").search
_LITERAL = re.compile(r"\\.|\[\^?\]?(?:[^\]\\]|\\.)*\]", re.DOTALL)
_QUANTIFIER = re.compile(r"(?:[*+?]|\{[0-9,]+\})(\??)")
_has_empty_part = re.compile(r"(?:^|\(|\|)(?:\||\)|\Z)").search


def check_regex(text: str) -> None:
    """Raise unless *text*, with its slashes, is a regular expression that YARA takes.

    Raises:
        RefusedValue: It is none.
    """
    body = text[1:].rpartition("/")[0]
    try:
        re.compile(body)
    except (re.error, OverflowError, RecursionError) as error:
        raise RefusedValue("YARA: a regular expression that is none") from error
    plain = _LITERAL.sub("x", body)
    # All quantifiers of one expression are greedy, or none is.
    is_mixed = len(set(_QUANTIFIER.findall(plain))) > 1
    if is_mixed or _unlike_python(body) or _has_empty_part(plain):
        raise RefusedValue("YARA: a regular expression with what YARA does not have")
