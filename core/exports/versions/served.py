"""What is kept beside the files of a version because it is served: codings, the delta, signatures."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.exports.publishing import places, signing
from core.exports.settings import Settings
from core.exports.spool import RenderedFile
from core.exports.versions.archive import Archive
from core.exports.versions.deltas import public_delta
from core.exports.versions.packing import packed
from core.schemas.version import ManifestRecord, StoredObject

_SIGNATURE_TYPE = "text/plain; charset=utf-8"


def beside(
    archive: Archive,
    record: ManifestRecord,
    files: Sequence[RenderedFile],
    changes: Path | None,
    settings: Settings,
    folder: Path,
) -> dict[StoredObject, Path]:
    """Return the objects, each with a local file in *folder* that has its bytes.

    Args:
        archive: Where they will be kept.
        record: Of the version, with its number.
        files: Its files.
        changes: What it changes.
        settings: Of this installation; a key that cannot be used signs nothing.
        folder: Of the spool.
    """
    found: dict[StoredObject, Path] = {}
    all_files = list(files)
    if record.definition.get("deltas") and changes is not None:
        delta = public_delta(record, changes, folder)
        found[archive.file_object(delta, "delta")] = delta.path
        all_files.append(delta)
    if archive.keeps_bytes:
        for file in all_files:
            for coding, path in packed(file.path, folder):
                found[archive.file_object(_known(path, file.name, file.media_type), coding)] = path
    found.update(_signatures(archive, record, all_files, settings, folder))
    return found


def _signatures(
    archive: Archive, record: ManifestRecord, files: Sequence[RenderedFile], settings: Settings, folder: Path
) -> Iterator[tuple[StoredObject, Path]]:
    if signing.fault(settings):  # of a withdrawal, which leaves at once, signed or not
        return
    key = signing.key_of(settings)
    if key is None:
        return
    for position, file in enumerate(files):
        said = signing.comment(record.made_at, file.name, export=record.export, version=record.number)
        path = folder / f"{position}.signature"
        path.write_bytes(signing.sign(file.path, key, said))
        signature = _known(path, file.name + places.SIGNATURE, _SIGNATURE_TYPE)
        yield archive.file_object(signature, "signature"), path


def _known(path: Path, name: str, media_type: str) -> RenderedFile:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return RenderedFile(path, name, media_type, path.stat().st_size, digest, 0)
