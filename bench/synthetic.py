"""A million observables that look like feeds: the same ones every time."""

import random
from collections.abc import Iterator

from core.schemas.claim import TLP, Claim, Kind
from core.schemas.instant import DAY, SECOND, Instant

NOW: Instant = 1_767_225_600 * SECOND
"""2026-01-01; nothing here ages."""

TAGS = 2_000
SOURCES = tuple(f"Feed {number}" for number in range(8))
_WORDS = ("c2", "phishing", "botnet", "scanner", "ransomware", "stealer", "loader", "tor", "spam", "miner")


def tag_names() -> list[str]:
    """Return the tags, most frequent first."""
    return [f"{_WORDS[number % 10]}:family-{number}" for number in range(TAGS)]


def claims(rows: int, seed: int = 1) -> Iterator[Claim]:
    """Yield *rows* claims of distinct values, 2.25 tags each on average; tags are Zipf-distributed."""
    chance = random.Random(seed)
    names = tag_names()
    weights = [1 / rank for rank in range(1, TAGS + 1)]
    total = 0.0
    cumulated = [total := total + weight for weight in weights]
    numbers = iter(range(rows))
    pool: list[str] = []
    for number in numbers:
        if len(pool) < 8:
            pool = chance.choices(names, cum_weights=cumulated, k=8_192)
        wanted = (1, 2, 2, 4)[number & 3]
        tags = {pool.pop() for _ in range(wanted)}
        type_, value = _value(number, chance)
        day = NOW - chance.randrange(60) * DAY
        yield Claim(
            type=type_,
            value=value,
            source=SOURCES[number % len(SOURCES)],
            tags=tuple(sorted(tags)),
            kind=Kind.MALICIOUS if number % 10 else Kind.SUSPICIOUS,
            first_seen=day - 5 * DAY if number % 3 == 0 else None,
            last_seen=day if number % 3 == 0 else None,
            confidence=number % 100 if number % 4 == 0 else None,
            tlp=TLP.GREEN if number % 5 == 0 else None,
        )


def _value(number: int, chance: random.Random) -> tuple[str, str]:
    bits = chance.getrandbits(256)
    kind = number % 10
    # The number is worked in, so that no two are alike.
    if kind < 3:
        address = (number * 2_654_435_761 + 16_777_216) % 3_700_000_000
        return "ipv4", f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"
    if kind < 5:
        return "hostname", f"{bits & 0xFFFFFF:x}.n{number}.example.com"
    if kind < 7:
        return "sha256", f"{bits ^ number:064x}"
    if kind == 7:
        return "url", f"http://h{bits & 0xFFFF:x}.example.net/{bits >> 200:x}/index.php?id={number}"
    if kind == 8:
        return "md5", f"{number:08x}{bits & 0xFFFFFFFFFFFFFFFFFFFFFFFF:024x}"
    return "ipv6", f"2001:db8:{bits & 0xFFFF:x}:{number >> 16:x}::{number & 0xFFFF:x}"
