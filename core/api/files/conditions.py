"""Decide whether a request is to be answered, by what the client has already (RFC 9110 §13)."""

import re
from calendar import timegm
from collections.abc import Mapping
from email.utils import parsedate
from functools import lru_cache

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def status(headers: Mapping[str, str], etag: str, modified_s: int, *, date_tells: bool) -> int:
    """Return 200, 304 (it has that) or 412 (it wanted another).

    Args:
        headers: Of the request, names in lower case.
        etag: Of the representation that would be sent, with its quotes; a strong one.
        modified_s: Seconds since 1970 that ``Last-Modified`` says.
        date_tells: No other version has that date, so that it tells versions apart.
    """
    if (wanted := headers.get("if-match")) is not None:
        if not has(wanted, etag, weakly=False):
            return 412
    elif (since := _seconds(headers.get("if-unmodified-since"))) is not None and modified_s > since:
        return 412
    if (known := headers.get("if-none-match")) is not None:
        return 304 if has(known, etag, weakly=True) else 200
    since = _seconds(headers.get("if-modified-since"))
    return 304 if date_tells and since is not None and modified_s <= since else 200


def names(headers: Mapping[str, str]) -> bool:
    """Say whether a request names what the client has: ``*`` is whatever there is, and names nothing."""
    return headers.get("if-none-match", "").strip() != "*"


def has(tags: str, etag: str, *, weakly: bool) -> bool:
    """Say whether a list of entity tags, or ``*``, has one.

    *weakly*: a weak tag of the same text is the same, too: proxies that compress make them weak.
    """
    if tags == etag or tags.strip() == "*":
        return True
    return any(f'"{text}"' == etag and (weakly or not weak) for weak, text in _TAG.findall(tags))


def range_counts(if_range: str | None, etag: str) -> bool:
    """Say whether a range is of the representation that a client has begun.

    A date never says that: two versions may have been made within its second.
    """
    return if_range is None or if_range.strip() == etag


@lru_cache(maxsize=256)
def _seconds(text: str | None) -> int | None:
    """Return the seconds since 1970 of a date of HTTP; ``None`` for what is none, which counts as not said."""
    found = parsedate(text) if text else None
    try:
        return None if found is None else timegm(found)
    except (ValueError, OverflowError):
        return None
