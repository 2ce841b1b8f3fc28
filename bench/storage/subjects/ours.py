"""The storage clients of this project.

Start-up counts: what Python has not loaded by itself is imported where it is used.
"""

# ruff: noqa: D102 - the package says what the methods are

import os
from collections.abc import Iterable, Iterator

from bench.storage.subjects.reading import CHUNK_BYTES


class Ours:
    """``Storage(get_client("s3://…"))``: write, read_bytes, write of a path, open_reader, open_text_writer."""

    label, packages, environment = "yeti-exports", ("yeti-exports",), ""
    module = "core.clients.persistient_storage"

    def load(self) -> None:
        from core.clients.persistient_storage import get_client
        from core.clients.persistient_storage.storage import Storage

        client = get_client(self.path())
        if self.path().startswith("s3://") and not client.PREFIX:  # s3.py could not be loaded
            raise TypeError(f"{type(client).__name__} is not the client for {self.path()}")
        self.storage = Storage(client)

    def path(self) -> str:
        return f"s3://{os.environ['BENCH_BUCKET']}"

    def put(self, name: str, data: bytes) -> None:
        self.storage.write(name, data)

    def get(self, name: str) -> bytes:
        return self.storage.read_bytes(name)

    def upload(self, name: str, path: str) -> None:
        from pathlib import Path

        self.storage.write(name, Path(path))

    def download(self, name: str) -> Iterator[bytes]:
        with self.storage.open_reader(name) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def text(self, name: str, chunks: Iterator[str]) -> None:
        with self.storage.open_text_writer(name) as file:
            for chunk in chunks:
                file.write(chunk)

    def chunks(self, name: str, data: Iterable[bytes], size_bytes: int) -> None:
        self.storage.write(name, data, size_bytes=size_bytes)


class OursLocal(Ours):
    """``Storage(get_client("/folder"))``: write."""

    label = "yeti-exports"

    def path(self) -> str:
        return os.environ["BENCH_FOLDER"]
