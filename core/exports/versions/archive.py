"""The objects under ``system.versions_path``: files, changes and manifests, on any storage client.

Names are flat, begin with a key of the export, which no other one ever gets, and tell the SHA-256 of what they hold,
so that what two versions share is kept once::

    <key>.<sha256>.file             a published file, byte for byte
    <key>.<sha256>.content          the same without its publish counter, of formats that have one
    <key>.<sha256>.changes.jsonl.gz what a version changed and why (without .gz where only text can be kept)
    <key>.<sha256>.gzip, .zstd      a file (or a delta) in these codings, as it is served
    <key>.<sha256>.delta            what the version added and removed, for consumers
    <key>.<sha256>.signature        of a file or a delta
    <key>.v<number>.<sha256>.json  the manifest, written last; of its SHA-256 the first 12 digits

Decision 0080 says why.
"""

import gzip
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.policies import IfChanged
from core.clients.persistient_storage.storage import Storage
from core.errors import StorageCorrupt
from core.exports.spool import RenderedFile
from core.schemas.export import ExportDefinition
from core.schemas.version import ManifestRecord, Role, StoredObject, manifest_bytes

_CHUNK_BYTES = 1 << 20
_DIGITS = 12
_LEVEL = 1  # a sixth larger than by the usual one, in less than half the time
_JSON = "application/json"
_LINES = "application/x-ndjson"


class Archive:
    """What is kept of one export."""

    def __init__(self, versions_path: str, definition: ExportDefinition) -> None:
        """Keep where it is; nothing is read or written."""
        self._storage = Storage(get_client(versions_path))
        self._key = definition.versions_key
        self._keeps_bytes = hasattr(self._storage.client, "open_writer")

    @property
    def keeps_bytes(self) -> bool:
        """Whether anything can be kept, not only text."""
        return self._keeps_bytes

    def file_object(self, file: RenderedFile, role: Role = "file") -> StoredObject:
        """Return what a file of a version, or one beside it, will be kept as."""
        return StoredObject(
            role=role,
            name=f"{self._key}.{file.sha256}.{role}",
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            file_name=file.name,
            media_type=file.media_type,
            entries=file.entries,
        )

    def changes_object(self, lines: Path) -> tuple[StoredObject, Path]:
        """Return what the changes in a local file will be kept as, and the local file that has its bytes."""
        packed, suffix = lines, ""
        if self._keeps_bytes:
            packed, suffix = lines.with_name(lines.name + ".gz"), ".gz"
            with (
                lines.open("rb") as source,
                packed.open("wb") as target,
                # Without name and time in it the same changes are the same bytes.
                gzip.GzipFile("", "wb", _LEVEL, target, mtime=0) as stream,
            ):
                shutil.copyfileobj(source, stream, _CHUNK_BYTES)
        with packed.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        name = f"{self._key}.{sha256}.changes.jsonl{suffix}"
        return StoredObject(role="changes", name=name, size_bytes=packed.stat().st_size, sha256=sha256), packed

    def put(self, item: StoredObject, path: Path) -> None:
        """Store an object; one that is there already with these bytes is left alone.

        Raises:
            StorageError: It could not be stored.
        """
        self._put(item.name, path, item.media_type or _LINES, item.sha256, item.size_bytes)

    def put_manifest(self, record: ManifestRecord) -> str:
        """Store the manifest of a version, and return its SHA-256.

        Raises:
            StorageError: It could not be stored.
        """
        data = manifest_bytes(record)
        sha256 = hashlib.sha256(data).hexdigest()
        self._put(self.manifest_name(record.number, sha256), data, _JSON, sha256, len(data))
        return sha256

    def manifest_name(self, number: int, sha256: str) -> str:
        """Return the name of the manifest of version *number* with that SHA-256.

        A process that was paused, and lost its claim, may write one of the same number: it is another object.
        """
        return f"{self._key}.v{number}.{sha256[:_DIGITS]}.json"

    def location(self, name: str) -> str:
        """Return where an object is, for people."""
        return self._storage.client.file_path(name)

    def read_manifest(self, number: int, sha256: str) -> bytes:
        """Return the manifest of version *number* with that SHA-256, as it is stored.

        Raises:
            FileMissing: It is gone.
            StorageError: It cannot be read.
        """
        return self._storage.read_bytes(self.manifest_name(number, sha256))

    def fetch(self, item: StoredObject, path: Path) -> None:
        """Copy an object to a local file.

        Raises:
            FileMissing: It is gone.
            StorageCorrupt: It is not what was stored.
            StorageError: It cannot be read.
        """
        sha256 = hashlib.sha256()
        size = 0
        with self._storage.open_reader(item.name) as source, path.open("wb") as target:
            while chunk := source.read(_CHUNK_BYTES):
                sha256.update(chunk)
                size += len(chunk)
                target.write(chunk)
        if (size, sha256.hexdigest()) != (item.size_bytes, item.sha256):
            raise StorageCorrupt(
                f"{self.location(item.name)} holds {size} bytes with SHA-256 {sha256.hexdigest()}, "
                f"not the {item.size_bytes} with {item.sha256} that were kept"
            )

    def fetch_file(self, item: StoredObject, folder: Path) -> RenderedFile:
        """Copy a published file into *folder*; see `fetch`."""
        path = folder / item.name
        self.fetch(item, path)
        return RenderedFile(path, item.file_name, item.media_type, item.size_bytes, item.sha256, item.entries)

    def fetch_changes(self, item: StoredObject, folder: Path) -> Path:
        """Copy changes into *folder*, as plain lines; see `fetch`."""
        path = folder / item.name
        self.fetch(item, path)
        if not item.name.endswith(".gz"):
            return path
        plain = path.with_suffix("")
        with gzip.open(path, "rb") as source, plain.open("wb") as target:
            shutil.copyfileobj(source, target, _CHUNK_BYTES)
        return plain

    def delete(self, name: str) -> None:
        """Delete an object; it is fine if it is gone.

        Raises:
            StorageError: It could not be deleted.
        """
        self._storage.delete(name)

    def _put(self, name: str, data: bytes | Path, media_type: str, sha256: str, size_bytes: int) -> None:
        receipt = self._storage.write(
            name, data, policy=IfChanged(), default_type=media_type, size_bytes=size_bytes, sha256=sha256
        )
        if receipt.outcome != "unchanged" and not self._keeps_bytes:
            # Whoever wrote only the five methods may have changed line ends, encoding or length on the way.
            self._storage.verify(receipt)


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of changes."""
    with path.open(encoding="utf-8", newline="\n") as stream:
        yield from stream
