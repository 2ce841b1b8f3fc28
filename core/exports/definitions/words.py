"""Single words of a definition, as they are typed at the command line and stand in files: durations, dates, levels.

Each function takes a text and returns what it means, or raises ``DefinitionError`` with what may be written.
"""

import re
from collections.abc import Iterable
from ipaddress import ip_network

from core.errors import DefinitionError, RefusedValue
from core.schemas.claim import TLP
from core.schemas.instant import Instant

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_LEVELS = {tlp.name.lower().replace("_", "+"): tlp for tlp in TLP}


def duration_s(text: str) -> int:
    """Return the seconds of ``90s``, ``15m``, ``1h``, ``30d``, ``2w``, also together (``1h30m``)."""
    word = text.strip().lower()
    if not re.fullmatch(r"([0-9]{1,9}[smhdw])+", word, re.ASCII):
        raise DefinitionError(f"{text!r} is not a duration; write 90s, 15m, 1h, 30d or 2w")
    seconds = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"([0-9]+)([smhdw])", word))
    if seconds == 0:
        raise DefinitionError("a duration of nothing")
    return seconds


def duration_text(seconds: int) -> str:
    """Return *seconds* as it would be typed: ``1h30m``."""
    parts = []
    for unit, size in _UNITS.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def moment(text: str) -> Instant:
    """Return the instant of ``2024-05-01`` (midnight UTC) or ``2024-05-01T10:00:00Z``."""
    from core.values.dates import instant

    try:
        return instant(text.strip())
    except RefusedValue as error:
        raise DefinitionError(f"{text!r}: {error}; write 2024-05-01 or 2024-05-01T10:00:00Z") from None


def number(text: str) -> int:
    """Return a whole number."""
    word = text.strip()
    if not re.fullmatch(r"[0-9]{1,9}", word, re.ASCII):
        raise DefinitionError(f"{text!r} is not a whole number")
    return int(word)


def marking(text: str) -> TLP:
    """Return a level of the Traffic Light Protocol, by its name in version 1 or 2."""
    word = text.strip().lower().removeprefix("tlp:").replace("_", "+")
    known = {"white": TLP.CLEAR} | _LEVELS
    if word not in known:
        raise DefinitionError(f"{text!r} is no level of the Traffic Light Protocol: {', '.join(known)}")
    return known[word]


def marking_text(level: TLP) -> str:
    """Return the name of a level in version 2: ``amber+strict``."""
    return level.name.lower().replace("_", "+")


def networks(texts: Iterable[str]) -> tuple[str, ...]:
    """Return addresses and networks as ``192.0.2.1/32`` and ``10.0.0.0/8``, each once; empty texts are none."""
    found: dict[str, None] = {}
    for text in texts:
        if not (word := text.strip()):
            continue
        try:
            found[str(ip_network(word))] = None
        except ValueError as error:
            raise DefinitionError(f"{text!r} is no address and no network: {error}") from None
    return tuple(found)
