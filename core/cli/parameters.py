"""Kinds of command-line values: durations, dates, ``KEY=VALUE`` pairs."""

import re
from typing import Any

import click

from core.errors import RefusedValue
from core.schemas.claim import TLP
from core.schemas.instant import Instant

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class Duration(click.ParamType[int | None]):
    """``90s``, ``15m``, ``1h``, ``30d``, ``2w``, also together (``1h30m``); the value is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the seconds; ``''`` clears."""
        if isinstance(value, int):
            return value
        text = str(value).strip().lower()
        if not text:
            return None
        if not re.fullmatch(r"([0-9]{1,9}[smhdw])+", text):
            self.fail(f"{value!r} is not a duration; write 90s, 15m, 1h, 30d or 2w", param, ctx)
        seconds = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"([0-9]+)([smhdw])", text))
        if seconds == 0:
            self.fail("a duration of nothing", param, ctx)
        return seconds


class Lifetime(click.ParamType[int | None]):
    """A duration, 0, or ``forever`` (-1); ``''`` is the default again."""

    name = "lifetime"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the seconds."""
        text = str(value).strip().lower()
        if text in ("forever", "-1"):
            return -1
        return 0 if text in ("0", "0s") else Duration().convert(value, param, ctx)


class Number(click.ParamType[int | None]):
    """A whole number; ``''`` clears."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the number."""
        if isinstance(value, int):
            return value
        text = str(value).strip()
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{1,9}", text):
            self.fail(f"{value!r} is not a whole number", param, ctx)
        return int(text)


class Marking(click.ParamType[TLP | None]):
    """A level of the Traffic Light Protocol, by its name in version 1 or 2; ``''`` clears."""

    name = "tlp"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> TLP | None:
        """Return the level."""
        if isinstance(value, TLP):
            return value
        text = str(value).strip().lower().removeprefix("tlp:").replace("_", "+")
        if not text:
            return None
        known = {"white": TLP.CLEAR} | {tlp.name.lower().replace("_", "+"): tlp for tlp in TLP}
        if text not in known:
            self.fail(f"{value!r} is no level of the Traffic Light Protocol: {', '.join(known)}", param, ctx)
        return known[text]


def lifetime_text(lifetime_s: int | None) -> str:
    """Return a lifetime as it would be typed; the default is a dash."""
    if lifetime_s is None:
        return "-"
    return "forever" if lifetime_s < 0 else duration_text(lifetime_s)


class Moment(click.ParamType[Instant | None]):
    """``2024-05-01`` (midnight UTC) or ``2024-05-01T10:00:00Z``; the value is an instant."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Instant | None:
        """Return the instant; ``''`` clears."""
        from core.values.dates import instant

        if isinstance(value, int):
            return value
        text = str(value).strip()
        if not text:
            return None
        try:
            return instant(text)
        except RefusedValue as error:
            self.fail(f"{value!r}: {error}; write 2024-05-01 or 2024-05-01T10:00:00Z", param, ctx)


class Pair(click.ParamType[tuple[str, str]]):
    """``KEY=VALUE``; the value is the two."""

    name = "key=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return key and value, without surrounding blanks."""
        if isinstance(value, tuple):
            return value
        key, separator, text = str(value).partition("=")
        if not separator or not key.strip():
            self.fail(f"{value!r} is not KEY=VALUE", param, ctx)
        return key.strip(), text.strip()


def duration_text(seconds: int) -> str:
    """Return *seconds* as it would be typed: ``1h30m``."""
    parts = []
    for unit, size in sorted(_UNITS.items(), key=lambda pair: -pair[1]):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
