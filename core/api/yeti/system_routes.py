"""``/api/v2/system``: what a client has to know before it logs in, and the types there are."""

from fastapi import APIRouter
from pydantic import BaseModel

from core.api.access import Reader
from core.api.yeti.forms import TYPE_NAMES
from core.values.types import MEANINGS

router = APIRouter(prefix="/system", tags=["system"])


class Auth(BaseModel):
    """How users log in."""

    module: str
    enabled: bool


class Config(BaseModel):
    """What anybody may know; where things are and how they are set up is not among it."""

    auth: Auth
    system: dict[str, str]
    rbac_enabled: bool
    agents_enabled: bool


class Types(BaseModel):
    """The types that are understood, and what those that are kept as themselves mean."""

    observables: list[str]
    meanings: dict[str, str]


@router.get("/config")
def config() -> Config:
    """Say how users log in."""
    return Config(auth=Auth(module="local", enabled=True), system={}, rbac_enabled=False, agents_enabled=False)


@router.get("/types")
def types(_: Reader) -> Types:
    """Return the types of observables."""
    return Types(observables=TYPE_NAMES, meanings=MEANINGS)
