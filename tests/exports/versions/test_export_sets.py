"""Exports of several files: which are there, and in which order they come and go."""

import os
import time
from pathlib import Path

import pytest
from export_samples import NOW, claim

from core.exports.publishing import publish
from core.exports.run import run_export
from core.exports.versions.rollback import roll_back
from core.schemas.export import Selection
from core.schemas.instant import DAY
from core.store import clearing

PIECES = '''
"""A file for each name, and one that lists them."""

NAME, MEANING, MEDIA_TYPE, SUFFIX, TYPES, OPTIONS = "pieces", "files", "text/plain", ".txt", frozenset({"hostname"}), {}


def render(rows, out, options):
    index = out.open()
    for batch in rows:
        for row in batch:
            out.open(f"pieces/{row.value}.txt").write(row.value + "\\n", 1)
            index.write(row.value + "\\n", 0)
'''


@pytest.fixture
def pieces(define, format_plugins):
    """Define an export of a file for each name."""
    (format_plugins / "pieces.py").write_text(PIECES)
    os.utime(format_plugins / "pieces.py", (time.time() - 60,) * 2)
    limits = {"loss": "off", "allow": "documentation"}
    define("x", Selection(include=("c2",)), format="pieces", limits=limits)


@pytest.fixture
def there(settings):
    """Return the names of what is published."""
    folder = Path(settings.export_path)
    return lambda: sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def names(*letters):
    return ["SHA256SUMS", *(f"pieces/{letter}.example.txt" for letter in letters), "x.txt"]


def test_a_file_that_left_the_set_leaves_the_folder(fill, pieces, store, settings, there, published):
    """Whoever reads the folder would go on with it; the checksums know it no longer either."""
    fill(*(claim(f"{letter}.example", "hostname", "c2") for letter in "abc"))
    run_export(store, "x", settings, now=NOW)
    assert names(*"abc") == there()
    clearing.clear(store, "hostname", "b.example", "false alarm", NOW + DAY)

    run_export(store, "x", settings, now=NOW + DAY)

    assert names(*"ac") == there()
    assert b"b.example" not in published("SHA256SUMS")


def test_a_rollback_brings_files_back(fill, pieces, store, settings, there):
    """And takes those away that came since."""
    fill(claim("a.example", "hostname", "c2", valid_until=NOW + DAY))
    fill(claim("b.example", "hostname", "c2"))
    run_export(store, "x", settings, now=NOW)
    fill(claim("c.example", "hostname", "c2"), now=NOW + 2 * DAY)
    run_export(store, "x", settings, now=NOW + 2 * DAY)
    assert names(*"bc") == there()

    roll_back(store, "x", 1, settings, by="me", reason="test", now=NOW + 3 * DAY)

    assert names(*"ab") == there()


def test_the_first_file_is_published_last(fill, pieces, store, settings, monkeypatch):
    """It names the others, which have to be there by then; results are in the order of the set."""
    fill(*(claim(f"{letter}.example", "hostname", "c2") for letter in "ab"))
    order = []
    put = publish._put
    monkeypatch.setattr(publish, "_put", lambda storage, file: order.append(file.name) or put(storage, file))

    result = run_export(store, "x", settings, now=NOW)

    assert ["pieces/b.example.txt", "pieces/a.example.txt", "x.txt"] == order
    assert ["x.txt", "pieces/a.example.txt", "pieces/b.example.txt"] == [file.name for file in result.files]
