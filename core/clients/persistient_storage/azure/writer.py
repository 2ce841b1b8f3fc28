"""Write one blob: a single request if it is small, else blocks that are committed as one."""

import os
import re
from typing import Any

from core.clients.persistient_storage.azure.connection import condition, explained, sdk
from core.clients.persistient_storage.border import asking
from core.clients.persistient_storage.bucket_client import Parts
from core.clients.persistient_storage.policies import Create, IfMatch
from core.clients.persistient_storage.receipts import Metadata, Outcome, Stat, WriteRequest

SHA256 = "sha256"
"""The metadata that holds the digest."""

_MOST_BLOCKS = 50_000
_OUTCOMES: dict[type, Outcome] = {Create: "created", IfMatch: "replaced"}


class AzureWriter:
    """One blob that is being written; see `spec.Writer`."""

    def __init__(self, blob: Any, address: str, name: str, request: WriteRequest) -> None:
        self._blob, self._address, self._name, self._request = blob, address, name, request
        self._parts = Parts(self._stage, request.size_bytes, _MOST_BLOCKS)
        self._token = os.urandom(8).hex()
        self.write = self._parts.write

    def commit(self, sha256: str) -> tuple[Stat, Outcome]:
        """Make the blob visible."""
        metadata = self._request.metadata
        options: dict[str, Any] = {
            "content_settings": sdk().ContentSettings(**metadata.headers()),
            "metadata": {**{stored_name(name): value for name, value in metadata.items.items()}, SHA256: sha256},
            **_condition(self._request),
        }
        rest = self._parts.rest()
        with asking(self._address, explained):
            if self._parts.sent == 0:
                answer = self._blob.upload_blob(rest, length=len(rest), overwrite=True, **options)
            else:
                self._stage(rest)
                blocks = [sdk().BlobBlock(self._block(number)) for number in range(self._parts.sent + 1)]
                answer = self._blob.commit_block_list(blocks, **options)
        etag = str(answer["etag"]).strip('"')
        stat = Stat(self._name, self._parts.size_bytes, etag, sha256, metadata=metadata)
        return stat, _OUTCOMES.get(type(self._request.policy), "stored")

    def abort(self) -> None:
        """Forget what was not sent; Azure forgets the blocks after a week, or when the name is written again."""
        self._parts.rest()

    def _stage(self, part: bytes) -> None:
        with asking(self._address, explained):
            self._blob.stage_block(self._block(self._parts.sent), part, length=len(part))

    def _block(self, number: int) -> str:
        # Of one length, as Azure wants the ids of one blob; the token keeps two writers' blocks apart.
        return f"yeti-{self._token}-{number:05d}"


def stored_name(name: str) -> str:
    """Return what a name of metadata is called in Azure, which takes letters, digits and ``_`` only."""
    return re.sub(r"[^a-z0-9_]|^[0-9]|_(?=x)", lambda found: f"_x{ord(found[0]):02x}_", name)


def found_metadata(properties: Any) -> tuple[Metadata, str | None]:
    """Return the metadata and the SHA-256 that Azure keeps with a blob."""
    stored = {name.lower(): value for name, value in (properties.metadata or {}).items()}
    sha256 = stored.pop(SHA256, None)
    items = {re.sub("_x([0-9a-f]{2})_", lambda x: chr(int(x[1], 16)), name): v for name, v in stored.items()}
    settings = properties.content_settings
    fields = ("content_type", "cache_control", "content_encoding", "content_disposition")
    return Metadata.found({name: settings.get(name) for name in fields}, items), sha256


def _condition(request: WriteRequest) -> dict[str, Any]:
    # Tried again after an answer that was lost, a condition would fail because of the first try.
    match request.policy:
        case Create():
            return {"match_condition": condition("IfMissing"), "retry_total": 0}
        case IfMatch(etag):
            return {"match_condition": condition("IfNotModified"), "etag": f'"{etag}"', "retry_total": 0}
        case _:
            return {}
