"""Texts as JSON has them."""

from collections.abc import Sequence

import msgspec

_encode = msgspec.json.Encoder().encode


def json_text(value: object) -> str:
    """Return *value* as JSON."""
    return _encode(value).decode()


def inner(text: str) -> str:
    """Return *text* as it stands inside the quotes of JSON."""
    return json_text(text)[1:-1]


def inners(texts: Sequence[str]) -> Sequence[str]:
    """Return each of *texts* as it stands inside the quotes of JSON; most are the same there, which is seen at once."""
    return texts if are_plain("".join(texts)) else [inner(text) for text in texts]


def are_plain(text: str) -> bool:
    """Say whether nothing of *text* is escaped in JSON: an escape is always longer."""
    return len(_encode(text)) == len(text.encode()) + len('""')
