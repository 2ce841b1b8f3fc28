"""``GET|HEAD /api/v2/tasks/export/{id}/content``: the file of an export, as Yeti's clients fetch it."""

from fastapi import APIRouter, Request

from core.api.access import Reader, address_of
from core.api.described import Responses
from core.api.edge import contains
from core.api.files.callers import ELSEWHERE
from core.api.files.catalog import Catalog, PublishedFile
from core.api.files.response import PublishedFileResponse
from core.api.files.service import FileService
from core.api.yeti.disposition import disposition
from core.errors import NotAllowed, NotFound

_PATH = "/{export_id}/content"
_ANSWERS: Responses = {
    200: {"description": "The file of the current version.", "content": {"*/*": {}}},
    304: {"description": "The client has it already."},
    403: {"description": "Whoever asks may not read, or the export may not be fetched from this address."},
    404: {"description": "There is no such export, or it has published nothing yet."},
}
_PARTS: Responses = {
    206: {"description": "The part of it that was asked for."},
    416: {"description": "Nothing of the file is in that range."},
}

router = APIRouter(prefix="/tasks/export", tags=["tasks"])


@router.head(_PATH, response_class=PublishedFileResponse, status_code=200, responses=_ANSWERS)
@router.get(_PATH, response_class=PublishedFileResponse, status_code=200, responses=_ANSWERS | _PARTS)
async def content(request: Request, export_id: str, _: Reader) -> PublishedFileResponse:
    """Send what an export has published; conditions, ranges, codings and networks are those of ``/exports``."""
    service: FileService = request.app.state.files
    address = address_of(request)
    try:
        file = _file_of(await service.catalog.get(), export_id, address)
    except (NotFound, NotAllowed):
        # It may just have been made, or run.
        file = _file_of(await service.catalog.get_now(), export_id, address)

    async def again() -> PublishedFile:
        return _file_of(await service.catalog.get_anew(), export_id, address)

    return PublishedFileResponse(request, file, again, disposition(file.name.rpartition("/")[2]))


def _file_of(catalog: Catalog, export_id: str, address: str) -> PublishedFile:
    # Row ids fit into 64 bits, and are written one way.
    key = int(export_id) if export_id.isascii() and export_id.isdigit() and len(export_id) < 19 else 0
    if key not in catalog.exports or str(key) != export_id:
        raise NotFound(f"ExportTask {export_id} not found")
    export, file = catalog.exports[key]
    if file is None:
        raise NotFound(f"ExportTask {export.name} has published nothing yet; run it first")
    if file.networks and not contains(file.networks, address):
        raise NotAllowed(ELSEWHERE)
    return file
