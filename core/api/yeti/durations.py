"""Durations as Yeti writes them: ISO 8601 in answers, more forms in requests; whole seconds."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator

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


Duration = Annotated[timedelta, AfterValidator(_whole)]


def seconds(value: timedelta) -> int:
    """Return a duration in seconds."""
    return value.days * 86_400 + value.seconds
