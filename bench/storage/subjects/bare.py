"""Without any library: what a folder and the sink themselves cost."""

# ruff: noqa: D102 - the package says what the methods are

import os
from collections.abc import Iterable, Iterator

from bench.storage.subjects.reading import CHUNK_BYTES


class Recipe:
    """The bare recipe: a new file beside the place, SHA-256 on the way, fsync, rename, fsync of the folder."""

    label, packages, environment = "bare recipe", (), ""

    def load(self) -> None:
        import hashlib

        self.folder, self.sha256 = os.environ["BENCH_FOLDER"], hashlib.sha256

    def put(self, name: str, data: bytes) -> None:
        self.chunks(name, (data,), len(data))

    def chunks(self, name: str, data: Iterable[bytes], size_bytes: int) -> None:
        place, _, leaf = f"{self.folder}/{name}".rpartition("/")
        part, digest = f".{leaf}.{os.urandom(8).hex()}.part", self.sha256()
        folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666, dir_fd=folder)
            try:
                for chunk in data:
                    written = 0
                    while written < len(chunk):
                        written += os.write(descriptor, chunk[written:] if written else chunk)
                    digest.update(chunk)
                os.fsync(descriptor)
                os.close(descriptor)
                os.replace(part, leaf, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                os.unlink(part, dir_fd=folder)
                raise
            os.fsync(folder)
        finally:
            os.close(folder)
        digest.hexdigest()


class BareSocket:
    """No client at all: requests without a signature, written by hand; what the sink itself costs."""

    label, packages, environment = "bare socket", (), ""

    def load(self) -> None:
        import socket

        host, _, port = os.environ["AWS_ENDPOINT_URL_S3"].rpartition("/")[2].partition(":")
        self.bucket = os.environ["BENCH_BUCKET"]
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, method: str, name: str, length: int = 0) -> bytes:
        return f"{method} /{self.bucket}/{name} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode()

    def answer(self) -> tuple[bytes, int]:
        data = self.socket.recv(1 << 16)
        head, _, rest = data.partition(b"\r\n\r\n")
        return rest, int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])

    def put(self, name: str, data: bytes) -> None:
        self.socket.sendall(self.ask("PUT", name, len(data)) + data)
        self.answer()

    def get(self, name: str) -> bytes:
        return b"".join(self.download(name))

    def upload(self, name: str, path: str) -> None:
        with open(path, "rb") as file:  # noqa: PTH123
            self.socket.sendall(self.ask("PUT", name, os.stat(path).st_size))  # noqa: PTH116
            self.socket.sendfile(file)
        self.answer()

    def download(self, name: str) -> Iterator[bytes]:
        self.socket.sendall(self.ask("GET", name))
        data, left = self.answer()
        while True:
            yield data
            left -= len(data)
            if left <= 0:
                return
            data = self.socket.recv(min(left, CHUNK_BYTES))
