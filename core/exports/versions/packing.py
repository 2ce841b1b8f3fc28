"""Files in the codings that HTTP knows, made once: the same file and library give the same bytes."""

import gzip
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

Coding = Literal["gzip", "zstd"]
CODINGS: tuple[Coding, ...] = ("zstd", "gzip")
"""Those that files are kept in, the better one first."""

LEAST_BYTES = 4_096
"""A smaller file is sent in three packets at most: a request for another object costs more than that."""

_LEAST_GAIN = 20
"""By at least one part in so many it has to get smaller."""

_CHUNK_BYTES = 1 << 20
# A list of a million addresses: 0.5 s and 43 % of its size; the usual level 6 takes 3.1 s for 40 %.
_GZIP_LEVEL = 4
_ZSTD_LEVEL = 3


def packed(path: Path, folder: Path) -> Iterator[tuple[Coding, Path]]:
    """Yield each coding in which a file is worth keeping, and a local file in *folder* that has it."""
    size_bytes = path.stat().st_size
    if size_bytes < LEAST_BYTES:
        return
    with ThreadPoolExecutor(len(CODINGS)) as pool:  # both leave Python's lock alone
        made = pool.map(lambda coding: pack(path, folder / f"{path.name}.{coding}", coding), CODINGS)
        for coding, target in zip(CODINGS, made, strict=True):
            if pays(size_bytes, target.stat().st_size):
                yield coding, target


def pays(size_bytes: int, packed_bytes: int) -> bool:
    """Say whether a file got so much smaller that it is worth it."""
    return packed_bytes * _LEAST_GAIN <= size_bytes * (_LEAST_GAIN - 1)


def pack(path: Path, target: Path, coding: Coding) -> Path:
    """Write a file in a coding, and return *target*."""
    with path.open("rb") as source, target.open("wb") as out:
        if coding == "gzip":
            # Without name and time in it the same file is the same bytes.
            with gzip.GzipFile("", "wb", _GZIP_LEVEL, out, mtime=0) as stream:
                shutil.copyfileobj(source, stream, _CHUNK_BYTES)
        else:
            import zstandard

            zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).copy_stream(
                source, out, size=path.stat().st_size
            )
    return target
