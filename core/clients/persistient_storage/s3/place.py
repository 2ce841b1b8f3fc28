"""Where in S3 something is: a bucket, a prefix, a key; and what goes with the requests there."""

from dataclasses import dataclass, field

from core.clients.persistient_storage import bucket_path
from core.clients.persistient_storage.s3.options import Options, options

SCHEME = "s3://"
SETTINGS = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL_S3"


@dataclass(frozen=True, slots=True)
class S3Place(bucket_path.Place):
    """A bucket, a prefix, and what the path asks for beside them; addresses are without that."""

    options: Options = field(default_factory=Options)

    def target(self, key: str) -> dict[str, str]:
        """Return what every request about *key* holds."""
        return {"Bucket": self.bucket, "Key": key, **dict(self.options.owner)}

    def whole(self) -> dict[str, str]:
        """Return what every request about the bucket holds."""
        return {"Bucket": self.bucket, **dict(self.options.owner)}


def parsed(path: str) -> S3Place:
    """Return the place that ``s3://bucket/prefix?options`` names.

    Raises:
        InvalidStoragePath: As `bucket_path.parsed` says, or an option is not one.
    """
    place, _, query = path.partition("?")
    bare = bucket_path.parsed(place, SCHEME, settings=SETTINGS)
    return S3Place(bare.scheme, bare.bucket, bare.prefix, options(query))
