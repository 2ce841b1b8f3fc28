"""A folder of a WebDAV server as a tree of files, with the care that servers need which delete before they move."""

import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from core.clients.persistient_storage.remote_tree import Entry
from core.clients.persistient_storage.webdav.connection import ask
from core.clients.persistient_storage.webdav.errors import asking
from core.clients.persistient_storage.webdav.place import Place
from core.errors import FileExists, FileMissing, StorageError

if TYPE_CHECKING:
    from core.clients.persistient_storage.webdav.multistatus import Found

_BETWEEN_LOOKS_S = (0.05, 0.05)
"""A file that is being replaced is not there for a moment on some servers: it is missing when three looks say so."""
_BETWEEN_PATIENT_LOOKS_S = (0.05, 0.1, 0.2, 0.4)
"""The moment is a millisecond, or half a second where the server is busy: for who would miss a published file."""


class DavTree:
    """What is below *place*; see `remote_tree.Tree`."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def entry(self, name: str) -> Entry:
        """Say what stands at *name*."""
        return self._measured(self._found_again(name, _BETWEEN_LOOKS_S))

    def found(self, name: str) -> Entry:
        """Say what stands at *name*, as far as lists do; look again, for a while, before saying that nothing does."""
        return self._found_again(name, _BETWEEN_PATIENT_LOOKS_S)

    def _found_again(self, name: str, pauses_s: tuple[float, ...]) -> Entry:
        for pause_s in pauses_s:
            with suppress(FileMissing):
                return self.look(name)
            time.sleep(pause_s)
        return self.look(name)

    def look(self, name: str) -> Entry:
        """Say what stands at *name* just now."""
        found = self._found(self.place.path(name), self.place.url(name), depth=0)
        if not found:
            raise FileMissing(f"{self.place.url(name)}: there is no such file")
        return replace(found[0].entry, name=name)

    def entries(self, folder: str) -> Iterator[Entry]:
        """Say what is in *folder*."""
        name = f"{folder}/" if folder else ""
        path, address = self.place.path(name), self.place.url(name)
        for found in self._found(path, address, depth=1):
            if found.path.rstrip("/") == path.rstrip("/"):
                continue
            if not found.path.startswith(path):
                raise StorageError(f"{address}: the server calls its files by another address; check the path")
            entry = replace(found.entry, name=name + found.path[len(path) :].rstrip("/"))
            try:
                yield self._measured(entry)
            except FileMissing:  # somebody removed it meanwhile
                continue

    def delete(self, name: str) -> None:
        """Remove the file, if there is one; never a folder, which WebDAV would remove with all that is in it."""
        with suppress(FileMissing):
            if self.look(name).kind == "folder":
                raise FileExists(f"{self.place.url(name)}: a folder of that name stands there")
            url = self.place.http(self.place.path(name))
            ask("DELETE", url, self.place.url(name), allowed=(200, 202, 204))

    def make_folder(self, path: str, place: str) -> None:
        """Make the folder at *path* on the server, and those above it that are missing."""
        url = self.place.http(path)
        if ask("MKCOL", url, place, allowed=range(200, 501)).status_code in (404, 409) and path != "/":
            self.make_folder(path.rstrip("/").rpartition("/")[0] + "/", place)
            ask("MKCOL", url, place, allowed=(*range(200, 300), 405, 409, 500))

    def _measured(self, entry: Entry) -> Entry:
        """Ask for the length of a file where the list lacks it; it may be that the server does not tell it at all."""
        if entry.kind != "file" or entry.size_bytes is not None:
            return entry
        url = self.place.http(self.place.path(entry.name))
        answer = ask("HEAD", url, self.place.url(entry.name), allowed=(200, 405, 501))
        length = answer.headers.get("Content-Length", "")
        # Beside the header that says "in pieces", HTTP ignores a length.
        is_told = answer.status_code == 200 and length.isdecimal() and "Transfer-Encoding" not in answer.headers
        return replace(entry, size_bytes=int(length)) if is_told else entry

    def _found(self, path: str, place: str, *, depth: int) -> "list[Found]":
        # Its libraries for XML and dates take longer to import than all the rest, and most runs do not need them.
        from core.clients.persistient_storage.webdav.multistatus import PROPFIND, parsed

        headers = {"Depth": str(depth), "Content-Type": 'application/xml; charset="utf-8"'}
        url = self.place.http(path)
        answer = ask("PROPFIND", url, place, allowed=(207,), headers=headers, body=PROPFIND, is_streamed=True)
        with closing(answer), asking(place):
            return list(parsed(answer.iter_content(1 << 16), place))
