"""What goes in with a file and what comes back: metadata, write requests, receipts, stats."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal
from urllib.parse import quote

from core.clients.persistient_storage.policies import Policy, Replace
from core.errors import InvalidContents
from core.schemas.instant import Instant

Outcome = Literal["created", "replaced", "unchanged", "stored"]
"""What a write did.  ``stored`` is said where it is not known whether a file was there before."""

TEXT = "text/plain; charset=utf-8"
"""The content type of text whose name says nothing."""

_MEDIA_TYPES = {
    "asc": "application/pgp-signature",
    "bz2": "application/x-bzip2",
    "conf": TEXT,
    "csv": "text/csv; charset=utf-8",
    "gz": "application/gzip",
    "htm": "text/html; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "list": TEXT,
    "md": "text/markdown; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "rules": TEXT,
    "rpz": TEXT,
    "sig": "application/pgp-signature",
    "stix": "application/stix+json",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "txt": TEXT,
    "xml": "application/xml",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "zip": "application/zip",
    "zone": TEXT,
    "zst": "application/zstd",
}
# A table of our own: Python's reads files of the machine, and two machines would serve one file differently.

_HEADER_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


def media_type(name: str, *, otherwise: str = "application/octet-stream") -> str:
    """Return the content type for a file called *name*, by its suffix; *otherwise* where that says nothing."""
    stem, dot, suffix = name.rpartition("/")[2].rpartition(".")
    return _MEDIA_TYPES.get(suffix.lower(), otherwise) if stem and dot else otherwise


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is kept with a file, spelled the same on every client.

    Attributes:
        content_type: Media type with its charset; by default that of the file name's suffix.
        cache_control: As in HTTP.
        content_encoding: As in HTTP; ``gzip`` if the bytes are compressed and readers should undo it.
        content_disposition: As in HTTP.
        items: Names (lower case) and values of one's own.

    Raises:
        InvalidContents: Something cannot be a header of HTTP: not printable ASCII, or a line break.
    """

    content_type: str | None = None
    cache_control: str | None = None
    content_encoding: str | None = None
    content_disposition: str | None = None
    items: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what could not be a header."""
        for name, value in self.headers().items():
            if not _HEADER_VALUE.fullmatch(value):
                raise InvalidContents(f"the {name} {value!a} is not printable ASCII")
        for name, value in self.items.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                raise InvalidContents(f"the metadata {name!a} is not a lower-case name with printable ASCII")

    @classmethod
    def found(cls, fields: Mapping[str, str | None], items: Mapping[str, str]) -> "Metadata":
        """Return what another program may have stored; what could not have come from here is left out."""
        return cls(
            **{name: value for name, value in fields.items() if value and _HEADER_VALUE.fullmatch(value)},
            items={k: v for k, v in items.items() if _HEADER_NAME.fullmatch(k) and _HEADER_VALUE.fullmatch(v)},
        )

    def headers(self) -> dict[str, str]:
        """Return those of the four HTTP fields that are set, by their attribute's name."""
        fields = ("content_type", "cache_control", "content_encoding", "content_disposition")
        return {name: value for name in fields if (value := getattr(self, name)) is not None}


@lru_cache(maxsize=1024)  # a value, and the same few names come again and again
def default_metadata(name: str, *, otherwise: str = "application/octet-stream") -> Metadata:
    """Return what is kept with a file of that name if nobody asks for anything: its content type."""
    return Metadata(content_type=media_type(name, otherwise=otherwise))


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """How a file is to be stored.

    Attributes:
        policy: What to do with a file that is there; a client's `open_writer` never meets ``IfChanged``.
        metadata: What to keep with it.
        has_asked: The caller asked for metadata; a client that cannot keep it must refuse.
        size_bytes, sha256: Of the whole file, where they are known before the first byte.
    """

    policy: Policy = field(default_factory=Replace)
    metadata: Metadata = field(default_factory=Metadata)
    has_asked: bool = False
    size_bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Stat:
    """What a storage says about one file.

    Attributes:
        name: As given to `Storage`.
        size_bytes: Its length.
        etag: Changes whenever the file does; only to be compared.  Without the quotes of HTTP.
        sha256: Of the bytes, in hexadecimal, where the storage knows it without reading them.
        modified_at: When it was stored, where that is known.
        metadata: What is kept with it, as far as the storage keeps such things.
    """

    name: str
    size_bytes: int
    etag: str | None = None
    sha256: str | None = None
    modified_at: Instant | None = None
    metadata: Metadata = field(default_factory=Metadata)

    @property
    def content_type(self) -> str | None:
        """The media type that is kept with the file."""
        return self.metadata.content_type


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was stored.

    Attributes:
        name: As it was given.
        location: Where the file is, for people; the client's ``file_path``.
        size_bytes: Bytes stored.
        sha256: Of those bytes, in hexadecimal.
        etag: As `Stat.etag`.
        outcome: What the write did.
        dropped: Default metadata that this client cannot keep, by its attribute's name.
        metadata: What is kept with the file.
        copies: One receipt for each place, where a client stores the file in several.
    """

    name: str
    location: str
    size_bytes: int
    sha256: str
    etag: str | None
    outcome: Outcome
    dropped: tuple[str, ...] = ()
    metadata: Metadata = field(default_factory=Metadata)
    copies: tuple["Receipt", ...] = ()


@dataclass(frozen=True, slots=True)
class Leftover:
    """What a write that never ended has left behind: nobody sees it, but it takes room or costs money.

    Attributes:
        kind: What it is.
        location: Where it is, for people.
        token: What its client needs to find it again.
        began_at: When the write began or was last seen going on.
        size_bytes: How much it holds, where that is known without asking for each part.
    """

    kind: Literal["part file", "metadata file", "incomplete upload", "check file"]
    location: str
    token: str
    began_at: Instant
    size_bytes: int | None = None


def attachment(download_name: str) -> str:
    """Return the Content-Disposition that makes browsers save under *download_name*, whatever that holds.

    Source: RFC 6266, with the extended form of RFC 8187 beside a plain one for old programs.
    """
    plain = "".join(letter if " " <= letter <= "~" and letter not in '"\\%' else "_" for letter in download_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(download_name, safe='')}"
