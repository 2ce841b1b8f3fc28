"""Text to bytes and back for the five methods: UTF-8, strictly, line ends untouched."""

import hashlib

from core.clients.persistient_storage.spec import Writer
from core.errors import InvalidContents, StorageCorrupt


def encoded(contents: str) -> bytes:
    """Return *contents* as UTF-8.

    Raises:
        TypeError: It is not a ``str``.
        InvalidContents: It holds half a surrogate pair.
    """
    if not isinstance(contents, str):
        raise TypeError(f"contents must be str, not {type(contents).__name__}")
    try:
        return contents.encode()
    except UnicodeEncodeError as error:
        raise InvalidContents(f"character {error.start} is half a surrogate pair, which is not text") from None


def decoded(data: bytes, place: str) -> str:
    """Return the text that *data* is.

    Raises:
        StorageCorrupt: It is not UTF-8.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise StorageCorrupt(f"{place} is not UTF-8 text: byte {error.start}") from None


def put(writer: Writer, data: bytes) -> None:
    """Store *data* by *writer*: whole or, whatever is raised, not at all."""
    try:
        writer.write(data)
        writer.commit(hashlib.sha256(data).hexdigest())
    finally:
        writer.abort()
