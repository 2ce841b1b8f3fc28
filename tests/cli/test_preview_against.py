"""``yetictl export preview NAME --against FILE``: what the list would have hit in a log."""

import gzip
import os
import subprocess
import sys

import pytest

LOG = (
    '8.8.4.1 - - [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.1" 200 1 "-" "-"\n'
    '9.9.9.9 - - [10/Oct/2026:13:55:37 +0000] "GET / HTTP/1.1" 200 1 "-" "-"\n'
    '8.8.4.1 - - [10/Oct/2026:13:55:38 +0000] "GET / HTTP/1.1" 200 1 "-" "-"\n'
    "gw dnsmasq[1]: query[A] www.evil.test from 9.9.9.9\n"
    "a line of words\n"
)


@pytest.fixture
def export(yetictl, tmp_path):
    """An export of an address and a name, and a log."""
    (tmp_path / "feed.csv").write_text("value,type,tags\n8.8.4.1,ip,c2\nevil.test,domain,c2\n")
    (tmp_path / "access.log").write_text(LOG)
    yetictl("import", "feed.csv", "--source", "feed")
    yetictl("export", "add", "c2", "--format", "list", "--include", "c2")
    return tmp_path / "access.log"


def test_hits_are_printed_and_what_depends_on_the_consumer_apart(yetictl, export):
    """The value, how it is hit and by which entry, on how many lines, and the first of them."""
    done = yetictl("export", "preview", "c2", "--against", export)

    rows = [line.split() for line in done.out.splitlines()]
    assert ["8.8.4.1", "is", "an", "entry", "8.8.4.1", "2", "1"] in [row[:7] for row in rows]
    assert ["www.evil.test", "is", "below", "an", "entry", "evil.test", "1", "4"] in [row[:8] for row in rows]
    assert "c2 would have hit 1 value\n" in done.err
    assert "apart from that, 1 below an entry: what blocks names below another hits them" in done.err
    assert "all of them on 3 of 5 lines\n" in done.err
    assert "1 line without any address, name, URL or hash\n" in done.err


def test_json_has_every_hit(yetictl, export):
    """For programs, beside the preview."""
    found = yetictl("export", "preview", "c2", "--against", export, "--json").json

    assert 2 == found["entries"]
    assert (5, 3, 1) == tuple(found["against"][key] for key in ("lines", "lines_hit", "lines_without_value"))
    assert [("8.8.4.1", "equal", 2, 1), ("www.evil.test", "below", 1, 4)] == [
        (hit["value"], hit["relation"], hit["lines"], hit["first_line"]) for hit in found["against"]["hits"]
    ]
    assert "against" not in yetictl("export", "preview", "c2", "--json").json


def test_nothing_is_hit(yetictl, export):
    """Said in so many words."""
    export.write_text("9.9.9.9\n")

    assert (
        "c2 would have hit 0 values on 0 of 1 line\n"
        in yetictl("export", "preview", "c2", "--against", export).err
    )


def test_a_compressed_log_and_standard_input(yetictl, export):
    """As logs are kept, and as they come out of a pipe."""
    packed = export.with_name("access.log.1.gz")
    packed.write_bytes(gzip.compress(LOG.encode()))
    file = yetictl("export", "preview", "c2", "--against", packed, "--json").json["against"]

    done = subprocess.run(
        [sys.executable, "-m", "core", "export", "preview", "c2", "--against", "-"],
        input=LOG.encode(),
        capture_output=True,
        env=os.environ | {"YETI_HOME": str(export.parent / "home")},
        timeout=60,
        check=True,
    )

    assert 3 == file["lines_hit"]
    assert b"all of them on 3 of 5 lines" in done.stderr


def test_a_log_that_is_not_there_is_said_before_anything_else(yetictl, export):
    """Wrong usage; one that is cut off fails."""
    export.with_name("cut.gz").write_bytes(gzip.compress(LOG.encode())[:-10])

    missing = yetictl("export", "preview", "c2", "--against", "gone.log", status=2)
    cut = yetictl("export", "preview", "c2", "--against", "cut.gz", status=1)

    assert "does not exist" in missing.err
    assert "cut.gz is damaged, or not whole" in cut.err
