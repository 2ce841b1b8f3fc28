"""Durations as Yeti writes them: ISO 8601 in answers, more forms in requests; whole seconds."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, PlainSerializer, WithJsonSchema

LONGEST_S = 365_000 * 86_400
"""A thousand years; dates end with the year 9999."""


def _whole(value: timedelta) -> timedelta:
    if value < timedelta(0):
        raise ValueError("a duration cannot be negative")
    if value.microseconds:
        raise ValueError("a duration is of whole seconds")
    if value.total_seconds() > LONGEST_S:
        raise ValueError("a duration is a thousand years at most")
    return value


def iso(value: timedelta) -> str:
    """Return a duration as ISO 8601 has it, in days and less: a year is not always as long."""
    minutes, rest_s = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    time = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (rest_s, "S")) if number)
    days = f"{value.days}D" if value.days else ""
    return f"P{days}{f'T{time}' if time else ''}" if days or time else "PT0S"


Duration = Annotated[timedelta, AfterValidator(_whole)]
"""A duration in a request."""

DurationOut = Annotated[
    timedelta, PlainSerializer(iso), WithJsonSchema({"type": "string", "format": "duration", "examples": ["PT1H"]})
]
"""A duration in an answer."""


def seconds(value: timedelta) -> int:
    """Return a duration in seconds."""
    return value.days * 86_400 + value.seconds
