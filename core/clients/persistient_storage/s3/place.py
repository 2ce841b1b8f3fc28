"""Where in S3 something is: a bucket, a prefix, a key."""

import re
from dataclasses import dataclass

from core.clients.persistient_storage import names
from core.errors import InvalidFileName, InvalidStoragePath

SCHEME = "s3://"
_BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}")


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket and a prefix, which is empty or ends with a slash."""

    bucket: str
    prefix: str

    def key(self, name: str) -> str:
        """Return the key of the file *name*."""
        return self.prefix + names.check(name)

    def url(self, name: str) -> str:
        """Return the canonical address of the file *name*."""
        return f"{SCHEME}{self.bucket}/{self.key(name)}"

    def name(self, key: str) -> str | None:
        """Return the name of the file with *key*, or None if it cannot be one of ours."""
        try:
            return names.check(key.removeprefix(self.prefix)) if key.startswith(self.prefix) else None
        except InvalidFileName:
            return None


def parsed(path: str) -> Place:
    """Return the place that ``s3://bucket/prefix`` names; a slash at the end makes no difference.

    Raises:
        InvalidStoragePath: It names no bucket, holds credentials, or its prefix could not be a file name.
    """
    bucket, _, prefix = path.removeprefix(SCHEME).partition("/")
    if "@" in bucket or ":" in bucket:
        raise InvalidStoragePath(
            "an s3:// path holds no credentials and no port; set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
            "AWS_ENDPOINT_URL_S3"
        )
    if not _BUCKET.fullmatch(bucket):
        raise InvalidStoragePath(f"{path!a} names no bucket; the form is s3://bucket/prefix")
    try:
        prefix = names.check_prefix(prefix.strip("/"))
    except InvalidFileName as error:
        raise InvalidStoragePath(f"the prefix of the s3:// path is refused: {error}") from None
    return Place(bucket, prefix + "/" if prefix else "")
