"""Consumers as they are sent and answered; a token is in the answer that makes it, and in no other."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.api.exports.fields import Moment
from core.exports.definitions.definition import LONGEST_NAME

ExportName = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=LONGEST_NAME)]
Exports = Annotated[
    list[ExportName], Field(max_length=10_000, description="What it may fetch.", examples=[["c2-addresses"]])
]
Networks = Annotated[
    list[Annotated[str, StringConstraints(strict=True, max_length=100)]],
    Field(
        max_length=1_000,
        description="Where it asks from: networks or addresses; none is anywhere.",
        examples=[["192.0.2.0/24"]],
    ),
]
Description = Annotated[
    str, StringConstraints(strict=True, max_length=1_000), Field(examples=["the firewall at the gate"])
]


class NewConsumer(BaseModel):
    """A consumer to be added; it fetches nothing before it has a token."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(max_length=200, examples=["firewall-1"])]
    description: Description = ""
    exports: Exports = []
    all_exports: bool = Field(default=False, description="It may fetch every export, those to come too.")
    networks: Networks = []


class ConsumerChange(BaseModel):
    """What is to be changed of a consumer; what is left out stays, and a list takes the place of the one before."""

    model_config = ConfigDict(extra="forbid", strict=True)

    description: Description | None = None
    exports: Exports | None = None
    all_exports: bool | None = None
    networks: Networks | None = None
    enabled: bool | None = Field(default=None, description="Let it in, or turn it away from now on.")


class NewToken(BaseModel):
    """A token to be made."""

    model_config = ConfigDict(extra="forbid", strict=True)

    expires_in_days: Annotated[int, Field(ge=1, le=36_500)] | None = Field(
        default=None, description="After so long it counts no more; never without."
    )


class TokenOut(BaseModel):
    """What is known of a token."""

    begins: str = Field(examples=["fetch_0a1b2c3d"])
    created: Moment
    expires: Moment | None = Field(description="Null is never.")
    ended: bool
    last_used: Moment | None = Field(description="When it last let somebody in, to some seconds; null is never.")


class MadeToken(TokenOut):
    """A token that was just made."""

    consumer: str = Field(examples=["firewall-1"])
    token: str = Field(description="The token itself, which is not shown again.")


class ConsumerOut(BaseModel):
    """A machine that fetches what is published."""

    name: str = Field(examples=["firewall-1"])
    description: str
    enabled: bool
    all_exports: bool
    exports: list[str]
    networks: list[str]
    created: Moment
    tokens: list[TokenOut] = Field(description="Two at most.")


class LagOut(BaseModel):
    """How a consumer stands to an export."""

    consumer: str
    export: str
    current: int = Field(description="The version that is published.")
    version: int | None = Field(description="The one that it has; null if it never fetched one.")
    since: Moment | None = Field(description="When it first got that.")
    last_asked: Moment | None
    state: Literal["current", "behind", "never asked", "stopped asking"]


class ConsumerShown(ConsumerOut):
    """A consumer, and what it has."""

    fetches: list[LagOut]
