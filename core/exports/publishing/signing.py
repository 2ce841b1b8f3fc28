"""Sign what is published, so that minisign verifies it.

A signature is a file of its own, ``<name>.minisig``: Ed25519 over the BLAKE2b-512 of the file (minisign's prehashed
form), and a second one over the first and the trusted comment.  The same file, key and comment give the same bytes.
"""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from core.errors import YetiError
from core.exports.publishing.minisign_key import SigningKey, read_key
from core.exports.settings import Settings
from core.schemas.instant import SECOND, Instant

_PREHASHED = b"ED"
_CHUNK_BYTES = 1 << 20
_LONGEST_COMMENT_BYTES = 8_000
"""minisign reads 8,192 bytes of that line."""

_PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


def key_of(settings: Settings) -> SigningKey | None:
    """Return the key that signs what is published; ``None`` where nothing is signed.

    Raises:
        ConfigError: It cannot be used.
        ExtraMissing: The library that signs is not installed.
    """
    if settings.signing_key is None:
        return None
    return read_key(settings.signing_key, settings.signing_key_password)


def fault(settings: Settings) -> str:
    """Return why nothing can be signed though it should be; empty if all is well."""
    try:
        key_of(settings)
    except YetiError as error:
        return str(error)
    return ""


def sign(contents: Path | bytes, key: SigningKey, trusted_comment: str) -> bytes:
    """Return the signature file of *contents*.

    Args:
        contents: Bytes, or a local file; of a file, little is in memory at a time.
        key: What signs.
        trusted_comment: One line of ASCII, signed too; see `comment`.

    Raises:
        ValueError: The comment is more than a line, not ASCII, or too long.
        OSError: The file cannot be read.
    """
    said = trusted_comment.encode("ascii")
    if not trusted_comment.replace("\t", " ").isprintable() or len(said) > _LONGEST_COMMENT_BYTES:
        raise ValueError("a trusted comment is one line of at most 8,000 bytes")
    digest = hashlib.blake2b(digest_size=64)
    for chunk in _chunks(contents):
        digest.update(chunk)
    signature = key.sign(digest.digest())
    lines = (
        f"untrusted comment: signed by Yeti Exports with the key {key.id_text}".encode(),
        base64.b64encode(_PREHASHED + key.id + signature),
        b"trusted comment: " + said,
        base64.b64encode(key.sign(signature + said)),
    )
    return b"".join(line + b"\n" for line in lines)


def comment(made_at: Instant, name: str, *, export: str = "", version: int | None = None) -> str:
    """Return the trusted comment of a published file: what it is, so that no other can be passed off as it.

    Fields are separated by tabs, the first two are minisign's own; ``%`` and what is not ASCII is escaped as in URLs.

    Args:
        made_at: When the version was made; in the comment it is in whole seconds since 1970.
        name: What the file is published as.
        export: The export, if it is a file of one.
        version: Its version.
    """
    fields = [f"timestamp:{made_at // SECOND}", f"file:{quote(name, safe=_PLAIN)}"]
    if export:
        fields += [f"export:{quote(export, safe=_PLAIN)}", f"version:{version}"]
    return "\t".join(fields)


def _chunks(contents: Path | bytes) -> Iterator[bytes]:
    if isinstance(contents, bytes):
        yield contents
        return
    with contents.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
