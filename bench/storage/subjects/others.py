"""The storage layers of others that are compared."""

# ruff: noqa: D102 - the package says what the methods are

import os
from collections.abc import Iterator

from bench.storage.subjects.reading import CHUNK_BYTES, PART_BYTES, Reading


class Obstore:
    """An S3Store, sync: put, get, put of a path, stream, put of an iterator."""

    label, packages, environment = "obstore", ("obstore",), "others"
    module = "obstore.store"

    def load(self) -> None:
        from obstore.store import S3Store

        self.store = S3Store(os.environ["BENCH_BUCKET"], client_options={"allow_http": True})

    def put(self, name: str, data: bytes) -> None:
        self.store.put(name, data)

    def get(self, name: str) -> bytes:
        return self.store.get(name).bytes().to_bytes()

    def upload(self, name: str, path: str) -> None:
        from pathlib import Path

        self.store.put(name, Path(path))

    def download(self, name: str) -> Iterator[bytes]:
        yield from self.store.get(name).stream(min_chunk_size=CHUNK_BYTES)

    def text(self, name: str, chunks: Iterator[str]) -> None:
        self.store.put(name, (chunk.encode() for chunk in chunks))


class S3fs:
    """An S3FileSystem: pipe_file, cat_file, put_file, open for reading, open as text."""

    label, packages, environment = "s3fs", ("s3fs", "aiobotocore", "botocore"), "s3fs"
    module = "s3fs"

    def load(self) -> None:
        from s3fs import S3FileSystem

        self.bucket = os.environ["BENCH_BUCKET"]
        self.files = S3FileSystem(endpoint_url=os.environ["AWS_ENDPOINT_URL_S3"])

    def put(self, name: str, data: bytes) -> None:
        self.files.pipe_file(f"{self.bucket}/{name}", data)

    def get(self, name: str) -> bytes:
        return self.files.cat_file(f"{self.bucket}/{name}")

    def upload(self, name: str, path: str) -> None:
        self.files.put_file(path, f"{self.bucket}/{name}")

    def download(self, name: str) -> Iterator[bytes]:
        with self.files.open(f"{self.bucket}/{name}", "rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def text(self, name: str, chunks: Iterator[str]) -> None:
        with self.files.open(f"{self.bucket}/{name}", "w", encoding="utf-8", newline="") as file:
            for chunk in chunks:
                file.write(chunk)


class SmartOpen:
    """open() with a boto3 client that is reused."""

    label, packages, environment = "smart_open", ("smart_open", "boto3"), "others"
    module = "smart_open"

    def load(self) -> None:
        import boto3
        import smart_open

        self.address = f"s3://{os.environ['BENCH_BUCKET']}/"
        self.smart_open, self.options = smart_open.open, {"client": boto3.client("s3")}

    def open(self, name: str, mode: str, **options) -> object:
        return self.smart_open(self.address + name, mode, transport_params=self.options, **options)

    def put(self, name: str, data: bytes) -> None:
        with self.open(name, "wb") as file:
            file.write(data)

    def get(self, name: str) -> bytes:
        with self.open(name, "rb") as file:
            return file.read()

    def upload(self, name: str, path: str) -> None:
        import shutil

        with open(path, "rb") as source, self.open(name, "wb") as file:  # noqa: PTH123
            shutil.copyfileobj(source, file, CHUNK_BYTES)

    def download(self, name: str) -> Iterator[bytes]:
        with self.open(name, "rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def text(self, name: str, chunks: Iterator[str]) -> None:
        with self.open(name, "w", encoding="utf-8", newline="") as file:
            for chunk in chunks:
                file.write(chunk)


class CloudPathLib:
    """An S3Path: write_bytes, read_bytes, upload_from, open; its cache is emptied as files are closed."""

    label, packages, environment = "cloudpathlib", ("cloudpathlib", "boto3"), "others"
    module = "cloudpathlib"

    def load(self) -> None:
        from cloudpathlib import S3Client
        from cloudpathlib.enums import FileCacheMode

        address = f"s3://{os.environ['BENCH_BUCKET']}/"
        client = S3Client(endpoint_url=os.environ["AWS_ENDPOINT_URL_S3"], file_cache_mode=FileCacheMode.close_file)
        self.at = lambda name: client.CloudPath(address + name)

    def put(self, name: str, data: bytes) -> None:
        self.at(name).write_bytes(data)

    def get(self, name: str) -> bytes:
        return self.at(name).read_bytes()

    def upload(self, name: str, path: str) -> None:
        self.at(name).upload_from(path, force_overwrite_to_cloud=True)

    def download(self, name: str) -> Iterator[bytes]:
        with self.at(name).open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def text(self, name: str, chunks: Iterator[str]) -> None:
        with self.at(name).open("w", encoding="utf-8", newline="") as file:
            for chunk in chunks:
                file.write(chunk)


class Minio:
    """A Minio client: put_object, get_object, fput_object, stream, put_object of unknown length."""

    label, packages, environment = "minio", ("minio",), "others"
    module = "minio"

    def load(self) -> None:
        from io import BytesIO

        from minio import Minio as Client

        self.file_of, self.bucket = BytesIO, os.environ["BENCH_BUCKET"]
        self.client = Client(
            endpoint=os.environ["AWS_ENDPOINT_URL_S3"].rpartition("/")[2],
            access_key=os.environ["AWS_ACCESS_KEY_ID"],
            secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
            region=os.environ["AWS_DEFAULT_REGION"],
            secure=False,
        )

    def put(self, name: str, data: bytes) -> None:
        file = self.file_of(data)
        self.client.put_object(bucket_name=self.bucket, object_name=name, data=file, length=len(data))

    def get(self, name: str) -> bytes:
        return b"".join(self.download(name))

    def upload(self, name: str, path: str) -> None:
        self.client.fput_object(bucket_name=self.bucket, object_name=name, file_path=path)

    def download(self, name: str) -> Iterator[bytes]:
        answer = self.client.get_object(bucket_name=self.bucket, object_name=name)
        try:
            yield from answer.stream(CHUNK_BYTES)
        finally:
            answer.close()
            answer.release_conn()

    def text(self, name: str, chunks: Iterator[str]) -> None:
        self.client.put_object(
            bucket_name=self.bucket, object_name=name, data=Reading(chunks), length=-1, part_size=PART_BYTES
        )
