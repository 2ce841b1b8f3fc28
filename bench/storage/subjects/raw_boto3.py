"""boto3 itself, as most programs use it."""

# ruff: noqa: D102 - the package says what the methods are

import os
from collections.abc import Iterator

from bench.storage.subjects.reading import CHUNK_BYTES, Reading


class Boto3:
    """One client, reused: put_object, get_object, upload_file, get_object in chunks, upload_fileobj."""

    label, packages, environment = "boto3", ("boto3", "botocore", "s3transfer"), ""
    module = "boto3"

    def load(self) -> None:
        import boto3

        self.bucket = os.environ["BENCH_BUCKET"]
        self.client = boto3.client("s3")

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
    """As boto3, with the very client that yeti-exports makes: the settings count, the layer above does not."""

    label, module = "boto3, our client", ""

    def load(self) -> None:
        from core.clients.persistient_storage.s3.connection import boto3_client

        self.bucket, self.client = os.environ["BENCH_BUCKET"], boto3_client()
