"""URLs out of the folder of real intelligence."""

import re
from pathlib import Path

from core.errors import RefusedValue
from core.values import canonical

FOLDERS = ("eset-malware-ioc", "unit42", "volexity", "datadog", "sekoia", "amnesty")
_URL = re.compile(r"h(?:tt|xx)ps?(?:\[:\]|:)//[^\s,\"'<>]+", re.IGNORECASE)


def real_urls(intel: Path) -> list[str]:
    """Return the canonical URLs that real lists have, sorted, each once."""
    found = set()
    for folder in FOLDERS:
        for path in sorted((intel / "lists" / folder).rglob("*")):
            text = path.read_text("utf-8", errors="replace") if path.is_file() else ""
            found |= {_canonical(word) for word in _URL.findall(text)}
    return sorted(found - {""})


def _canonical(word: str) -> str:
    try:
        type_, value = canonical.classify("url", word)
    except RefusedValue:
        return ""
    return value if type_ == "url" else ""
