"""Kinds of command-line values: durations, dates, ``KEY=VALUE`` pairs."""

import re
from typing import Any

import click

from core.errors import RefusedValue
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
