"""Lists in pages: so many at most, from there on, and how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

T = TypeVar("T")

MOST = 1_000


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is wanted."""

    limit: int
    offset: int

    def of(self, items: Sequence[T]) -> list[T]:
        """Return that part of a list that is at hand."""
        return list(islice(items, self.offset, self.offset + self.limit))


def _window(
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many at most.")] = 100,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1, description="How many to leave out before them.")] = 0,
) -> Window:
    return Window(limit, offset)


Paging = Annotated[Window, Depends(_window)]


class Page(BaseModel, Generic[T]):
    """A part of a list."""

    total: int = Field(description="How many there are in all.", examples=[1])
    limit: int = Field(description="How many were asked for.", examples=[100])
    offset: int = Field(description="How many were left out before these.", examples=[0])
    items: list[T]
