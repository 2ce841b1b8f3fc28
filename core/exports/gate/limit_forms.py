"""Readers for the values of limits.

Each takes a text without blanks around it and returns its value, or raises ``ValueError``; a message says what is
wrong beyond the form.
"""

import re
from collections.abc import Callable, Sequence
from fractions import Fraction

from core.errors import RefusedValue
from core.exports.formats import nearest

Value = tuple[str, str]
"""Type and canonical value of an observable."""

_SIZES = {"": 1, "k": 1_000, "m": 1_000_000}
_BYTES = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}

OFF = "off"


def share(text: str) -> Fraction | None:
    """Return ``50%`` as a fraction of 1; ``off`` is ``None``."""
    if text.lower() == OFF:
        return None
    found = _matched(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%", text)
    part = Fraction(found[1]) / 100
    if part > 1:
        raise ValueError("more than everything")
    return part


def times(text: str) -> Fraction | None:
    """Return ``5`` or ``2.5`` as it is; ``off`` is ``None``."""
    if text.lower() == OFF:
        return None
    found = _matched(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)", text)
    multiple = Fraction(found[1])
    if multiple < 1:
        raise ValueError("less than once")
    return multiple


def count(text: str) -> int:
    """Return ``1000`` or ``300k`` as a number."""
    _refuse_off(text)
    found = _matched(r"([0-9]{1,12})([kKmM]?)", text)
    return int(found[1]) * _SIZES[found[2].lower()]


def bound(text: str) -> int | None:
    """Return a `count`; ``off`` is ``None``."""
    return None if text.lower() == OFF else count(text)


def size_bytes(text: str) -> int | None:
    """Return ``500kB`` or ``10MiB`` in bytes; ``off`` is ``None``."""
    if text.lower() == OFF:
        return None
    found = _matched(r"([0-9]{1,15}) ?((?:[kmg]i?)?b|)", text.lower())
    return int(found[1]) * _BYTES["" if found[2] == "b" else found[2]]


def prefix(bits: int) -> Callable[[str], int]:
    """Return a reader for the length of a prefix; ``off`` is 1, since the network of everything is no entry."""

    def read(text: str) -> int:
        if text.lower() == OFF:
            return 1
        length = int(_matched(r"/?([0-9]{1,3})", text)[1])
        if not 1 <= length <= bits:
            raise ValueError(f"1 to {bits}")
        return length

    return read


def space(bits: int) -> Callable[[str], int]:
    """Return a reader for a number of addresses, also as the prefix of a network of that size."""

    def read(text: str) -> int:
        _refuse_off(text)
        if not text.startswith("/"):
            return int(_matched(r"([0-9]{1,39})", text)[1])
        length = int(_matched(r"/([0-9]{1,3})", text)[1])
        if length > bits:
            raise ValueError(f"0 to {bits}")
        return 1 << bits - length

    return read


def one_of(*words: str) -> Callable[[str], str]:
    """Return a reader for one of a few words."""

    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError
        return text.lower()

    return read


def yes_or_no(text: str) -> bool:
    """Return a truth value."""
    return one_of("yes", "no")(text) == "yes"


def classes(text: str) -> tuple[str, ...]:
    """Return classes of special-purpose addresses that stand between commas, sorted, each once."""
    from core.values.special_purpose import CLASSES

    found = _between_commas(text)
    if unknown := [word for word in found if word not in CLASSES]:
        hint = nearest(unknown[0], CLASSES) or f"; known: {', '.join(CLASSES)}"
        raise ValueError(f"{unknown[0]!r} is none{hint}")
    return tuple(sorted(set(found)))


def ranks(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """Return a reader for a few words of *known*, each once, in the order given."""

    def read(text: str) -> tuple[str, ...]:
        found = _between_commas(text)
        if not set(found) <= set(known) or len(set(found)) != len(found):
            raise ValueError
        return tuple(found)

    return read


def values(text: str) -> tuple[Value, ...]:
    """Return observables that stand between blanks, in canonical form, each once."""
    return tuple(dict.fromkeys(_value(word) for word in text.split()))


def _value(word: str) -> Value:
    from core.values.canonical import classify
    from core.values.detect import detect
    from core.values.types import HOSTNAME

    found = detect(word)
    if found is not None:
        return found
    try:  # a name under a top level of one's own
        return classify(HOSTNAME, word)
    except RefusedValue as error:
        raise ValueError(f"{word!r} is none of these") from error


def _between_commas(text: str) -> list[str]:
    return [word.strip().lower() for word in text.split(",")]


def _refuse_off(text: str) -> None:
    # Of two bounds that must both be passed, no bound here could be meant as: the other one alone.
    if text.lower() == OFF:
        raise ValueError("off belongs to the limit that this one is a part of")


def _matched(form: str, text: str) -> re.Match[str]:
    found = re.fullmatch(form, text)
    if found is None:
        raise ValueError
    return found
