"""Hashes and fingerprints: hex in lower case, of the right length."""

import re
from collections.abc import Callable

from core.errors import RefusedValue
from core.values import types
from core.values.characters import trimmed

LENGTHS = {
    types.MD5: 32,
    types.SHA1: 40,
    types.SHA256: 64,
    types.SHA512: 128,
    types.IMPHASH: 32,
    types.JA3: 32,
    types.JARM: 62,
}
BY_LENGTH = {32: types.MD5, 40: types.SHA1, 64: types.SHA256, 128: types.SHA512}
"""What bare hex of that many digits is taken for."""

is_hex = re.compile(r"[0-9a-f]+").fullmatch
is_ssdeep = re.compile(r"[0-9]{1,10}:[0-9A-Za-z+/]{1,128}:[0-9A-Za-z+/]{1,128}").fullmatch
is_tlsh = re.compile(r"(?:T1)?[0-9A-F]{70}").fullmatch


def hex_hash(kind: str) -> Callable[[str], str]:
    """Return the function that gives the canonical hash of type *kind*."""
    length = LENGTHS[kind]

    def canonical(text: str) -> str:
        if len(text) == length and is_hex(text):
            return text
        value = trimmed(text).lower()
        if not is_hex(value):
            raise RefusedValue(f"not {_article(kind)}: a character that is no hexadecimal digit")
        if len(value) != length:
            raise RefusedValue(f"not {_article(kind)}: {len(value)} digits instead of {length}")
        return value

    return canonical


def ssdeep(text: str) -> str:
    """Return the fuzzy hash; letters keep their case, since it means something."""
    value = trimmed(text)
    if not is_ssdeep(value):
        raise RefusedValue("not an ssdeep hash: blocksize:hash:hash is needed")
    return value


def tlsh(text: str) -> str:
    """Return the TLSH hash in capitals, as its makers print it, with ``T1`` where it was given."""
    value = trimmed(text).upper()
    if not is_tlsh(value):
        raise RefusedValue("not a TLSH hash: 70 hexadecimal digits are needed, T1 before them if known")
    return value


def certificate(text: str) -> str:
    """Return a certificate's fingerprint or serial number: hex in lower case without colons and blanks."""
    value = re.sub(r"[\s:]", "", trimmed(text)).lower().removeprefix("0x")
    if not is_hex(value) or len(value) > 128:
        raise RefusedValue("not a certificate's fingerprint or serial number: hexadecimal digits are needed")
    return value


def _article(kind: str) -> str:
    name = {types.SHA1: "SHA-1", types.SHA256: "SHA-256", types.SHA512: "SHA-512"}.get(kind, kind.upper())
    return f"an {name} hash" if name[0] in "MSI" and name[0] != "J" else f"a {name} fingerprint"
