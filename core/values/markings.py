"""How far something may be passed on: the Traffic Light Protocol, as tags name it, TLP 1 and 2."""

import re
from collections.abc import Iterable
from functools import lru_cache

from core.schemas.claim import TLP

_TLP = re.compile(r"tlp\s*:\s*(clear|white|green|amber(?:[ +_-]*strict)?|red)", re.IGNORECASE).fullmatch
_WORDS = {
    "clear": TLP.CLEAR,
    "white": TLP.CLEAR,
    "green": TLP.GREEN,
    "amber": TLP.AMBER,
    "red": TLP.RED,
}


@lru_cache(maxsize=65_536)
def tlp_of(tag: str) -> TLP | None:
    """Return the marking that *tag* is (``tlp:amber+strict``), ``None`` if it is none."""
    found = _TLP(tag.strip())
    if found is None:
        return None
    word = found[1].lower()
    return TLP.AMBER_STRICT if word.endswith("strict") else _WORDS[word]


def strictest(markings: Iterable[TLP | None]) -> TLP | None:
    """Return the most restrictive of *markings*, ``None`` if there is none."""
    return max((marking for marking in markings if marking is not None), default=None)
