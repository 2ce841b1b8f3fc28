"""What one cell of a table holds."""

import re
from functools import lru_cache
from typing import Any

from core.errors import RefusedValue
from core.ingest.table_columns import ANY, CURRENCIES, type_of_word
from core.schemas.claim import TLP
from core.values import hashes, names, ports, types
from core.values.canonical import canonical, classify
from core.values.characters import EDGES, cleaned
from core.values.detect import detect
from core.values.refang import refang

Found = tuple[str, str, dict[str, Any] | None]
"""Type, canonical value, facts that were taken off the value (a port, host bits)."""

EMPTY = frozenset(("", "-", "--", "n/a", "na", "none", "null", "nan", "unknown", "undefined", "?", "tbd", "never",
                   "0000-00-00", "0000-00-00 00:00:00"))  # fmt: skip
"""What people write into a cell that has nothing to say."""

MAX_WORD_CHARS = 100
_NETWORK = frozenset((types.IPV4, types.IPV6, types.CIDR, types.HOSTNAME, types.URL, types.EMAIL))
_HASHES = frozenset(hashes.BY_LENGTH.values())
_separators = re.compile(r"[\s,;|]+").split
_TLPS = {"white": TLP.CLEAR, "clear": TLP.CLEAR, "green": TLP.GREEN, "amber": TLP.AMBER,
         "amber+strict": TLP.AMBER_STRICT, "red": TLP.RED}  # fmt: skip
_SURENESS = {"none": 0, "low": 15, "medium": 50, "med": 50, "moderate": 50, "high": 85, "very high": 95}


def found_in(cell: str, kind: str, word: str, found: list[Found]) -> None:
    """Append what *cell* holds to *found*.

    Args:
        cell: As it stands in the table; nothing is appended for one that says that it is empty.
        kind: Type of its column, ``ANY`` if that is not known.
        word: The cell of the table's type column, for values of ``ANY`` type.
        found: Grows, also if a part of the cell is refused.

    Raises:
        RefusedValue: It, or a part of it, is no such value.
    """
    if kind == ANY:
        if word:
            named = _type_of_cell(word) if len(word) <= MAX_WORD_CHARS else None
            if named is None:
                _of_unknown_type(cell, word, found)
                return
            kind = named
        if kind == ANY:
            one = detect(cell)
            if one is not None:
                found.append((*one, _as_listed(one, cell)))
                return
    elif kind == types.HOSTNAME and names.is_hostname(cell):
        found.append((kind, cell, None))
        return
    text = cell.strip(EDGES)
    if text.lower() in EMPTY:
        return
    if kind == types.WALLET and ":" not in text:
        text = f"{CURRENCIES[word.strip().lower()]}:{text}" if word.strip().lower() in CURRENCIES else text
    _several(text, kind, found)


def confidence(text: str) -> int:
    """Return a confidence of 0 to 100; words and fractions of 1 are understood.

    Raises:
        RefusedValue: It is none.
    """
    word = text.lower().removesuffix("%").strip()
    if word in _SURENESS:
        return _SURENESS[word]
    try:
        number = float(word)
    except ValueError as error:
        raise RefusedValue("not a confidence of 0 to 100") from error
    if "." in word and 0 <= number <= 1:
        number *= 100
    if not 0 <= number <= 100:
        raise RefusedValue("not a confidence of 0 to 100")
    return round(number)


def tlp(text: str) -> TLP:
    """Return the marking that *text* names, with or without ``TLP:``.

    Raises:
        RefusedValue: It names none.
    """
    word = text.strip().lower().removeprefix("tlp").lstrip(": ").replace("_", "+").replace(" ", "+")
    if word not in _TLPS:
        raise RefusedValue("not a TLP marking")
    return _TLPS[word]


@lru_cache(maxsize=4096)
def _type_of_cell(word: str) -> str | None:
    return type_of_word(word)


def _of_unknown_type(cell: str, word: str, found: list[Found]) -> None:
    text = cell.strip(EDGES)
    if text.lower() in EMPTY:
        return
    facts: dict[str, Any] = {"listed_type": cleaned(word)}
    try:
        kind, value, more = _one(text, ANY)
    except RefusedValue:
        kind, value, more = types.GENERIC, canonical(types.GENERIC, text), None
    found.append((kind, value, {**facts, **(more or {})}))


def _several(text: str, kind: str, found: list[Found]) -> None:
    pieces = [piece for piece in _separators(text) if piece]
    if len(pieces) > 1 and kind in (types.FILE, ANY, *_HASHES) and _is_hash(pieces[0]):
        # Several hashes of one sample in one cell.
        _each(pieces, ANY if kind == types.FILE else kind, found)
        return
    if kind == types.FILE and _is_hash(text):
        kind = ANY
    try:
        found.append(_one(text, kind))
    except RefusedValue:
        if len(pieces) < 2 or kind not in (ANY, *_NETWORK, *_HASHES):
            raise
        _each(pieces, kind, found)


def _each(pieces: list[str], kind: str, found: list[Found]) -> None:
    refused = ""
    for piece in pieces:
        try:
            found.append(_one(piece, kind))
        except RefusedValue as error:
            refused = refused or str(error)
    if refused:
        raise RefusedValue(f"a part of the cell is {refused}")


def _one(text: str, kind: str) -> Found:
    if kind == ANY:
        one = detect(text)
        if one is not None:
            return (*one, _as_listed(one, text))
        host, port = ports.split(refang(text))
        one = detect(host) if port is not None else None
        if one is None:
            raise RefusedValue("not a value")
        return (*one, {"port": port})
    value = refang(text).strip(EDGES) if kind in _NETWORK else text
    try:
        one = classify(kind, value)
    except RefusedValue:
        host, port = ports.split(value) if kind in _NETWORK else (value, None)
        if port is not None and kind != types.URL:
            one = classify(kind, host)
            return (*one, {"port": port})
        other = detect(value)
        if other is None:
            raise
        one = other
    return (*one, _as_listed(one, value))


def _as_listed(one: tuple[str, str], text: str) -> dict[str, Any] | None:
    """Return the spelling in the table where the canonical value means a little more than it."""
    kind, value = one
    if kind == types.CIDR and value != text:
        return {"as_listed": text}
    if kind == types.URL and "://" not in refang(text):
        return {"as_listed": text}
    if kind == types.HOSTNAME and text.startswith("*."):
        return {"as_listed": text}
    return None


def _is_hash(text: str) -> bool:
    return len(text) in hashes.BY_LENGTH and hashes.is_hex(text.lower()) is not None
