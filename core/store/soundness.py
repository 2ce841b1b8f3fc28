"""Claims that cannot be kept: text that no database takes (NUL, lone surrogates), windows that end before they begin."""

import json
from functools import lru_cache
from typing import Any

import msgspec

from core.schemas.claim import CLEARED_BY, Claim

_encode = msgspec.json.Encoder().encode


def fault_of(claim: Claim) -> str | None:
    """Return why *claim* cannot be kept, ``None`` if it can."""
    value = claim.value
    if not value:
        return "an empty value"
    if "\0" in value or not (value.isascii() or _encodes(value)):
        return fault_of_text(value)
    if claim.source == CLEARED_BY:
        return f"the source {CLEARED_BY!r} is reserved"
    for name in (claim.type, claim.source, *claim.tags):
        fault = _fault_of_name(name)
        if fault:
            return fault
    if claim.valid_from is not None and claim.valid_until is not None and claim.valid_until <= claim.valid_from:
        return "its valid_until is not after its valid_from"
    return None if claim.context is None else _fault_of_context(claim.context)


def fault_of_text(text: str) -> str | None:
    """Return why *text* cannot be kept, ``None`` if it can."""
    if "\0" in text:
        return "holds a NUL character"
    return None if _encodes(text) else "holds a lone surrogate, which is no character"


def fault_of_numbers(context: dict[str, Any]) -> str | None:
    """Return why a context that can be written as JSON would not be read as it was, ``None`` if it would be."""
    try:
        json.dumps(context, allow_nan=False)
    except ValueError:
        return "it holds NaN, or a number that is too large, which would be kept as null"
    return None


@lru_cache(maxsize=65_536)
def _fault_of_name(name: str) -> str | None:
    return fault_of_text(name) if name else "an empty type, source or tag"


def _fault_of_context(context: object) -> str | None:
    try:
        _encode(context)
    except UnicodeEncodeError:
        return "holds a lone surrogate, which is no character, in its context"
    except (TypeError, ValueError, OverflowError, RecursionError):
        return "has a context that cannot be written as JSON"
    return None


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
