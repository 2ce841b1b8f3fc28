"""Files of versions, as they are kept: sent as the current ones are, and checked on the way."""

import asyncio
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response

from core.api.access import address_of, services_of
from core.api.edge import contains
from core.api.files.callers import ELSEWHERE
from core.api.files.catalog import PublishedFile, files_of
from core.api.files.response import PublishedFileResponse
from core.errors import NotAllowed, NotFound
from core.store import Store, archives, definitions
from core.store.serving import ServedExport


def download(request: Request, store: Store, name: str, number: int, file_name: str) -> Response:
    """Return a published file of a version, byte for byte.

    Raises:
        NotAllowed: The export may not be fetched from there.
        NotFound: The version has no such file.
    """
    services = services_of(request)

    def look() -> PublishedFile:
        with services.store() as own:
            return _found(request, own, name, number, file_name)

    async def again() -> PublishedFile:
        return await asyncio.to_thread(look)

    said = f"attachment; filename*=UTF-8''{quote(file_name.rpartition('/')[2], safe='')}"
    file = _found(request, store, name, number, file_name)
    return PublishedFileResponse(request, file, again, said, is_checked=True)


def _found(request: Request, store: Store, name: str, number: int, file_name: str) -> PublishedFile:
    definition = definitions.get_export(store, name)
    record = archives.get(store, name, number).record
    # The path names the version, so that no other was ever under it: its date tells, whatever was before.
    served = ServedExport(
        id=0,
        versions_key=definition.versions_key,
        name=name,
        destination="",
        file_name=definition.file_name,
        description="",
        is_public=False,
        networks=definition.networks,
        version=number,
        made_at=record.made_at,
        objects=record.objects,
    )
    there = {file.name: file for file in files_of(served)}
    if file_name not in there:
        raise NotFound(f"version {number} has no file {file_name!r}; it has {', '.join(there)}")
    file = there[file_name]
    if file.networks and not contains(file.networks, address_of(request)):
        raise NotAllowed(ELSEWHERE)
    return file
