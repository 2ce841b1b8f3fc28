"""Files of versions, as they are kept: checked before the first byte is sent, and sent in bounded memory."""

from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import quote

from fastapi.responses import Response, StreamingResponse

from core.api.services import Services
from core.errors import NotFound
from core.exports.spool import run_folder
from core.exports.versions.archive import Archive
from core.schemas.export import ExportDefinition
from core.store.archives import Archived

_CHUNK_BYTES = 1 << 18


def download(
    services: Services, definition: ExportDefinition, item: Archived, file_name: str, if_none_match: str | None
) -> Response:
    """Return a published file of a version, byte for byte.

    Raises:
        NotFound: The version has no such file.
        StorageError: It is gone, cannot be read, or is not what was kept.
    """
    known = next((file for file in item.record.files if file.file_name == file_name), None)
    if known is None:
        there = ", ".join(file.file_name for file in item.record.files)
        raise NotFound(f"version {item.number} has no file {file_name!r}; it has {there}")
    headers = {
        "ETag": f'"{known.sha256}"',
        "Content-Length": str(known.size_bytes),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file_name.rpartition('/')[2], safe='')}",
    }
    if if_none_match is not None and (if_none_match.strip() == "*" or headers["ETag"] in if_none_match):
        return Response(status_code=304, headers={"ETag": headers["ETag"]})
    archive = Archive(services.settings.versions_path, definition)
    with run_folder(services.settings.spool_path) as folder:
        stream = archive.fetch_file(known, folder).path.open("rb")
    # The folder is gone, the file is not before the last reader lets go of it: whatever becomes of this request.
    return StreamingResponse(_chunks(stream), headers=headers, media_type=known.media_type)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk
