"""Write one object: a single request if it is small, else a resumable upload that becomes visible as one."""

from typing import Any

from core.clients.persistient_storage.border import asking
from core.clients.persistient_storage.bucket_client import Parts
from core.clients.persistient_storage.bucket_path import Place
from core.clients.persistient_storage.gcs.conditions import require
from core.clients.persistient_storage.gcs.connection import missing_bucket, options
from core.clients.persistient_storage.gcs.upload import Upload
from core.clients.persistient_storage.policies import Create, IfMatch
from core.clients.persistient_storage.receipts import Outcome, Stat, WriteRequest
from core.errors import FileExists, PreconditionFailed, StorageCorrupt

SHA256 = "sha256"
"""The user metadata that holds the digest, where it was known when the upload began."""

_NEVER = -1


class GcsWriter:
    """One object that is being written; see `spec.Writer`."""

    def __init__(self, client: Any, place: Place, name: str, request: WriteRequest) -> None:
        self._client, self._place, self._name, self._request = client, place, name, request
        self._address = place.url(name)
        self._generation = _generation(request)
        self._upload: Upload | None = None
        self._parts = Parts(self._send_part, request.size_bytes, most=1 << 20)
        self.write = self._parts.write

    def commit(self, sha256: str) -> tuple[Stat, Outcome]:
        """Make the object visible."""
        if self._generation == _NEVER:
            raise PreconditionFailed(f"{self._address}: no file of this storage has had that ETag")
        rest = self._parts.rest()
        known = sha256 if self._upload is None else self._request.sha256
        try:
            stored = self._put(rest, sha256) if self._upload is None else self._upload.finish(rest)
        except PreconditionFailed as error:
            if isinstance(self._request.policy, Create):
                raise FileExists(f"{self._address}: the name is taken") from error
            raise
        self._upload = None
        if int(stored["size"]) != self._parts.size_bytes:  # Google has refused by now; an emulator publishes
            raise StorageCorrupt(
                f"{self._address}: the server has stored {stored['size']} bytes of the {self._parts.size_bytes} "
                "that it was sent; what stands there now is not the file"
            )
        etag, metadata = str(stored["generation"]), self._request.metadata
        outcomes: dict[type, Outcome] = {Create: "created", IfMatch: "replaced"}
        outcome = outcomes.get(type(self._request.policy), "stored")
        return Stat(self._name, self._parts.size_bytes, etag, known, metadata=metadata), outcome

    def abort(self) -> None:
        """Cancel the upload; if that fails too, it vanishes after a week."""
        self._parts.rest()
        upload, self._upload = self._upload, None
        if upload is not None:
            upload.cancel()

    def _put(self, data: bytes, sha256: str) -> Any:
        blob, kept = self._blob(sha256), self._request.metadata
        with asking(self._address, missing_bucket):
            blob.upload_from_string(
                data, content_type=kept.content_type, if_generation_match=self._generation, **self._options()
            )
        return {"size": blob.size, "generation": blob.generation}

    def _send_part(self, part: bytes) -> None:
        if self._upload is None:
            self._upload = Upload(self._client, self._begun(), self._address)
        self._upload.send(part)

    def _begun(self) -> str:
        with asking(self._address, missing_bucket):
            if self._generation is not None:
                require(self._client, self._place)
            session: str = self._blob(self._request.sha256).create_resumable_upload_session(
                content_type=self._request.metadata.content_type,
                if_generation_match=self._generation,
                **options(),
            )
            return session

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
