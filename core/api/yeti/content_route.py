"""``GET /api/v2/tasks/export/{id}/content``: the file of an export, as Yeti's clients fetch it."""

from fastapi import APIRouter, Request, Response
from starlette.types import Receive, Scope, Send

from core.api.access import Reader
from core.api.files.catalog import PublishedFile
from core.api.files.route import Answer, headers_of
from core.api.files.service import FileService
from core.errors import NotFound

router = APIRouter(prefix="/tasks/export", tags=["tasks"])


class ContentResponse(Response):
    """A published file; it is sent as `core.api.files` sends it."""

    def __init__(self, service: FileService, file: PublishedFile) -> None:
        """Keep what is to be sent."""
        super().__init__()
        self._service, self._file = service, file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        name = self._file.name.rpartition("/")[2]
        answer = Answer(self._service, scope, headers_of(scope), None, download_name=name, is_counted=False)
        await answer.send_file(self._file, receive, send)


@router.get(
    "/{export_id}/content",
    response_class=ContentResponse,
    status_code=200,
    responses={
        200: {"description": "The file of the current version.", "content": {"*/*": {}}},
        206: {"description": "The part of it that was asked for."},
        304: {"description": "The client has it already."},
        404: {"description": "There is no such export, or it has published nothing yet."},
        416: {"description": "Nothing of the file is in that range."},
    },
)
async def content(request: Request, export_id: str, _: Reader) -> ContentResponse:
    """Send what an export has published; conditions, ranges and codings are those of ``/exports``."""
    service: FileService = request.app.state.files
    catalog = await service.catalog.get()
    # Row ids fit into 64 bits, and are written one way.
    key = int(export_id) if export_id.isascii() and export_id.isdigit() and len(export_id) < 19 else 0
    if key not in catalog.exports or str(key) != export_id:
        raise NotFound(f"ExportTask {export_id} not found")
    export, file = catalog.exports[key]
    if file is None:
        raise NotFound(f"ExportTask {export.name} has published nothing yet; run it first")
    return ContentResponse(service, file)
