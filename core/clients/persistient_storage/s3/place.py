"""Where in S3 something is: a bucket, a prefix, a key; and what goes with the requests there."""

import re
from dataclasses import dataclass, field

from core.clients.persistient_storage import names
from core.clients.persistient_storage.s3.options import Options, options
from core.errors import InvalidFileName, InvalidStoragePath

SCHEME = "s3://"
_BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}")


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket and a prefix, which is empty or ends with a slash."""

    bucket: str
    prefix: str
    options: Options = field(default_factory=Options)

    def key(self, name: str) -> str:
        """Return the key of the file *name*."""
        return self.prefix + names.check(name)

    def url(self, name: str) -> str:
        """Return the canonical address of the file *name*, without options."""
        return self.address(self.key(name))

    def address(self, key: str) -> str:
        """Return the canonical address of *key*."""
        return f"{SCHEME}{self.bucket}/{key}"

    def target(self, key: str) -> dict[str, str]:
        """Return what every request about *key* holds."""
        return {"Bucket": self.bucket, "Key": key, **dict(self.options.owner)}

    def whole(self) -> dict[str, str]:
        """Return what every request about the bucket holds."""
        return {"Bucket": self.bucket, **dict(self.options.owner)}

    def name(self, key: str) -> str | None:
        """Return the name of the file with *key*, or None if it cannot be one of ours."""
        try:
            return names.check(key.removeprefix(self.prefix)) if key.startswith(self.prefix) else None
        except InvalidFileName:
            return None


def parsed(path: str) -> Place:
    """Return the place that ``s3://bucket/prefix`` names; a slash at the end makes no difference.

    Raises:
        InvalidStoragePath: It names no bucket, holds credentials, its prefix could not be a file name, or an
            option is not one.
    """
    place, _, query = path.removeprefix(SCHEME).partition("?")
    bucket, _, prefix = place.partition("/")
    if "@" in bucket or ":" in bucket:
        raise InvalidStoragePath(
            "an s3:// path holds no credentials and no port; set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
            "AWS_ENDPOINT_URL_S3"
        )
    if not _BUCKET.fullmatch(bucket):
        raise InvalidStoragePath(f"{SCHEME + place!a} names no bucket; the form is s3://bucket/prefix")
    try:
        prefix = names.check_prefix(prefix.strip("/"))
    except InvalidFileName as error:
        raise InvalidStoragePath(f"the prefix of the s3:// path is refused: {error}") from None
    return Place(bucket, prefix + "/" if prefix else "", options(query))
