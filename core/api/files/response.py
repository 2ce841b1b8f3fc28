"""A published file as the answer of a route of FastAPI; it is sent as ``/exports`` sends it."""

from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from core.api.files.catalog import PublishedFile
from core.api.files.route import Answer, headers_of
from core.api.files.service import FileService


class PublishedFileResponse(Response):
    """The file, a part of it, or that the client has it; nothing of it is counted as a fetch."""

    def __init__(
        self,
        request: Request,
        file: PublishedFile,
        again: Callable[[], Awaitable[PublishedFile]],
        disposition: str,
        *,
        is_checked: bool = False,
    ) -> None:
        """Keep what is to be sent.

        Args:
            request: What is answered.
            file: What was found.
            again: Finds it anew, where it is not kept any more.
            disposition: What to save it as.
            is_checked: The end of a whole file is sent only if it is what was kept.
        """
        super().__init__()
        self._request, self._file, self._again = request, file, again
        self._disposition, self._is_checked = disposition, is_checked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        service: FileService = self._request.app.state.files
        answer = Answer(
            service,
            scope,
            headers_of(scope),
            None,
            disposition=self._disposition,
            is_counted=False,
            is_checked=self._is_checked,
        )
        await answer.send_current(self._file, self._again, receive, send)
