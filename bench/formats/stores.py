"""The stores that are read: two with observables of every type, and one for each kind of list.

``mixed`` is like real feeds as far as it matters to formats that tell what is known: observables of a feed and a day
have all of it in common.  Of 228,288 observables of real files 90 % had one of a hundred sets of assertions, and 4 %
one of their own (core/store/rows.py works out what many share once).  In ``scattered``, which the other benchmarks use,
hardly two have the same.
"""

import random
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from bench.store import store_of
from bench.synthetic import NOW, claims
from core.schemas.claim import Claim
from core.store.store import Store
from core.values import types

MIXED, SCATTERED = "mixed", "scattered"
SHARED_SETS, OWN_SHARE = 1_000, 0.04
"""So many sets of assertions that observables share, the first ones far more often; and how many have one of their own."""

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
        _take_in(store, {MIXED: _like_feeds, SCATTERED: claims}.get(kind, partial(_of_kind, kind))(rows))


def main() -> None:
    """Read the words of a command: folder, kind and rows."""
    folder, kind, rows = sys.argv[1:]
    fill(Path(folder), kind, int(rows))


def _take_in(store: Store, found: Iterator[Claim]) -> None:
    with store.import_session(NOW) as session:
        batch: list[Claim] = []
        for claim in found:
            batch.append(claim)
            if len(batch) == 50_000:
                session.add(batch)
                batch = []
        session.add(batch)


def _like_feeds(rows: int) -> Iterator[Claim]:
    chance = random.Random(2)
    ranks = range(1, SHARED_SETS + 1)
    sets = [claim for claim, _ in zip(claims(SHARED_SETS, seed=3), ranks, strict=True)]
    weights = [1 / rank**1.4 for rank in ranks]
    shared: list[Claim] = []
    for claim in claims(rows):
        if not shared:
            shared = chance.choices(sets, weights, k=8_192)
        like = shared.pop()
        if chance.random() < OWN_SHARE:
            yield claim
        else:
            yield replace(like, type=claim.type, value=claim.value)


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


if __name__ == "__main__":
    main()
