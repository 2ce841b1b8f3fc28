"""What is measured: ours, boto3, and what they are held against; each is used as its own manual does.

This module and `storage_others` are loaded in the environments of the others too, and count in the start-up of
each: they import nothing at the top that Python has not loaded by itself.  ``load`` makes everything that is
reused; then ``put`` and ``get`` are of a small object, ``upload`` of a file, ``download`` in chunks, ``text`` of
chunks of unknown length, ``chunks`` of known length.  A subject that lacks a method is not measured in it.
"""

# ruff: noqa: D102 - said above, once for all of them

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress

CHUNK_BYTES = 1 << 20
PART_BYTES = 8 << 20


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


class Recipe:
    """The bare recipe: a temporary file beside the place, fsync, rename, fsync of the folder."""

    label, packages, environment = "bare recipe", (), ""

    def load(self) -> None:
        self.folder = os.environ["BENCH_FOLDER"]

    def put(self, name: str, data: bytes) -> None:
        self.chunks(name, (data,), len(data))

    def chunks(self, name: str, data: Iterable[bytes], size_bytes: int) -> None:
        target = f"{self.folder}/{name}"
        place, _, leaf = target.rpartition("/")
        part = f"{place}/.{leaf}.{os.urandom(8).hex()}.part"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            for chunk in data:
                written = 0
                while written < len(chunk):
                    written += os.write(descriptor, chunk[written:] if written else chunk)
            os.fsync(descriptor)
            os.close(descriptor)
            os.replace(part, target)  # noqa: PTH105 - the recipe is what anybody would write
        except BaseException:
            os.unlink(part)  # noqa: PTH108
            raise
        folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class Boto3:
    """One client, reused: put_object, get_object, upload_file, get_object in chunks, upload_fileobj."""

    label, packages, environment = "boto3", ("boto3", "botocore", "s3transfer"), ""
    module = "boto3"

    def load(self) -> None:
        import boto3

        self.bucket = os.environ["BENCH_BUCKET"]
        self.client = boto3.client("s3", config=self.config())

    def config(self) -> object:
        return None

    def put(self, name: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=name, Body=data)

    def get(self, name: str) -> bytes:
        return self.client.get_object(Bucket=self.bucket, Key=name)["Body"].read()

    def upload(self, name: str, path: str) -> None:
        self.client.upload_file(path, self.bucket, name)

    def download(self, name: str) -> Iterator[bytes]:
        yield from self.client.get_object(Bucket=self.bucket, Key=name)["Body"].iter_chunks(CHUNK_BYTES)

    def text(self, name: str, chunks: Iterator[str]) -> None:
        self.client.upload_fileobj(Reading(chunks), self.bucket, name)


class Boto3Joined(Boto3):
    """put_object of the joined string."""

    label, module = "boto3, joined", ""
    put = get = upload = download = None

    def text(self, name: str, chunks: Iterator[str]) -> None:
        self.client.put_object(Bucket=self.bucket, Key=name, Body="".join(chunks).encode())


class Boto3Lean(Boto3):
    """As boto3, with the settings that yeti-exports makes its client with."""

    label, module = "boto3, our settings", ""

    def config(self) -> object:
        from botocore.config import Config

        return Config(
            signature_version="s3v4",
            retries={"mode": "standard", "total_max_attempts": 4},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=5,
            read_timeout=30,
            tcp_keepalive=True,
        )


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


class Reading:
    """Chunks of text as a file of bytes, which copies nothing more often than it must."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self.chunks, self.rest = chunks, b""

    def read(self, size: int = -1) -> bytes:
        pieces, wanted = [self.rest], (1 << 62) if size is None or size < 0 else size
        have = len(self.rest)
        self.rest = b""
        with suppress(StopIteration):
            while have < wanted:
                pieces.append(next(self.chunks).encode())
                have += len(pieces[-1])
        if have > wanted:
            last = pieces.pop()
            cut = len(last) - (have - wanted)
            pieces.append(last[:cut])
            self.rest = last[cut:]
        return b"".join(pieces)


def subject(name: str) -> object:
    """Return what is called so on the command line."""
    if name not in OWN:
        from bench.storage_others import OTHERS

        return OTHERS[name]
    return OWN[name]


OWN = {
    "ours": Ours,
    "ours-local": OursLocal,
    "recipe": Recipe,
    "boto3": Boto3,
    "boto3-joined": Boto3Joined,
    "boto3-lean": Boto3Lean,
    "socket": BareSocket,
}
