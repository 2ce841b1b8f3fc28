"""Find and remove what killed writers have left in a bucket: uploads that were never completed, canaries."""

from collections.abc import Iterator
from typing import Any

from core.clients.persistient_storage import names
from core.clients.persistient_storage.receipts import Leftover
from core.clients.persistient_storage.s3.errors import asking
from core.clients.persistient_storage.s3.place import S3Place
from core.clients.persistient_storage.s3.uploads import forget
from core.errors import StorageError
from core.schemas.instant import from_datetime


def below(client: Any, place: S3Place) -> Iterator[Leftover]:
    """Yield the uploads below the prefix, then the part files."""
    with asking(place.address(place.prefix)):
        pages = client.get_paginator("list_multipart_uploads")
        for page in pages.paginate(**place.whole(), Prefix=place.prefix):
            for entry in page.get("Uploads", ()):
                key, began_at = entry["Key"], from_datetime(entry["Initiated"])
                if place.name(key) is not None:
                    token = f"{entry['UploadId']} {key}"
                    yield Leftover("incomplete upload", place.address(key), token, began_at)
        pages = client.get_paginator("list_objects_v2")
        for page in pages.paginate(**place.whole(), Prefix=place.prefix):
            for entry in page.get("Contents", ()):
                key, began_at = entry["Key"], from_datetime(entry["LastModified"])
                if names.is_part_file(key):
                    yield Leftover("part file", place.address(key), key, began_at, entry["Size"])


def remove(client: Any, place: S3Place, leftover: Leftover) -> None:
    """Remove one of them; it is fine if it is gone already.

    Raises:
        StorageError: It is an upload, and the path has no prefix: every program's uploads are below that.
    """
    with asking(leftover.location):
        if leftover.kind == "part file":
            client.delete_object(**place.target(leftover.token))
            return
        if not place.prefix:
            raise StorageError(
                f"{leftover.location}: whose upload this is cannot be told where the path has no prefix; give the "
                "bucket a lifecycle rule that removes incomplete uploads, or publish below a prefix"
            )
        upload, _, key = leftover.token.partition(" ")
        forget(client, place.target(key), upload)
