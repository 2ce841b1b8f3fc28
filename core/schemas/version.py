"""What is kept of a version, as its manifest has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from core.schemas.instant import Instant

Cause = Literal["run", "release", "withdrawal", "rollback"]


Role = Literal["file", "content", "changes", "gzip", "zstd", "delta", "signature"]


class StoredObject(msgspec.Struct, frozen=True, omit_defaults=True):
    """One object under ``system.versions_path``.

    Attributes:
        role: ``file`` is a published file; ``content`` the same without its publish counter, of formats that have
            one; ``changes`` what the version changed and why.  What is served beside: ``gzip`` and ``zstd`` are a
            file in these codings, ``delta`` what was added and removed, ``signature`` that of a file.
        name: Of the object.
        size_bytes: Of the object.
        sha256: Of the object's bytes.
        file_name: What the file is published as; of ``gzip`` and ``zstd``: the file that is in them.
        media_type: Of the file.
        entries: In the file.
    """

    role: Role
    name: str
    size_bytes: int
    sha256: str
    file_name: str = ""
    media_type: str = ""
    entries: int = 0


@dataclass(frozen=True, slots=True)
class Space:
    """How many addresses a list covers, each counted once."""

    ipv4: int = 0
    ipv6: int = 0


class ManifestRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A version, or a candidate that is held: everything but where its objects are kept.

    Attributes:
        number: Of the version; 0 while it is a candidate.
        cause: Why it was made: a run, the release of a held candidate, a withdrawal, a rollback.
        instant: At which every assertion was judged.
        made_at: When it was made.
        base: The version that its changes start from; 0 is none.
        software: Name and version of this program.
        definition: The export as it was, in JSON's terms.
        template: The text of the template, where it has one.
        place: Where it was published.
        entries, refused: Entries in the files; observables that the format could not express.
        kept_off: How many observables were kept off for which reason.
        space: Addresses covered.
        changed: How many entries were ``added``, ``changed``, ``removed``.
        counter: The publish counter, of formats that have one.
        verdict: Of the gate, in JSON's terms.
        note: Who released or rolled back what, and why.
        objects: What is stored.
        previous_sha256: Of the manifest of the version before; empty for the first.
        beside: What was published beside the files: ``signatures``, ``checksums``.
    """

    export: str
    number: int = 0
    cause: Cause = "run"
    instant: Instant
    made_at: Instant
    base: int = 0
    software: str
    definition: dict[str, Any]
    template: str = ""
    place: str
    entries: int
    refused: int = 0
    kept_off: Mapping[str, int] = {}
    space: Space = Space()
    changed: Mapping[str, int] = {}
    counter: int | None = None
    verdict: dict[str, Any] = {}
    note: Mapping[str, str] = {}
    objects: tuple[StoredObject, ...] = ()
    previous_sha256: str = ""
    beside: tuple[str, ...] = ()

    @property
    def content(self) -> tuple[StoredObject, ...]:
        """The files, without their publish counter where they have one."""
        return tuple(item for item in self.objects if item.role == "content") or self.files

    @property
    def files(self) -> tuple[StoredObject, ...]:
        """The published files."""
        return tuple(item for item in self.objects if item.role == "file")

    def first(self, role: str) -> StoredObject | None:
        """Return the first object of a role."""
        return next((item for item in self.objects if item.role == role), None)


def manifest_bytes(record: ManifestRecord) -> bytes:
    """Return the manifest of *record*, the same bytes for the same record."""
    return msgspec.json.format(msgspec.json.encode(record, order="deterministic"), indent=1) + b"\n"


def from_manifest(data: bytes | str) -> ManifestRecord:
    """Return the record that a manifest holds.

    Raises:
        msgspec.MsgspecError: It is none.
    """
    return msgspec.json.decode(data, type=ManifestRecord)
