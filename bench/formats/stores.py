"""The stores that are read: one with observables of every type, and one for each kind of list."""

import random
from collections.abc import Iterator
from pathlib import Path

from bench.store import NOW, store_of
from bench.synthetic import claims
from core.schemas.claim import Claim
from core.store.store import Store
from core.values import types

MIXED = "mixed"
KINDS: dict[str, tuple[str, ...]] = {
    "addresses": (types.IPV4, types.IPV6, types.CIDR),
    "names": (types.HOSTNAME,),
    "urls": (types.URL,),
    "hashes": (types.SHA256, types.SHA1, types.MD5),
}
"""Types of the observables of each store, as many of one as of the next, but for addresses: those are IPv4 mostly."""

_WORDS = ("mail", "login", "cdn", "update", "secure", "api", "static", "files", "news", "shop")
_ZONES = ("com", "net", "org", "info", "xyz", "top", "online", "co.uk", "com.br", "de")


def fill(folder: Path, kind: str, rows: int) -> None:
    """Make a store of *rows* observables."""
    with store_of(folder, kind) as store:
        _take_in(store, claims(rows) if kind == MIXED else _of_kind(kind, rows))


def _take_in(store: Store, found: Iterator[Claim]) -> None:
    with store.import_session(NOW) as session:
        batch: list[Claim] = []
        for claim in found:
            batch.append(claim)
            if len(batch) == 50_000:
                session.add(batch)
                batch = []
        session.add(batch)


def _of_kind(kind: str, rows: int) -> Iterator[Claim]:
    chance = random.Random(kind)
    value_of = {"addresses": _address, "names": _name, "urls": _url, "hashes": _hash}[kind]
    for number in range(rows):
        type_, value = value_of(number, chance)
        yield Claim(type=type_, value=value, source="Feed", tags=("c2",))


def _address(number: int, chance: random.Random) -> tuple[str, str]:
    # The multiplier is odd, so that no two numbers give the same address or network.
    bits = number * 2_654_435_761 % 2**32
    if number % 10 < 7:
        return types.IPV4, ".".join(str(byte) for byte in bits.to_bytes(4, "big"))
    if number % 10 < 9:
        return types.IPV6, f"2a00:{bits >> 16:x}:{bits & 0xFFFF:x}::{chance.randrange(1, 0xFFFF):x}"
    network = number * 40_503 % 2**24
    return types.CIDR, f"{network >> 16}.{network >> 8 & 255}.{network & 255}.0/24"


def _name(number: int, chance: random.Random) -> tuple[str, str]:
    # Some are below others, as in feeds.
    parent = (
        f"{chance.choice(_WORDS)}-{number - number % 5:x}.{chance.choice(_ZONES) if number % 5 == 0 else 'com'}"
    )
    return types.HOSTNAME, parent if number % 5 == 0 else f"{_WORDS[number % 10]}{number % 5}.{parent}"


def _url(number: int, chance: random.Random) -> tuple[str, str]:
    host = f"{chance.choice(_WORDS)}-{number:x}.{chance.choice(_ZONES)}"
    return types.URL, f"http://{host}/{chance.choice(_WORDS)}/{chance.getrandbits(64):x}.php?id={number}"


def _hash(number: int, chance: random.Random) -> tuple[str, str]:
    bits = chance.getrandbits(256)
    type_, digits = ((types.SHA256, 64), (types.SHA1, 40), (types.MD5, 32))[number % 3]
    return type_, f"{number:08x}{bits:064x}"[:digits]
