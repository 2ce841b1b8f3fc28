"""``SHA256SUMS`` of what somebody may fetch, and its signature: made of what is current, in memory.

Whoever may fetch all that lies in the folder gets the bytes that lie there.  Others get the lines of their files alone,
and a signature of those.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate

from starlette.exceptions import HTTPException

from core.api.files import conditions
from core.api.files.catalog import OF_EXPORT, Catalog, Header, PublishedFile
from core.api.files.negotiation import IDENTITY
from core.clients.persistient_storage.receipts import TEXT
from core.exports.publishing import checksums, signing
from core.exports.publishing.places import SIGNATURE, SUMS
from core.exports.settings import Settings
from core.schemas.instant import SECOND

May = Callable[[PublishedFile], bool]
"""Says whether who asks may fetch a file."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Checksums that are asked for.

    Attributes:
        prefix: What stands before the names of the files in it: empty, or ``~<export>/``.
        is_signature: Not they, but their signature.
    """

    prefix: str
    is_signature: bool


def asked(name: str) -> Asked | None:
    """Return which checksums a name behind ``/exports/`` means; ``None`` if it means none."""
    plain = name.removesuffix(SIGNATURE)
    prefix, _, last = plain.rpartition("/")
    if last != SUMS or (prefix and not prefix.startswith(OF_EXPORT)):
        return None
    return Asked(f"{prefix}/" if prefix else "", plain != name)


def body(catalog: Catalog, what: Asked, may: May, settings: Settings) -> tuple[bytes, int] | None:
    """Return the bytes that are sent, and when what they tell of was published in seconds since 1970.

    ``None`` if who asks may fetch nothing of it, or if no such file is published.

    Raises:
        ConfigError: The signing key cannot be used.
    """
    if not settings.sha256sums or (what.is_signature and settings.signing_key is None):
        return None
    listed = [file for key, file in catalog.files.items() if _is_listed(key, file, what.prefix) and may(file)]
    if not listed:
        return None
    modified_s = max(file.modified_s for file in listed)
    sums = {file.name: file.representations[IDENTITY].etag.strip('"') for file in listed}
    text = "".join(checksums.line(name, sha256) for name, sha256 in sorted(sums.items())).encode()
    if not what.is_signature:
        return text, modified_s
    key = signing.key_of(settings)
    assert key is not None  # noqa: S101 - asked above
    return signing.sign(text, key, signing.comment(modified_s * SECOND, SUMS)), modified_s


def answer(headers: Mapping[str, str], data: bytes, modified_s: int) -> tuple[int, list[Header]]:
    """Return the status and the headers to send them with.

    Raises:
        HTTPException: 412.  The client wanted others.
    """
    etag = f'"{hashlib.sha256(data).hexdigest()}"'
    said: list[Header] = [
        (b"etag", etag.encode()),
        (b"last-modified", formatdate(modified_s, usegmt=True).encode()),
        # What is in it depends on who asks.
        (b"cache-control", b"private, no-cache"),
        (b"vary", b"Authorization"),
    ]
    # What leaves the list makes it another one, and changes no date.
    status = conditions.status(headers, etag, modified_s, date_tells=False)
    if status == 412:
        raise HTTPException(412, "there are other checksums by now")
    if status == 304:
        return 304, said
    return 200, [*said, (b"content-type", TEXT.encode()), (b"content-length", str(len(data)).encode())]


def _is_listed(key: str, file: PublishedFile, prefix: str) -> bool:
    # As in the folder: neither deltas nor signatures are in them.
    is_here = key == f"{prefix}{file.name}" if prefix else not key.startswith(OF_EXPORT)
    return file.counts and is_here
