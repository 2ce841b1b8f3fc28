"""One resumable upload: fed in order, and visible as one when the server has every byte.

Google says how far it has got, ignores bytes that it is sent once more, ends the upload only when it has as many as
its last request says in all, and says once more what it has stored to whoever asks again.  So each request may be
made again after an answer that was lost, and a file that lacks a byte is refused before anybody sees it.
"""

import logging
import re
from typing import Any

from core.clients.persistient_storage.border import asking
from core.clients.persistient_storage.gcs.connection import again, api_error, forgotten_upload, timeout_s
from core.errors import StorageUnavailable

_log = logging.getLogger(__name__)

_CANCELLED = 499
_INCOMPLETE = 308
_RANGE = re.compile(r"bytes=0-(?P<last>[0-9]+)")


class Upload:
    """An upload that has begun.

    Args:
        client: The library's client.
        session: The address that the server has given it; whoever knows that may write.
        address: Of the file, for messages.
    """

    def __init__(self, client: Any, session: str, address: str) -> None:
        self._client, self._session, self._address = client, session, address
        self._kept_bytes = 0

    def send(self, part: bytes) -> None:
        """Send the next bytes, which are not the last, until the server has them all."""
        end = self._kept_bytes + len(part)
        while self._kept_bytes < end:
            part = self._rest(part, self._asked(part, "*"))

    def finish(self, part: bytes) -> Any:
        """Send the last bytes, and return what the server says of the object that is there now."""
        total = str(self._kept_bytes + len(part))
        while (answer := self._asked(part, total)).status_code == _INCOMPLETE:
            part = self._rest(part, answer)
        return answer.json()

    def cancel(self) -> None:
        """Make the server drop it, or say so in the log."""
        try:
            status = self._client._http.delete(self._session, timeout=timeout_s()).status_code
        except Exception:
            status = None
        if status not in (_CANCELLED, 204, 404, 410):
            _log.warning("upload could not be cancelled", extra={"file": self._address})

    def _asked(self, part: bytes, total: str) -> Any:
        start = self._kept_bytes
        place = f"{start}-{start + len(part) - 1}" if part else "*"
        headers = {"Content-Range": f"bytes {place}/{total}"}
        wanted = (_INCOMPLETE,) if total == "*" else (_INCOMPLETE, 200, 201)

        def ask() -> Any:
            answer = self._client._http.put(self._session, data=part, headers=headers, timeout=timeout_s())
            if answer.status_code not in wanted:
                raise api_error(answer)
            return answer

        with asking(self._address, forgotten_upload):
            return again()(ask)()

    def _rest(self, part: bytes, answer: Any) -> bytes:
        """Return what the server has not kept of a part; without the header it has kept nothing at all."""
        found = _RANGE.fullmatch(answer.headers.get("Range", ""))
        kept = int(found["last"]) + 1 if found else 0
        taken = kept - self._kept_bytes
        if not 0 < taken <= len(part):
            raise StorageUnavailable(
                f"{self._address}: the server has kept {kept} bytes of {self._kept_bytes + len(part)}, and an "
                "upload cannot be taken up there; try again"
            )
        self._kept_bytes = kept
        return part[taken:]
