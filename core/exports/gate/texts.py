"""Numbers as the gate says them."""

from fractions import Fraction

from core.exports.gate.verdict import Found

FEW = 5
"""So many examples are named."""

_UNITS_IPV6 = (32, 48, 64)


def counted(count: int, noun: str) -> str:
    """Return ``1 byte``, ``2,000 bytes``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def entries_text(count: int) -> str:
    """Return ``1 entry``, ``2,000 entries``."""
    return "1 entry" if count == 1 else f"{count:,} entries"


def share_text(share: Fraction) -> str:
    """Return a part of 1 in per cent."""
    return f"{float(share * 100):.9g}%"


def times_text(times: Fraction) -> str:
    """Return ``5 times``, ``2.5 times``."""
    return f"{float(times):.9g} times"


def more_text(least: int | str, end: str = "") -> str:
    """Return the second of two bounds, nothing if it is 0."""
    if not least:
        return ""
    return f", and more than {least if isinstance(least, str) else format(least, ',')}{end}"


def found_text(found: Found) -> str:
    """Return a few of what was found, and how many more there are."""
    named = found.examples[:FEW]
    more = found.count - len(named)
    if not named:
        return f"{found.count:,}"
    return ", ".join(named) + (f" and {more:,} more" if more > 0 else "")


def addresses_text(version: int, count: int) -> str:
    """Return how many addresses of a version, in networks where the number could not be read."""
    for length in _UNITS_IPV6 if version == 6 else ():
        unit = 1 << 128 - length
        if count >= unit:
            times = count // unit
            networks = f"/{length}" if times == 1 else f"{times:,} x /{length}"
            return f"{'more than ' if count % unit else ''}{networks} of IPv6"
    return f"{count:,} IPv{version} address{'' if count == 1 else 'es'}"
