"""Fields that several models share."""

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints, WithJsonSchema

Moment = Annotated[
    str, WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-22T10:00:00Z"]})
]
"""RFC 3339 in UTC."""

Why = Annotated[
    str,
    StringConstraints(
        strict=True, strip_whitespace=True, max_length=1_000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$"
    ),
    Field(description="Why; kept with what is done.", examples=["false positives, ticket 4711"]),
]
"""A reason that says something."""

Value = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=8_192),
    Field(description="A value, also defanged.", examples=["198.51.100[.]7"]),
]
TypeName = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=100),
    Field(description="Its type; without, it is recognised.", examples=["ipv4"]),
]
Sha256 = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[0-9a-f]{64}$"),
    Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]),
]
Reason = dict[str, str]
"""Why something is not listed: a word under ``reason``, and what else there is to say."""


class PublishedFile(BaseModel):
    """A file that was published."""

    name: str = Field(examples=["c2.txt"])
    location: str = Field(description="Where it is, without secrets.", examples=["/srv/exports/c2.txt"])
    sha256: str
    outcome: str = Field(description="`created`, `replaced` or `unchanged`.", examples=["replaced"])


class Pinned(BaseModel):
    """What an export is pinned to: runs publish nothing until that ends."""

    version: int = Field(examples=[12])
    since: Moment
    by: str = Field(examples=["alice"])
    reason: str
    exact: bool = Field(description="Also what was withdrawn since is on it.")
