"""The bytes of one object as they are stored, from a stream that can be taken up again.

The library's own reader asks for pieces of 40 MiB, each of whatever generation is there by then, or undoes the
compression of the object; neither will do.
"""

from typing import Any

from core.clients.persistient_storage.border import asking
from core.clients.persistient_storage.gcs.connection import again, api_error, explained, timeout_s
from core.errors import FileMissing, StorageUnavailable


class Download:
    """An answer that is being read.

    Args:
        client: The library's client.
        path: Of the object, in the API.
        address: For messages.

    Attributes:
        length: How many bytes the server says there are, if it says so.
    """

    def __init__(self, client: Any, path: str, address: str) -> None:
        self._client, self._address = client, address
        self._url = f"{client.api_endpoint}/download/storage/v1{path}"
        self._answer = again()(lambda: self._ask({}, {}, 200))()
        length = self._answer.headers.get("Content-Length")
        self.length = int(length) if length is not None else None
        self._generation = self._answer.headers.get("X-Goog-Generation")

    def read(self, size: int) -> bytes:
        """Return some of the next bytes, as they are stored."""
        data: bytes = self._answer.raw.read(size, decode_content=False)
        return data

    def close(self) -> None:
        """Give the connection back."""
        self._answer.close()

    def again(self, position: int) -> "Download":
        """Return the rest of the very same object from *position* on."""
        replaced = f"{self._address}: the file was replaced while it was read; read it again"
        with asking(self._address, explained):
            try:
                same = {"generation": self._generation} if self._generation else {}
                self._answer = self._ask(same, {"Range": f"bytes={position}-"}, 206)
            except Exception as error:
                if isinstance(explained(error, ""), FileMissing):
                    raise StorageUnavailable(replaced) from error
                raise
        if self._answer.headers.get("X-Goog-Generation") != self._generation:
            raise StorageUnavailable(replaced)
        return self

    def _ask(self, parameters: dict[str, str], headers: dict[str, str], wanted: int) -> Any:
        answer = self._client._http.get(
            self._url,
            params={"alt": "media", **parameters},
            headers={"Accept-Encoding": "gzip", **headers},  # else Google undoes the compression
            timeout=timeout_s(),
            stream=True,
        )
        if answer.status_code != wanted:
            with answer:
                raise api_error(answer)
        return answer
