"""Choose in which coding a file is sent, by what a client says it takes (RFC 9110 §12.5.3)."""

import re
from collections.abc import Collection
from functools import lru_cache

IDENTITY = "identity"
_BY_WORTH = ("zstd", "gzip", IDENTITY)
"""Of those that a client likes as much, the first is sent."""

_ITEM = re.compile(
    r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:;\s*[qQ]\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?"
)


def chosen(accepted: str | None, there: Collection[str]) -> str | None:
    """Return the coding to send, ``None`` if a client refuses all there are.

    Args:
        accepted: ``Accept-Encoding``, ``None`` where there was none; what cannot be read in it says nothing.
        there: The codings that the file is kept in, ``identity`` always among them.
    """
    if accepted is None:
        return IDENTITY
    weights = _weights(accepted)
    best, best_weight = None, 0.0
    for coding in _BY_WORTH:
        if coding in there and (weight := _weight(coding, weights)) > best_weight:
            best, best_weight = coding, weight
    return best


def _weight(coding: str, weights: dict[str, float]) -> float:
    if coding in weights:
        return weights[coding]
    if coding == IDENTITY:
        # Acceptable without a word, unless "*;q=0" says otherwise; and least of all that is named.
        return 0.0 if weights.get("*") == 0 else 1e-9
    return weights.get("*", 0.0)


@lru_cache(maxsize=256)
def _weights(accepted: str) -> dict[str, float]:
    found = {}
    for item in accepted.split(","):
        if match := _ITEM.fullmatch(item):
            word = match[1].lower()
            found["gzip" if word == "x-gzip" else word] = float(match[2] or 1)
    return found
