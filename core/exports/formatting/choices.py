"""Options of formats: a word, one of a few, a number, a duration, a marking, an address in place of a name's own."""

import re
from collections.abc import Iterable, Mapping

from core.errors import DefinitionError, RefusedValue
from core.exports.definitions import words
from core.exports.formats import nearest
from core.schemas.claim import TLP
from core.values import addresses

TLPS = {tlp.name.lower().replace("_", "+"): tlp for tlp in TLP}
"""Markings by their words."""
_is_word = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch


def choice(options: Mapping[str, str], key: str, known: Iterable[str]) -> str:
    """Return the option *key*, which is one of the words *known*, in whatever case and with whatever blanks around it.

    Raises:
        DefinitionError: It is none of them; the message has the nearest.
    """
    return _known(options[key], key, tuple(known))


def choices(options: Mapping[str, str], key: str, known: Iterable[str]) -> list[str]:
    """Return the option *key*, some of the words *known* with commas between them, in the order of *known*.

    Raises:
        DefinitionError: It names none, or another; the message has the nearest.
    """
    words = tuple(known)
    found = {_known(text, key, words) for text in options[key].split(",")}
    return [word for word in words if word in found]


def number(options: Mapping[str, str], key: str, least: int, most: int) -> int:
    """Return the option *key*, a whole number in bounds that count.

    Raises:
        DefinitionError: It is not.
    """
    text = options[key].strip()
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
        raise DefinitionError(f"the option {key} is a number of {least:,} to {most:,}, not {options[key]!r}")
    return int(text)


def duration_s(options: Mapping[str, str], key: str, most: int) -> int:
    """Return the option *key*, a duration such as ``2d``, as seconds; 0 if it is empty.

    Raises:
        DefinitionError: It is none, or longer than *most*.
    """
    if not options[key].strip():
        return 0
    try:
        found = words.duration_s(options[key])
    except DefinitionError as error:
        raise DefinitionError(f"the option {key}: {error}") from None
    if found > most:
        raise DefinitionError(f"the option {key}: {words.duration_text(most)} at most, not {options[key]!r}")
    return found


def word(options: Mapping[str, str], key: str, *, may_be_empty: bool = False) -> str:
    """Return the option *key*, a word of at most 64 ASCII letters, digits, ``.``, ``-`` and ``_``.

    Raises:
        DefinitionError: It is none.
    """
    text = options[key]
    if not (_is_word(text) or (may_be_empty and not text)):
        empty = ", or empty" if may_be_empty else ""
        raise DefinitionError(f"{key} is a word of letters, digits, . - and _{empty}, not {text!r}")
    return text


def marking(options: Mapping[str, str], key: str) -> TLP | None:
    """Return the option *key*, a marking of the Traffic Light Protocol; ``None`` if it is empty.

    Raises:
        DefinitionError: It is something else.
    """
    return TLPS[choice(options, key, TLPS)] if options[key].strip() else None


def sink_addresses(options: Mapping[str, str], key: str) -> tuple[str, ...]:
    """Return the addresses of the option *key*, separated by commas: at most one IPv4 and one IPv6, canonical.

    Raises:
        DefinitionError: It has something else.
    """
    found: dict[bool, str] = {}
    for text in filter(None, map(str.strip, options[key].split(","))):
        is_ipv6 = ":" in text
        try:
            address = addresses.ipv6(text) if is_ipv6 else addresses.ipv4(text)
        except RefusedValue as error:
            raise DefinitionError(f"the option {key}: {text!r} is {error}") from error
        if is_ipv6 in found:
            raise DefinitionError(f"the option {key} has one IPv4 and one IPv6 address at most")
        found[is_ipv6] = address
    return tuple(found.values())


def _known(text: str, key: str, words: tuple[str, ...]) -> str:
    word = text.strip()
    for known in words:
        if known.lower() == word.lower():
            return known
    raise DefinitionError(
        f"the option {key} has no value {word!r}{nearest(word, words)}; known: {', '.join(words)}"
    )
