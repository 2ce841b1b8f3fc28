"""Kinds of command-line values: durations, dates, ``KEY=VALUE`` pairs."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import click

from core.errors import DefinitionError
from core.exports.definitions import words
from core.exports.definitions.words import duration_text
from core.schemas.claim import TLP
from core.schemas.instant import Instant

__all__ = [
    "Duration",
    "Lifetime",
    "Marking",
    "Moment",
    "Number",
    "Pair",
    "duration_text",
    "lifetime_text",
    "reason_option",
]

T = TypeVar("T")
_Command = TypeVar("_Command", bound=Callable[..., Any])


class _Word(click.ParamType[T | None], Generic[T]):
    """A word that is understood alike on the command line and in files; ``''`` clears."""

    read: Callable[[str], T]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> T | None:
        """Return what the word means; what is no text was understood before."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        if not value.strip():
            return None
        try:
            return type(self).read(value)
        except DefinitionError as error:
            self.fail(str(error), param, ctx)


class Duration(_Word[int]):
    """``90s``, ``15m``, ``1h``, ``30d``, ``2w``, also together (``1h30m``); the value is seconds."""

    name = "duration"
    read = staticmethod(words.duration_s)


class Lifetime(click.ParamType[int | None]):
    """A duration, 0, or ``forever`` (-1); ``''`` is the default again."""

    name = "lifetime"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the seconds."""
        text = str(value).strip().lower()
        if text in ("forever", "-1"):
            return -1
        return 0 if text in ("0", "0s") else Duration().convert(value, param, ctx)


class Number(_Word[int]):
    """A whole number; ``''`` clears."""

    name = "number"
    read = staticmethod(words.number)


class Marking(_Word[TLP]):
    """A level of the Traffic Light Protocol, by its name in version 1 or 2; ``''`` clears."""

    name = "tlp"
    read = staticmethod(words.marking)


def lifetime_text(lifetime_s: int | None) -> str:
    """Return a lifetime as it would be typed; the default is a dash."""
    if lifetime_s is None:
        return "-"
    return "forever" if lifetime_s < 0 else duration_text(lifetime_s)


class Moment(_Word[Instant]):
    """``2024-05-01`` (midnight UTC) or ``2024-05-01T10:00:00Z``; the value is an instant."""

    name = "date"
    read = staticmethod(words.moment)


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


def reason_option(help_text: str) -> Callable[[_Command], _Command]:
    """Return the option ``--reason``, which must be given and say something; blanks at its ends are dropped."""
    return click.option("--reason", required=True, metavar="TEXT", help=help_text, callback=_said)


def _said(_: click.Context, __: click.Parameter, given: str) -> str:
    text = given.strip()
    if not text:
        raise click.UsageError("--reason must say why")
    return text
