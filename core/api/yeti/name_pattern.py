"""Names looked for by a regular expression that anybody may send: matched in linear time, whatever it is.

The engine is the one that pydantic brings along (Rust's ``regex``): it never goes back, and refuses what would
need too much memory.
"""

import re
from collections.abc import Callable

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

from core.errors import RefusedValue

LONGEST = 200
_MOST_REPEATED = 1_000
_counts = re.compile(r"\{\s*([0-9]+)?\s*,?\s*([0-9]+)?\s*\}").findall


def matcher(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether *pattern* is found in a text, in upper or lower case.

    Raises:
        RefusedValue: It is no regular expression, or one that takes too much.
    """
    if len(pattern) > LONGEST:
        raise RefusedValue(f"a regular expression has up to {LONGEST} characters, not {len(pattern)}")
    product = 1
    for low, high in _counts(pattern):
        product *= max(1, int((low or "0")[:9]), int((high or "0")[:9]))
    if product > _MOST_REPEATED:
        raise RefusedValue(f"the regular expression repeats more than {_MOST_REPEATED:,} times by numbers")
    try:
        validator = SchemaValidator(core_schema.str_schema(pattern=f"(?i){pattern}", regex_engine="rust-regex"))
    except (SchemaError, UnicodeEncodeError) as error:
        why = str(error).strip().splitlines()[-1].strip()
        raise RefusedValue(f"{pattern[:80]!a} is no regular expression that is taken: {why[:200]}") from None

    def found(text: str) -> bool:
        try:
            validator.validate_python(text)
        except ValidationError:
            return False
        return True

    return found
