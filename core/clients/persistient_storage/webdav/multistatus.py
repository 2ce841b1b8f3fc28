"""What a server answers to PROPFIND: XML, from a server that may be hostile."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

from core.clients.persistient_storage.remote_tree import Entry
from core.errors import StorageError
from core.schemas.instant import Instant, from_datetime

PROPFIND = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>'
    b"<resourcetype/><getcontentlength/><getetag/><getlastmodified/></prop></propfind>"
)
_LONGEST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """What the server says of one thing.

    Attributes:
        path: Where it is on the server.
        entry: What it is, without a name yet.
    """

    path: str
    entry: Entry


class _Builder(ET.TreeBuilder):
    """Refuses a document type, before anything in it counts: entities are how XML blows up or reads files."""

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        """Refuse it."""
        raise StorageError("the server's answer holds a document type, which WebDAV never needs")


def parsed(chunks: Iterable[bytes], place: str) -> Iterator[Found]:
    """Yield what the answer tells of.

    Raises:
        StorageError: It is not XML, not the answer to PROPFIND, far too long, or holds a document type.
    """
    parser, size = ET.XMLParser(target=_Builder()), 0  # noqa: S314 - no document type gets through
    try:
        for chunk in chunks:
            size += len(chunk)
            if size > _LONGEST_BYTES:
                raise StorageError(f"{place}: the list of the folder is longer than {_LONGEST_BYTES} bytes")
            parser.feed(chunk)
        root = parser.close()
    except (ET.ParseError, ValueError, LookupError) as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"{place}: the server's answer is not XML; does it offer WebDAV there?") from error
    if root.tag != "{DAV:}multistatus":
        raise StorageError(f"{place}: the server's answer is not that of WebDAV")
    for response in root.iter("{DAV:}response"):
        if (prop := _properties(response)) is not None:
            path = urlsplit(response.findtext("{DAV:}href", "").strip()).path
            yield Found(unquote(path, errors="surrogateescape"), _entry(prop))


def _properties(response: ET.Element) -> ET.Element | None:
    for part in response.iter("{DAV:}propstat"):
        if " 200" in part.findtext("{DAV:}status", ""):
            return part.find("{DAV:}prop")
    return None


def _entry(prop: ET.Element) -> Entry:
    if prop.find("{DAV:}resourcetype/{DAV:}collection") is not None:
        return Entry("", "folder")
    modified = prop.findtext("{DAV:}getlastmodified", "").strip()
    length = prop.findtext("{DAV:}getcontentlength", "").strip()
    etag = plain_etag(prop.findtext("{DAV:}getetag", "")) or f"{modified}-{length}"
    return Entry("", "file", int(length) if length.isdecimal() else None, etag, _instant(modified))


def plain_etag(etag: str) -> str:
    """Return it without quotes, and without the mark of a weak one, which servers drop when a file gets older."""
    return etag.strip().removeprefix("W/").strip('"')


def _instant(date: str) -> Instant | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
