"""Signatures of whole files for ClamAV: ``NAME.hdb`` with MD5, ``NAME.hsb`` with SHA-1 and SHA-256.

A line is ``HASH:*:SIGNATURE:73``: the size is not known, which ClamAV takes only with the functionality level 73 in the
fourth field; without, it refuses the whole database.  It refuses an empty file, too, and one whose first line is blank,
so that each begins with a comment, which is the empty form.  What is no canonical hash, and the hash of an empty file, is
refused.

The signature is called ``Yeti.TAG`` after the first of the tags by name that count (those that are fresh, or if none is,
all that are not withdrawn), ``Yeti.Listed`` where there is none; in it are ASCII letters, digits, ``_``, ``-`` and ``.``
only, since a colon would cut it, and what else a tag has is ``_``.

ClamAV looks at no file of fewer than 6 bytes, nor at one larger than its limit MaxFileSize.  Source: ClamAV
documentation, "File hash signatures", and clamscan 1.4.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from posixpath import splitext
from tempfile import TemporaryDirectory
from typing import Any

from core.errors import DefinitionError
from core.exports.formats import Consumer, Finding, Option, Output, Values
from core.exports.formatting import checker
from core.exports.formatting.hash_check import accepted
from core.exports.formatting.shown import Shared, Shown
from core.store.snapshot import Row
from core.values import types

NAME = "clamav"
MEANING = "signatures of files for ClamAV, by their hash"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".hdb"
SUFFIXES = {types.MD5: ".hdb", types.SHA1: ".hsb", types.SHA256: ".hsb"}
TYPES = frozenset(SUFFIXES)
OPTIONS = {"prefix": Option("Yeti", "what the names of signatures begin with, before the tag")}
HEAD = "# Yeti Exports\n"
NO_TAG = "Listed"
MOST_TAG_LETTERS = 64
_is_prefix = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}").fullmatch
_others = re.compile(r"[^A-Za-z0-9_.-]+")

CONSUMERS = (
    Consumer(
        "ClamAV, clamd and clamscan",
        "As many as memory holds, half a million load in a second; MD5, SHA-1 and SHA-256 of files of 6 bytes to "
        "MaxFileSize.",
        "The whole database is refused, and clamd does not start.",
        "curl -fsS -H 'Authorization: Bearer TOKEN' https://HOST/exports/NAME.hdb -o /var/tmp/yeti.hdb and the same with "
        ".hsb, clamscan -d /var/tmp/yeti.hdb of an empty folder, mv to /var/lib/clamav, clamdscan --reload; by a timer.",
        checker="clamscan -d",
    ),
)


def parse(options: Mapping[str, str]) -> str:
    """Return the prefix of names.

    Raises:
        DefinitionError: It is none.
    """
    prefix = options["prefix"]
    if not _is_prefix(prefix):
        raise DefinitionError(f"prefix is a word of letters, digits, - and _, 32 at most, not {prefix!r}")
    return prefix


def render(rows: Iterator[list[Row]], out: Output, options: str) -> None:
    """Write both files."""
    root = splitext(out.file_name)[0]
    files = {suffix: out.open(root + suffix) for suffix in dict.fromkeys(SUFFIXES.values())}
    for file in files.values():
        file.write(HEAD, 0)
    names = Shared(lambda shown: f"{options}.{_first_tag(shown)}")
    for batch in rows:
        for type_, found in groupby(batch, attrgetter("type")):
            some = _accepted(type_, list(found), out)
            named = zip(some, names.of_rows(some), strict=True)
            lines = "".join([f"{row.value}:*:{name}:73\n" for row, name in named])
            files[SUFFIXES[type_]].write(lines, len(some))


def check(files: Sequence[Path], options: Any) -> list[Finding]:
    """Return what ``clamscan`` finds wrong when it loads both files to scan an empty folder."""
    with TemporaryDirectory(dir=files[0].parent) as name:
        database, nothing = Path(name, "database"), Path(name, "nothing")
        database.mkdir()
        nothing.mkdir()
        # The suffix is what tells ClamAV the kind of a file.
        for file, suffix in zip(files, dict.fromkeys(SUFFIXES.values()), strict=True):
            (database / f"yeti{suffix}").symlink_to(file.resolve())
        said = checker.ask("clamscan", ("--no-summary", "-d", database, nothing), folder=nothing)
    return said.findings("LibClamAV Error")


def _accepted(type_: str, rows: list[Row], out: Output) -> list[Row]:
    values = [row.value for row in rows]
    kept = accepted(Values(type_, values), out)
    if len(kept) == len(rows):
        return rows
    known = set(kept)
    return [row for row in rows if row.value in known]


def _first_tag(shown: Shown) -> str:
    tag = _others.sub("_", min(shown.tags(), default=""))
    return tag[:MOST_TAG_LETTERS].strip("._") or NO_TAG
