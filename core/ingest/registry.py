"""Which importer reads a file: the modules of this folder that have the four names of ``reader``."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import MappingProxyType
from typing import Protocol, cast

from core.errors import UnreadableFile
from core.ingest.reader import InputFile, Item, Options


class Reader(Protocol):
    """An importer; see ``core.ingest.reader``."""

    NAME: str
    MEANING: str

    def recognises(self, file: InputFile) -> int:
        """Return how sure it is that *file* is for it: 0 no, 100 certain."""

    def read(self, file: InputFile, options: Options) -> Iterator[Item]:
        """Yield what is in *file*."""


def _readers() -> dict[str, Reader]:
    package = importlib.import_module("core.ingest")
    found: dict[str, Reader] = {}
    for entry in pkgutil.iter_modules(package.__path__):
        if entry.name in ("run", "registry", "reader", "allow_values"):
            continue
        module = importlib.import_module(f"core.ingest.{entry.name}")
        if all(hasattr(module, name) for name in ("NAME", "MEANING", "recognises", "read")):
            found[module.NAME] = cast(Reader, module)
    return dict(sorted(found.items()))


READERS = MappingProxyType(_readers())
"""Importers by the word for ``--format``."""

_COMPRESSED = {
    b"PK\x03\x04": "zip",
    b"\x1f\x8b": "gzip",
    b"BZh91AY": "bzip2",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7z",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"Rar!\x1a": "rar",
}


def recognise(file: InputFile) -> Reader:
    """Return the importer that is surest of *file*.

    Raises:
        UnreadableFile: None is; the message says what the file looks like instead.
    """
    for magic, name in _COMPRESSED.items():
        if file.head.startswith(magic):
            raise UnreadableFile(f"is compressed ({name}); unpack it first")
    best = max(READERS.values(), key=lambda reader: reader.recognises(file))
    if best.recognises(file) <= 0:
        raise UnreadableFile(_what_it_is(file))
    return best


def _what_it_is(file: InputFile) -> str:
    if file.size_bytes == 0:
        return "is empty"
    start = file.text_head.lstrip()[:500]
    if start[:1] == "<":
        is_page = "<html" in start.lower() or "<!doctype html" in start.lower()
        return "is a web page, not data" if is_page else "is XML, which no importer reads"
    if start[:1] in ("{", "["):
        return "is JSON of no form that an importer knows; --format warninglist or text reads an array of texts"
    if file.is_binary:
        return "is not text, and of no format that an importer knows"
    return "is of no format that an importer knows; --format names one"
