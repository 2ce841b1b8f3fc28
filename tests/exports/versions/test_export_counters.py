"""Formats with a publish counter, as the serial of a zone: it rises with what is published, and with nothing else."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from export_samples import LATER, NOW, claim
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.errors import RenderError, StorageError
from core.exports.formats import COUNTER_MARK
from core.exports.run import run_export
from core.exports.spool import SpoolFile
from core.exports.versions import counters
from core.exports.versions.release import release
from core.exports.versions.rollback import roll_back
from core.exports.versions.verify import verify
from core.schemas.export import Selection
from core.schemas.instant import DAY, SECOND
from core.store import archives, clearing, definitions, pins, versions
from core.store.archives import KEPT

ZONE = '''
"""A zone with a serial of the form YYYYMMDDnn, twice in the file."""

from datetime import UTC, datetime

from core.exports.formats import COUNTER_MARK

NAME, MEANING, MEDIA_TYPE, SUFFIX, TYPES, OPTIONS = "zone", "a zone", "text/dns", ".zone", frozenset({"hostname"}), {}


def render(rows, out, options):
    file = out.open()
    file.write(f"@ SOA ns. mail. {COUNTER_MARK} 1 1 1 1\\n", 0)
    for batch in rows:
        file.write("".join(f"{row.value} CNAME .\\n" for row in batch), len(batch))
    file.write(f"; {COUNTER_MARK}\\n", 0)


def next_counter(last, instant):
    today = int(datetime.fromtimestamp(instant // 1_000_000, UTC).strftime("%Y%m%d00"))
    return max(today, (last or 0) + 1)
'''
MINUTE = 60 * SECOND
FIRST = 2026_09_22_00
"""The serial of a first publication at ``LATER``."""


@pytest.fixture
def export(define, format_plugins):
    """An export as a zone."""
    (format_plugins / "zone.py").write_text(ZONE)
    return define("x", Selection(types=("hostname",)), format="zone")


@pytest.fixture
def run(store, settings):
    """Run it, at a time of one's own."""
    return lambda now=LATER: run_export(store, "x", settings, now=now)


def names(*letters, **fields):
    """Claims on host names."""
    return [claim(f"{letter}.example", "hostname", "c2", **fields) for letter in letters]


def zone(serial, *letters):
    """The zone with these names."""
    lines = "".join(f"{letter}.example CNAME .\n" for letter in letters)
    return f"@ SOA ns. mail. {serial} 1 1 1 1\n{lines}; {serial}\n".encode()


def good(store, settings):
    """Say what `verify` finds wrong."""
    return [(item.what, item.fault) for item in verify(store, "x", settings) if item.fault]


def test_it_rises_with_every_publication(export, fill, run, published, store, settings):
    """The mark is nowhere in what is published; each version has the next serial, of its day or after the last."""
    assert "20260922" == _day(LATER)
    serials = []
    for number, (letter, now) in enumerate(zip("abc", (LATER, LATER + MINUTE, LATER + DAY), strict=True)):
        fill(*names(letter), now=NOW + number)
        result = run(now)

        serials.append(archives.get(store, "x", result.version).record.counter)
        assert zone(serials[-1], *"abc"[: number + 1]) == published("x.zone")
        assert result.files[0].sha256 == hashlib.sha256(published("x.zone")).hexdigest()

    assert [FIRST, FIRST + 1, FIRST + 100] == serials
    assert [] == good(store, settings)


