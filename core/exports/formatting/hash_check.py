"""Which hashes may be written: hexadecimal digits in lower case, as many as the algorithm makes.

What is spelled otherwise is refused, never put right: it would not be canonical, or none.  Refused too is the hash of
an empty file, which every system is full of: so in every format that something is blocked or told by.

A batch is checked as a whole; only where one value of it fails is each looked at.
"""

import hashlib
import re

from core.exports.formatting.contract import Refusing, Value, Values
from core.values import types
from core.values.hashes import LENGTHS

NAMES = {types.MD5: "MD5", types.SHA1: "SHA-1", types.SHA256: "SHA-256", types.SHA512: "SHA-512"}
"""The algorithms that hash files, as people write them."""

EMPTY_FILE = "the hash of an empty file"
_EVERY_NAME = NAMES | {types.IMPHASH: "an import hash", types.JA3: "JA3", types.JARM: "JARM"}
# Of a fingerprint, which is of no file, there is none; no value of a batch that is canonical is empty.
_EMPTY = dict.fromkeys(LENGTHS, "") | {
    type_: hashlib.new(type_, b"", usedforsecurity=False).hexdigest() for type_ in NAMES
}
# Possessive: nothing is tried twice, and no stack grows with the batch.
_are_hashes = {type_: re.compile(rf"(?:[0-9a-f]{{{digits}}}\n)*+").fullmatch for type_, digits in LENGTHS.items()}


def accepted(values: Values, out: Refusing) -> list[str]:
    """Return the values of a batch that are canonical hashes, and refuse the others.

    Args:
        values: Of a type that is in ``core.values.hashes.LENGTHS``.
        out: Where the others are refused.
    """
    type_, texts = values
    text = "\n".join(texts) + "\n"
    if texts and text.count("\n") == len(texts) and _are_hashes[type_](text) and _EMPTY[type_] not in texts:
        return texts
    return [text for text in texts if not _is_refused(type_, text, out)]


def _is_refused(type_: str, text: str, out: Refusing) -> bool:
    reason = _fault(type_, text)
    if reason:
        out.refuse(Value(type_, text), reason)
    return bool(reason)


def _fault(type_: str, text: str) -> str:
    """Return what is wrong with a value, nothing if it is canonical."""
    if "\n" in text or not _are_hashes[type_](text + "\n"):
        return f"not {LENGTHS[type_]} hexadecimal digits in lower case, as {_EVERY_NAME[type_]} has"
    return EMPTY_FILE if text == _EMPTY[type_] else ""
