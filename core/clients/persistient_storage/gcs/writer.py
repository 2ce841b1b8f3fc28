"""Write one object: a single request if it is small, else a resumable upload that becomes visible as one."""

import logging
from typing import Any

from core.clients.persistient_storage.answers import asking
from core.clients.persistient_storage.bucket_client import Parts
from core.clients.persistient_storage.bucket_path import Place
from core.clients.persistient_storage.gcs.conditions import require
from core.clients.persistient_storage.gcs.connection import again, api_error, missing_bucket, options, timeout_s
from core.clients.persistient_storage.policies import Create, IfMatch
from core.clients.persistient_storage.receipts import Outcome, Stat, WriteRequest
from core.errors import FileExists, PreconditionFailed, StorageCorrupt

_log = logging.getLogger(__name__)

SHA256 = "sha256"
"""The user metadata that holds the digest, where it was known when the upload began."""

_CANCELLED = 499
_INCOMPLETE = 308
_NEVER = -1


class GcsWriter:
    """One object that is being written; see `spec.Writer`."""

    def __init__(self, client: Any, place: Place, name: str, request: WriteRequest) -> None:
        self._client, self._place, self._name, self._request = client, place, name, request
        self._address = place.url(name)
        self._generation = _generation(request)
        self._session: str | None = None
        self._sent_bytes = 0
        self._parts = Parts(self._send_part, request.size_bytes, most=1 << 20)
        self.write = self._parts.write

    def commit(self, sha256: str) -> tuple[Stat, Outcome]:
        """Make the object visible."""
        if self._generation == _NEVER:
            raise PreconditionFailed(f"{self._address}: no file of this storage has had that ETag")
        rest = self._parts.rest()
        try:
            with asking(self._address, missing_bucket):
                known = sha256 if self._session is None else self._request.sha256
                stored = self._put(rest, sha256) if self._session is None else self._finish(rest)
        except PreconditionFailed as error:
            if isinstance(self._request.policy, Create):
                raise FileExists(f"{self._address}: the name is taken") from error
            raise
        self._session = None
        if int(stored["size"]) != self._parts.size_bytes:
            raise StorageCorrupt(
                f"{self._address}: the server has stored another number of bytes than it was sent"
            )
        etag, metadata = str(stored["generation"]), self._request.metadata
        outcomes: dict[type, Outcome] = {Create: "created", IfMatch: "replaced"}
        outcome = outcomes.get(type(self._request.policy), "stored")
        return Stat(self._name, self._parts.size_bytes, etag, known, metadata=metadata), outcome

    def abort(self) -> None:
        """Cancel the upload; if that fails too, it vanishes after a week."""
        self._parts.rest()
        session, self._session = self._session, None
        if session is None:
            return
        try:
            status = self._client._http.delete(session, timeout=timeout_s()).status_code
        except Exception:
            status = None
        if status not in (_CANCELLED, 204, 404, 410):
            _log.warning("upload could not be cancelled", extra={"file": self._address})

    def _put(self, data: bytes, sha256: str) -> Any:
        blob, kept = self._blob(sha256), self._request.metadata
        blob.upload_from_string(
            data, content_type=kept.content_type, if_generation_match=self._generation, **self._options()
        )
        return {"size": blob.size, "generation": blob.generation}

    def _send_part(self, part: bytes) -> None:
        with asking(self._address, missing_bucket):
            if self._session is None:
                if self._generation is not None:
                    require(self._client, self._place)
                self._session = self._blob(self._request.sha256).create_resumable_upload_session(
                    content_type=self._request.metadata.content_type,
                    if_generation_match=self._generation,
                    **options(),
                )
            end = self._sent_bytes + len(part)
            again()(lambda: self._ask(part, f"bytes {self._sent_bytes}-{end - 1}/*", _INCOMPLETE))()
            self._sent_bytes = end

    def _finish(self, rest: bytes) -> Any:
        end = self._sent_bytes + len(rest)
        answer = self._ask(rest, f"bytes {self._sent_bytes}-{end - 1}/{end}", 200)
        return answer.json()

    def _ask(self, part: bytes, content_range: str, wanted: int) -> Any:
        headers = {"Content-Range": content_range}
        answer = self._client._http.put(self._session, data=part, headers=headers, timeout=timeout_s())
        if answer.status_code != wanted:
            raise api_error(answer)
        return answer

    def _blob(self, sha256: str | None) -> Any:
        blob = self._client.bucket(self._place.bucket).blob(self._place.key(self._name))
        kept = self._request.metadata
        items = {**kept.items, **({SHA256: sha256} if sha256 else {})}
        if items:
            blob.metadata = items
        for name, value in kept.headers().items():
            setattr(blob, name, value)
        return blob

    def _options(self) -> dict[str, Any]:
        # Tried again after an answer that was lost, a condition would fail because of the first try.
        return options() if self._generation is None else {**options(), "retry": None}


def _generation(request: WriteRequest) -> int | None:
    """Return the generation that the object must have: 0 is none; the ETag 0 would mean that too."""
    match request.policy:
        case Create():
            return 0
        case IfMatch(etag):
            return int(etag) if etag.isascii() and etag.isdecimal() and int(etag) else _NEVER
        case _:
            return None
