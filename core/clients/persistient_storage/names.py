"""Which file names are allowed: those that mean the same on every storage."""

import re
from functools import lru_cache

from core.errors import InvalidFileName

LONGEST_PART = 255
"""Bytes of UTF-8 that one part of a name may have; more is refused by common file systems."""

LONGEST_NAME = 900
"""Bytes of UTF-8 that a name may have; S3 takes 1024 for prefix and name together."""

PART_FILE = re.compile(r"\.yeti-[0-9a-f]{16}\.part")
"""Names of files that are being written."""

METADATA_FILE = re.compile(r"\.yeti-[0-9a-f]{16}\.meta")
"""Names of files that hold the metadata of another file, where a storage keeps them so."""

_RESERVED = (PART_FILE, METADATA_FILE)
"""Nobody else may use them, and lists leave them out."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DRIVE = re.compile(r"[A-Za-z]:")


def check(name: str) -> str:
    """Return *name* if it is a portable relative file name, ``2026/11/iocs.csv``.

    It is refused, never repaired: two names must not end up as one file.

    Raises:
        InvalidFileName: With the reason.
        TypeError: *name* is not a ``str``.
    """
    if not isinstance(name, str):
        raise TypeError(f"a file name must be str, not {type(name).__name__}")
    if reason := _fault(name):
        raise InvalidFileName(f"file name {_shown(name)} is refused: {reason}")
    return name


def check_prefix(prefix: str) -> str:
    """Return *prefix* if it is empty or the first parts of a name, without a slash at the end.

    Raises:
        InvalidFileName: With the reason.
    """
    return check(prefix) if prefix else prefix


def part_file(token: str) -> str:
    """Return the name of a file that is being written; *token* is 16 hexadecimal digits."""
    return f".yeti-{token}.part"


def metadata_file(token: str) -> str:
    """Return the name of a file that holds the metadata of another; *token* is 16 hexadecimal digits."""
    return f".yeti-{token}.meta"


def is_part_file(name: str) -> bool:
    """Say whether the last part of *name* is that of a file that is being written."""
    return PART_FILE.fullmatch(name.rpartition("/")[2]) is not None


@lru_cache(maxsize=1024)  # one publication asks some ten times for the same name
def _fault(name: str) -> str:
    parts = name.split("/")
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        return "it holds half a surrogate pair, which is not text"
    if not name:
        return "it is empty"
    if name.startswith("/"):
        return "it must be relative, without a slash at the start"
    if _CONTROL.search(name):
        return "it holds a control character"
    if "\\" in name:
        return "it holds a backslash; parts are separated by /"
    if "" in parts:
        return "it holds an empty part, as in a//b or a/"
    if "." in parts or ".." in parts:
        return "the parts . and .. are not names"
    if name.startswith("~"):
        return "~ at the start stands for a home folder"
    if _DRIVE.match(name):
        return "it begins with a drive letter"
    if any(form.fullmatch(part) for form in _RESERVED for part in parts):
        return "names of this form are used for files that are being written and for what is kept with files"
    if max(sizes) > LONGEST_PART:
        return f"a part is longer than {LONGEST_PART} bytes"
    if sum(sizes) + len(sizes) - 1 > LONGEST_NAME:
        return f"it is longer than {LONGEST_NAME} bytes"
    return ""


def _shown(name: str) -> str:
    return ascii(name) if len(name) <= 80 else ascii(name[:77]) + "…"
