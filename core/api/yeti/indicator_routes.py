"""``/api/v2/indicators``: there are none here; Yeti's clients ask all the same, to see whether they are let in."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from core.api.access import Reader
from core.api.routing import LargeBodyRoute

router = APIRouter(prefix="/indicators", tags=["indicators"], route_class=LargeBodyRoute)


class Search(BaseModel):
    """Whatever is looked for."""

    query: dict[str, Any] = {}


class Found(BaseModel):
    """Nothing."""

    indicators: list[dict[str, Any]]
    total: int


@router.post("/search")
def search(_: Reader, given: Search | None = None) -> Found:
    """Find nothing."""
    return Found(indicators=[], total=0)
