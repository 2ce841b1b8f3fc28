"""Versions as they are sent."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from core.api.exports.definition_models import HeldBriefly, HeldReason
from core.api.exports.fields import Moment, Pinned, PublishedFile, Reason, Sha256, Why
from core.api.exports.paging import Page


class VerdictOut(BaseModel):
    """What the gate said."""

    held: bool = False
    reasons: list[HeldReason] = []
    notes: list[str] = []


class FileOut(BaseModel):
    """A file of a version."""

    name: str = Field(examples=["c2.txt"])
    media_type: str = Field(examples=["text/plain; charset=utf-8"])
    size_bytes: int
    sha256: str
    entries: int


class VersionOut(BaseModel):
    """A version, or what is held."""

    version: int | None = Field(description="Its number; null of what is held.")
    cause: str = Field(description="`run`, `release`, `withdrawal` or `rollback`.", examples=["run"])
    note: dict[str, str] = Field(description="Of a release and a rollback: by whom, why, of which version.")
    made: Moment
    instant: Moment = Field(description="When every assertion was judged.")
    entries: int
    refused: int = Field(description="Observables that the format cannot express.")
    kept_off: dict[str, int] = Field(description="How many observables were kept off for which reason.")
    changed: dict[str, int] = Field(description="How many entries were added, changed, removed.")
    ipv4_addresses: int = Field(description="How many addresses it covers, each counted once.")
    ipv6_addresses: int
    counter: int | None = Field(description="Its publish counter, of formats that have one.")
    verdict: VerdictOut
    software: str
    manifest_sha256: str
    files: list[FileOut]


class Versions(Page[VersionOut]):
    """The versions that are kept, the newest first."""

    export: str
    current: int | None = Field(description="The number of the version that consumers have.")
    pinned: Pinned | None


class Held(VersionOut, HeldBriefly):
    """What a run made and the gate held."""

    base: int = Field(description="The version that it would take the place of; 0 is none.")


class DifferenceOut(BaseModel):
    """One entry that is different."""

    change: str = Field(description="`added`, `removed`, or `changed`: more is known of it, or something else.")
    type: str
    value: str
    why: Reason | None = Field(description="Why it was removed.")


class Diff(Page[DifferenceOut]):
    """How two versions differ."""

    model_config = ConfigDict(populate_by_name=True)

    export: str
    before: int | str = Field(alias="from", description="A number, 0 is before the first; or `held`.")
    after: int | str = Field(alias="to")
    counts: dict[str, int] = Field(description="How many were added, removed, changed.")
    removed_for: dict[str, int] = Field(description="How many were removed for which reason.")


class Rollback(BaseModel):
    """Which version to publish again."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: int = Field(ge=1, le=2**31 - 1, description="A version that is kept.", examples=[11])
    reason: Why
    exact: bool = Field(
        default=False, description="Also what was withdrawn or carved out since; also if it is empty."
    )


class RolledBack(BaseModel):
    """What a rollback did."""

    export: str
    version: int = Field(description="The version that is current now, and that the export is pinned to.")
    of: int = Field(description="The version whose content it has.")
    entries_before: int
    entries: int
    changed: dict[str, int]
    left_out: int = Field(description="Entries of that version that are not in it.")
    notes: list[str]
    files: list[PublishedFile] = Field(description="None if that content was published already.")


class Release(BaseModel):
    """What is to be published though the gate held it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sha256: Sha256 = Field(description="`candidate` of what was looked at: another is not released.")
    reason: Why


class Released(BaseModel):
    """What a release did."""

    export: str
    version: int
    notes: list[str]
    files: list[PublishedFile]


class FindingOut(BaseModel):
    """Something that was looked at."""

    version: int | None
    state: str = Field(description="`kept`, `held` or `published`.", examples=["kept"])
    what: str = Field(description="Where it is, without secrets.")
    fault: str | None = Field(description="What is wrong; null if nothing is.")


class Verified(BaseModel):
    """What is kept of an export, compared with what it should be."""

    export: str
    is_good: bool
    findings: list[FindingOut]


Manifest = dict[str, Any]
