"""Write policies as data: what to do with a file that is already there."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Replace:
    """Store the new file, whatever was there."""


@dataclass(frozen=True, slots=True)
class Create:
    """Store the file only if the name is free; of several at once, one wins.  Otherwise `FileExists`."""


@dataclass(frozen=True, slots=True)
class IfMatch:
    """Store the file only if the one that is there still has this ETag.  Otherwise `PreconditionFailed`."""

    etag: str


@dataclass(frozen=True, slots=True)
class IfChanged:
    """Store the file unless the one that is there has the same SHA-256; then nothing is touched.

    Where the one that is there may not be read, nothing is known of it, and the file is stored.
    """


Policy = Replace | Create | IfMatch | IfChanged