def _day(instant):
    from datetime import UTC, datetime

    return datetime.fromtimestamp(instant // 1_000_000, UTC).strftime("%Y%m%d")


def test_without_other_content_it_stays(export, fill, run, published, settings):
    """A run a day later that finds the same makes no version, and no consumer transfers anything."""
    fill(*names("a"))
    run()
    before = published("x.zone")
    kept = {path.name for path in Path(settings.versions_path).iterdir()}

    again = run(LATER + 3 * DAY)

    assert ("unchanged", 1) == (again.outcome, again.version)
    assert before == published("x.zone")
    assert kept == {path.name for path in Path(settings.versions_path).iterdir()}


def test_what_was_altered_gets_its_own_serial_back(export, fill, run, published, settings):
    """The current version is put back as it was published, with its number."""
    fill(*names("a"))
    run()
    before = published("x.zone")

    path = Path(settings.export_path) / "x.zone"
    for damage, outcome in ((Path.unlink, "created"), (lambda it: it.write_text("nothing"), "replaced")):
        damage(path)
        assert outcome == run(LATER + DAY).outcome
        assert before == published("x.zone")


def test_a_rollback_gets_the_next(export, fill, run, published, store, settings):
    """The content of version 1 with a serial that consumers take; a pinned run leaves it at that."""
    fill(*names("a"))
    run()
    fill(*names("b"), now=NOW + 1)
    run(LATER + MINUTE)

    done = roll_back(store, "x", 1, settings, by="lena", reason="so", now=LATER + 2 * MINUTE)

    assert (3, 1) == (done.version, len(done.files))
    assert zone(FIRST + 2, "a") == published("x.zone")
    assert ("pinned", "unchanged") == (run(LATER + DAY).outcome, run(LATER + DAY).files[0].outcome)
    assert zone(FIRST + 2, "a") == published("x.zone")
    assert [] == good(store, settings)


def test_a_rollback_to_what_is_published_leaves_it(export, fill, run, published, store, settings):
    """The content is the same but for the number, and that does not rise for nothing."""
    fill(*names("a"))
    run()
    fill(*names("b"), now=NOW + 1)
    run(LATER + MINUTE)
    fill(*names("b", withdrawn=True), now=NOW + 2)
    run(LATER + 2 * MINUTE)

    done = roll_back(store, "x", 1, settings, by="lena", reason="so", now=LATER + DAY)

    assert (3, ()) == (done.version, done.files)
    assert zone(FIRST + 2, "a") == published("x.zone")


def test_a_rollback_after_the_format_changed(export, fill, run, published, store, settings):
    """The older version is a zone, and its serial is the next of a zone; the list between had none."""
    fill(*names("a"))
    run()
    definitions.replace_export(store, replace(export, format="list"))
    run(LATER + MINUTE)
    assert b"a.example\n" == published("x.zone")

    roll_back(store, "x", 1, settings, by="lena", reason="so", now=LATER + DAY)

    assert zone(FIRST + 100, "a") == published("x.zone")
    assert (3, FIRST + 100) == (archives.current(store, "x").number, archives.current(store, "x").record.counter)


def test_a_release_gets_the_next(export, fill, run, published, store, settings):
    """A candidate has no number while it is held: others may be published before it."""
    fill(*(claim(f"{number:03}.example", "hostname", "c2") for number in range(100)))
    run()
    fill(*(claim(f"{n:03}.example", "hostname", "c2", valid_until=LATER + 1) for n in range(1, 100)), now=NOW + 1)
    clearing.clear(store, "hostname", "050.example", "a customer's", LATER + 2)

    held = run(LATER + MINUTE)

    assert ("held", 2) == (held.status, held.version)
    assert published("x.zone").startswith(f"@ SOA ns. mail. {FIRST + 1} ".encode())
    release(store, "x", settings, by="lena", reason="so", now=LATER + 2 * MINUTE)
    assert zone(FIRST + 2, "000") == published("x.zone")
    assert [] == good(store, settings)


def test_a_clock_that_steps_back(export, fill, run, published):
    """A day earlier it rises all the same: no consumer takes a smaller one."""
    fill(*names("a"))
    run(LATER + DAY)
    fill(*names("b"), now=NOW + 1)

    run(LATER)

    assert zone(FIRST + 101, "a", "b") == published("x.zone")


def test_it_rises_though_versions_are_forgotten(export, fill, store, settings, published):
    """The last number is known of versions of which nothing else is left."""
    few = replace(settings, keep_last=1, keep_daily=0, keep_weekly=0)
    for number, letter in enumerate("abc"):
        fill(*names(letter), now=NOW + number)
        run_export(store, "x", few, now=LATER + number * MINUTE)

    assert [3] == [item.number for item in archives.find(store, "x", KEPT)]
    assert zone(FIRST + 2, *"abc") == published("x.zone")


class Stop(StorageError):
    """The fault of a test."""


def _fail(*_args, **_fields):
    raise Stop("it failed on purpose")


@pytest.mark.parametrize(
    "step",
    ["core.exports.versions.versioning.Versions.put_names", "core.store.archives.make_current"],
    ids=["before the name moved", "after"],
)
def test_when_it_was_cut_off(export, fill, run, published, store, settings, monkeypatch, step):
    """No two contents are ever seen with one serial: an unseen one is used again, a seen one is kept."""
    fill(*names("a"))
    run()
    fill(*names("b"), now=NOW + 1)
    seen = {FIRST: published("x.zone")}
    with monkeypatch.context() as patch:
        patch.setattr(step, _fail)
        with pytest.raises(Stop):
            run(LATER + MINUTE)
    _see(seen, published("x.zone"))

    fill(*names("c"), now=NOW + 2)
    run(LATER + 2 * MINUTE)
    _see(seen, published("x.zone"))
    fill(*names("d"), now=NOW + 3)
    run(LATER + 3 * MINUTE)
    _see(seen, published("x.zone"))

    assert list("abcd") == [line[0] for line in published("x.zone").decode().splitlines()[1:-1]]
    assert sorted(seen) == list(seen)
    assert [] == good(store, settings)


def _see(seen, data):
    """Put down what a consumer sees, by its serial."""
    serial = int(data.split()[4])
    assert data == seen.setdefault(serial, data)
    assert data.endswith(f"; {serial}\n".encode())


def test_a_format_whose_counter_fails(define, format_plugins, fill, store, settings):
    """It may be anybody's code: the run fails in words, and nothing is published."""
    (format_plugins / "zone.py").write_text(ZONE.replace("return max(today", "return 1 // 0 + max(today"))
    define("x", Selection(types=("hostname",)), format="zone")
    fill(*names("a"))

    with pytest.raises(RenderError, match="the format zone failed: ZeroDivisionError"):
        run_export(store, "x", settings, now=LATER)

    assert None is versions.current_version(store, "x")
    assert not (Path(settings.export_path) / "x.zone").exists()
    assert None is pins.pinned(store, "x")


# --- the mark --------------------------------------------------------------------------------------------------

MARK = COUNTER_MARK.encode()
pieces = st.lists(
    st.one_of(
        st.just(MARK),
        st.integers(1, len(MARK) - 1).map(lambda size: MARK[:size]),
        st.integers(1, len(MARK) - 1).map(lambda size: MARK[size:]),
        st.binary(max_size=4),
        st.text(max_size=4).map(str.encode),
    ),
    max_size=12,
)


@hypothesis_settings(max_examples=300, deadline=None)
@given(parts=pieces, chunk=st.integers(1, 40), counter=st.integers(0, 2**32 - 1))
def test_each_mark_is_replaced_wherever_it_is_cut(tmp_path_factory, parts, chunk, counter):
    """Read in chunks of any size, a file has the number where it had a mark, and is else the same to the byte."""
    data = b"".join(parts)
    folder = tmp_path_factory.mktemp("stamp", numbered=True)
    file = SpoolFile(folder / "content", "x.zone", "text/dns")
    file.write_bytes(data)
    file.entries = 7
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counters, "_CHUNK_BYTES", chunk)

        stamped = counters.stamped(file.finish(), counter, folder)

    expected = data.replace(MARK, str(counter).encode())
    assert expected == stamped.path.read_bytes()
    assert (len(expected), hashlib.sha256(expected).hexdigest()) == (stamped.size_bytes, stamped.sha256)
    assert ("x.zone", "text/dns", 7) == (stamped.name, stamped.media_type, stamped.entries)
