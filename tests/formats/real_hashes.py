"""Hashes out of the folder of real intelligence."""

from pathlib import Path

from core.errors import RefusedValue
from core.exports.formats import Value
from core.values import canonical


def real_hashes(intel: Path) -> list[Value]:
    """Return every MD5, SHA-1 and SHA-256 of samples that real lists have, sorted, each once."""
    found = set()
    for suffix in ("md5", "sha1", "sha256"):
        for file in (intel / "lists" / "eset-malware-ioc").rglob(f"*.{suffix}"):
            found |= {value for word in file.read_text("utf-8").split() for value in _value(suffix, word)}
    return sorted(found)


def _value(type_: str, word: str) -> list[Value]:
    try:
        return [Value(*canonical.classify(type_, word))]
    except RefusedValue:
        return []
