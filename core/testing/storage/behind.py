"""Look behind a client's back, for storages that can be reached without it: folders and S3."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.s3.place import parsed
from core.clients.persistient_storage.storage import Storage

_READ = """
import sys
from core.clients.persistient_storage import get_client, registry
from core.clients.persistient_storage.storage import Storage
path, name, *folder = sys.argv[1:]
registry.use_plugins_path(folder[0] if folder else None)
sys.stdout.buffer.write(Storage(get_client(path)).read_bytes(name))
"""
_WITHIN_S = 60


class Behind:
    """Any storage: a fresh process reads; what there is besides the files cannot be known.

    Args:
        folder: Where drop-in clients are, or None.
    """

    how = "by a fresh process"

    def __init__(self, folder: str | None) -> None:
        self._folder = [folder] if folder else []

    def raw(self, place: str, name: str) -> bytes:
        """Return the stored bytes."""
        done = subprocess.run(
            [sys.executable, "-c", _READ, place, name, *self._folder],
            capture_output=True,
            timeout=_WITHIN_S,
            check=False,
        )
        if done.returncode:
            raise FileNotFoundError(done.stderr.decode(errors="replace").strip().rpartition("\n")[2])
        return done.stdout

    def names(self, place: str) -> list[str] | None:
        """Return all that is stored there, or None if that cannot be known."""
        return None

    def remove(self, place: str, known: set[str]) -> None:
        """Remove all that is stored there; *known* are names that may be."""
        storage = Storage(get_client(place))
        if hasattr(storage.client, "list"):
            with suppress(Exception):  # the client under test may have mistakes
                known = known | {stat.name for stat in storage.list()}
        for name in known:
            storage.delete(name)
        for leftover in storage.leftovers():
            storage.remove_leftover(leftover)


class BehindMemory(Behind):
    """A storage that only this process sees: nobody else can read it."""

    how = "by the client itself: no other process sees them"

    def raw(self, place: str, name: str) -> bytes:
        return Storage(get_client(place)).read_bytes(name)


class BehindFolder(Behind):
    """A folder of this machine."""

    how = "from the folder"

    def raw(self, place: str, name: str) -> bytes:
        return Path(place, name).read_bytes()

    def names(self, place: str) -> list[str]:
        return [str(path.relative_to(place)) for path in Path(place).rglob("*") if not path.is_dir()]

    def remove(self, place: str, known: set[str]) -> None:
        shutil.rmtree(place, ignore_errors=True)


class BehindS3(Behind):
    """A bucket, by a boto3 client of its own."""

    how = "by another boto3 client"

    def __init__(self, folder: str | None) -> None:
        super().__init__(folder)
        import boto3.session

        region = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION")
        session = boto3.session.Session()
        self._client: Any = session.client("s3", region_name=region or session.region_name or "us-east-1")

    def raw(self, place: str, name: str) -> bytes:
        target = _target(place)
        try:
            answer = self._client.get_object(Bucket=target["Bucket"], Key=target["Prefix"] + name)
        except self._client.exceptions.NoSuchKey as error:
            raise FileNotFoundError(name) from error
        data: bytes = answer["Body"].read()
        return data

    def names(self, place: str) -> list[str]:
        target = _target(place)
        return [
            entry["Key"].removeprefix(target["Prefix"])
            for verb, entries in (("list_objects_v2", "Contents"), ("list_multipart_uploads", "Uploads"))
            for page in self._client.get_paginator(verb).paginate(**target)
            for entry in page.get(entries, ())
        ]

    def remove(self, place: str, known: set[str]) -> None:
        target = _target(place)
        bucket = target["Bucket"]
        for page in self._client.get_paginator("list_multipart_uploads").paginate(**target):
            for upload in page.get("Uploads", ()):
                self._client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        for page in self._client.get_paginator("list_objects_v2").paginate(**target):
            for entry in page.get("Contents", ()):
                self._client.delete_object(Bucket=bucket, Key=entry["Key"])


def behind(url: str, folder: str | None) -> Behind:
    """Return how to look behind the back of the client of *url*."""
    client = get_client(url)
    match type(client).PREFIX:
        case "":
            return BehindFolder(folder)
        case "s3://":
            return BehindS3(folder)
    return Behind(folder) if _is_seen_by_others(url, folder) else BehindMemory(folder)


def _is_seen_by_others(url: str, folder: str | None) -> bool:
    storage, name = Storage(get_client(url)), f"yeti-kit-{os.urandom(8).hex()}.txt"
    try:
        storage.write(name, "seen")
        return Behind(folder).raw(url, name) == b"seen"
    except Exception:  # a client under test may raise anything
        return False
    finally:
        with suppress(Exception):
            storage.delete(name)


def _target(place: str) -> dict[str, str]:
    found = parsed(place)
    return {"Bucket": found.bucket, "Prefix": found.prefix}
