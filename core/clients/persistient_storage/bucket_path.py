"""Paths of the form ``scheme://bucket/prefix``: what clients of object stores share."""

import re
from dataclasses import dataclass

from core.clients.persistient_storage import names
from core.errors import InvalidFileName, InvalidStoragePath

_BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}|\$(?:web|root|logs)")  # Azure's own: $web is served as a web site


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket and a prefix, which is empty or ends with a slash; *scheme* is all up to the bucket's name."""

    scheme: str
    bucket: str
    prefix: str

    def key(self, name: str) -> str:
        """Return the key of the file *name*."""
        return self.prefix + names.check(name)

    def url(self, name: str) -> str:
        """Return the canonical address of the file *name*."""
        return self.address(self.key(name))

    def address(self, key: str) -> str:
        """Return the canonical address of *key*."""
        return f"{self.scheme}{self.bucket}/{key}"

    def name(self, key: str) -> str | None:
        """Return the name of the file with *key*, or None if it cannot be one of ours."""
        try:
            return names.check(key.removeprefix(self.prefix)) if key.startswith(self.prefix) else None
        except InvalidFileName:
            return None

    def start(self, prefix: str) -> str:
        """Return what the keys begin with of the file *prefix* and all below it."""
        return self.prefix + names.check_prefix(prefix)

    def listed(self, key: str, prefix: str) -> str | None:
        """Return the name of the file with *key* if a list of *prefix* holds it.

        Servers know strings, not parts: asked for ``a`` they also give ``ab``.
        """
        name = self.name(key)
        if name is None or not prefix or name == prefix or name.startswith(prefix + "/"):
            return name
        return None


def parsed(path: str, scheme: str, *, settings: str) -> Place:
    """Return the place that ``scheme://bucket/prefix`` names; a slash at the end makes no difference.

    Args:
        path: All of it.
        scheme: With its ``://``.
        settings: Where credentials and server belong instead, for the message.

    Raises:
        InvalidStoragePath: It names no bucket, holds credentials, or its prefix could not be a file name.
    """
    bucket, _, prefix = path.removeprefix(scheme).partition("/")
    if "@" in bucket or ":" in bucket:
        raise InvalidStoragePath(f"a path of {scheme} holds no credentials and no port; set {settings}")
    if not _BUCKET.fullmatch(bucket):
        raise InvalidStoragePath(f"{path!a} names no bucket; the form is {scheme}bucket/prefix")
    try:
        prefix = names.check_prefix(prefix.strip("/"))
    except InvalidFileName as error:
        raise InvalidStoragePath(f"the prefix of the path of {scheme} is refused: {error}") from None
    return Place(scheme, bucket, prefix + "/" if prefix else "")
