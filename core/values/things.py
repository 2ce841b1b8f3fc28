"""The rarer types: autonomous systems, MAC addresses, wallets."""

import hashlib
import re

from core.errors import RefusedValue
from core.values.characters import trimmed

_asn = re.compile(r"(?:ASN?)?\s*([0-9]{1,10})", re.IGNORECASE).fullmatch
is_mac = re.compile(
    r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}"
).fullmatch
_bare_mac = re.compile(r"[0-9A-Fa-f]{12}").fullmatch
_currency = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,15}):(.+)").fullmatch
_base58_btc = re.compile(r"[13][1-9A-HJ-NP-Za-km-z]{25,34}").fullmatch
_bech32_btc = re.compile(r"bc1[02-9ac-hj-np-z]{11,71}").fullmatch
_ethereum = re.compile(r"0x[0-9A-Fa-f]{40}").fullmatch
_monero = re.compile(r"[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}").fullmatch
_wallet_text = re.compile(r"[0-9A-Za-z._-]{8,128}").fullmatch
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def asn(text: str) -> str:
    """Return an autonomous system as ``AS64496``; the number alone is understood."""
    found = _asn(trimmed(text))
    if found is None or int(found.group(1)) > 0xFFFF_FFFF:
        raise RefusedValue("not an autonomous system: AS and a number below 2^32 are needed")
    return f"AS{int(found.group(1))}"


def mac_address(text: str) -> str:
    """Return a MAC address as ``00:00:5e:00:53:01``."""
    value = trimmed(text)
    if not is_mac(value) and not _bare_mac(value):
        raise RefusedValue("not a MAC address: twelve hexadecimal digits are needed")
    digits = re.sub(r"[^0-9a-f]", "", value.lower())
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def wallet(text: str) -> str:
    """Return a wallet as ``currency:address``, or the address alone where the currency cannot be told."""
    value = trimmed(text)
    found = _currency(value)
    currency, address = (found.group(1).lower(), found.group(2).strip()) if found else ("", value)
    if currency == "bitcoin":
        currency = "btc"
    elif currency == "ethereum":
        currency = "eth"
    if not _wallet_text(address):
        raise RefusedValue("not a wallet: an address of 8 to 128 letters and digits is needed")
    if _bech32_btc(address.lower()) and address in (address.lower(), address.upper()):
        address = address.lower()
    elif _ethereum(address):
        # Capitals are a checksum there (EIP-55), not part of the address.
        address = address.lower()
    currency = currency or currency_of(address) or ""
    return f"{currency}:{address}" if currency else address


def currency_of(address: str) -> str | None:
    """Return ``btc``, ``eth`` or ``xmr`` if *address* has that form beyond doubt, else ``None``."""
    if _base58_btc(address):
        return "btc" if _has_checksum(address) else None
    if _bech32_btc(address):
        return "btc"
    if _ethereum(address):
        return "eth"
    return "xmr" if _monero(address) else None


def _has_checksum(address: str) -> bool:
    number = 0
    for char in address:
        number = number * 58 + _BASE58.index(char)
    if number >= 1 << 200:
        return False
    raw = number.to_bytes(25, "big")
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]
