"""What is sent as a file: taken to the disk while it comes, and gone when it was looked at."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any

from fastapi import Depends, Request

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A list of one value a line, or a log; also compressed with gzip, bzip2 or xz.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


async def _uploaded(request: Request) -> AsyncIterator[Path]:
    with NamedTemporaryFile(prefix="yeti-upload-") as file:
        async for chunk in request.stream():
            file.write(chunk)
        file.flush()
        yield Path(file.name)


Uploaded = Annotated[Path, Depends(_uploaded)]
