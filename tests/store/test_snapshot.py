"""How rows leave: in order, whole, judged at one instant, of one state."""

import json
from contextlib import closing

import pytest
from withdrawn_claims import withdraw

from core.errors import StoreError
from core.schemas.claim import TLP, Kind
from core.schemas.export import Selection
from core.schemas.instant import DAY, from_datetime
from core.store import lines, plan, tags
from core.store.snapshot import Column
from tests.store.conftest import LIFETIME, NOW, claim

# By code point; by UTF-16 unit the last two would be the other way round.
CODE_POINTS = ["A", "Z", "a", "é", "\u2028", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0001f600"]


def rows_of(store, now=NOW, **selection):
    with store.snapshot() as snapshot:
        return [row for batch in snapshot.rows(Selection(**selection), now) for row in batch]


@pytest.mark.parametrize("include", [(), ("few",), ("many",)])
def test_order_is_by_code_point(take, values, include):
    """By type, then by value in code-point order, whichever way the rows are found."""
    take(*(claim(value, "many", "few", type="generic") for value in reversed(CODE_POINTS)))
    take(*(claim(f"h{number}.com", "many", type="hostname") for number in range(50)))
    take(claim("zzz", "few", "many", type="asn"))
    hosts = sorted(f"h{number}.com" for number in range(50))

    expected = ["zzz", *CODE_POINTS, *([] if include == ("few",) else hosts)]
    assert expected == values(include=include)


def test_chunks_cover_everything(store, monkeypatch, take):
    """However small the chunks, each row is in one, in order, and is counted."""
    monkeypatch.setattr(lines, "GROUPED_ROWS", 8)
    names = sorted(f"h{number}.com" for number in range(100))
    take(*(claim(name) for name in names[::2]))
    take(*(claim(name) for name in names[1::2]))
    with store.snapshot() as snapshot:
        found = snapshot.lines(Selection(), NOW, (Column.TYPE, ",", Column.VALUE, "\r\n"))
        chunks = list(found)

    assert "".join(f"hostname,{name}\r\n" for name in names) == "".join(chunks)
    assert 100 == found.entries
    assert len(chunks) > 5


@pytest.mark.parametrize("widest", [0, 1_000_000], ids=["joined here", "joined by the database"])
def test_wide_lines_are_the_same_both_ways(store, monkeypatch, take, widest):
    """Whether the database joins the lines or we do, and however small the chunks, each row is in one, in order."""
    monkeypatch.setattr(lines, "GROUPED_WIDE_ROWS", 8)
    monkeypatch.setattr(lines, "WIDEST_CHARS", widest)
    names = sorted(f"h{number}.com" for number in range(100))
    take(*(claim(name) for name in reversed(names)), *(claim(f"x{number}", type="generic") for number in range(3)))
    with store.snapshot() as snapshot:
        found = snapshot.lines(Selection(), NOW, (Column.VALUE, " ", Column.ASSERTIONS_JSON, "\n"))
        text = "".join(found)

    assert [*(f"x{number}" for number in range(3)), *names] == [line.split(" ")[0] for line in text.splitlines()]
    assert all(line.split(" ", 1)[1].startswith('[{"tag":') for line in text.splitlines())
    assert 103 == found.entries


def test_line_parts(store, take):
    """Any text may stand between columns, quotes and all; a line may end with a column."""
    take(claim('it\'s "x"\\\x01\n', type="generic"), claim("b", type="generic"))
    with store.snapshot() as snapshot:
        first = snapshot.lines(Selection(), NOW, ("'", Column.VALUE_JSON, "' ;--\n"))
        assert "'\"b\"' ;--\n" + '\'"it\'s \\"x\\"\\\\\\u0001\\n"\' ;--\n' == "".join(first)
        assert "genericgeneric" == "".join(snapshot.lines(Selection(), NOW, (Column.TYPE,)))
        assert "--" == "".join(snapshot.lines(Selection(), NOW, ("-",)))


def test_long_values_come_in_small_chunks(store, take):
    """Rules are long: a chunk of them is no larger than needed."""
    take(*(claim(f"{number}" + "x" * 100_000, type="rule") for number in range(64 + 20)))
    with store.snapshot() as snapshot:
        sizes = [len(chunk) for chunk in snapshot.lines(Selection(), NOW, (Column.VALUE, "\n"))]

    assert 84 * 100_002 < sum(sizes) + 84
    assert max(sizes[1:]) < 300_000


def test_stopping_early(store, take):
    """A reader may stop early and ask something else."""
    take(*(claim(f"h{number:05}.com", "a", *(["b"] if number % 10 == 0 else [])) for number in range(3_000)))
    with store.snapshot() as snapshot:
        for selection in (Selection(include=("b",)), Selection(exclude=("b",)), Selection()):
            rows = snapshot.rows(selection, NOW)
            next(rows)
            rows.close()
            wide = snapshot.lines(selection, NOW, (Column.ASSERTIONS_JSON, "\n"))
            next(wide)
            wide.close()
        assert 300 == snapshot.count(Selection(include=("b",)), NOW)


def test_lossless_text(store, take):
    """The text of assertions has all that was claimed, ordered by tag and source, unknown things absent."""
    moment = from_datetime(__import__("datetime").datetime.fromisoformat("2025-06-01T12:00:00+02:00"))
    take(
        claim("one.com", "b", source="z"),
        claim(
            "one.com",
            "b",
            "a",
            source="y",
            kind=Kind.SUSPICIOUS,
            first_seen=moment,
            last_seen=moment + 1,
            valid_from=moment,
            valid_until=NOW + 365 * DAY,
            confidence=0,
            tlp=TLP.AMBER_STRICT,
        ),
        claim("one.com", "c", source="y"),
    )
    withdraw(store, "one.com", "a mistake", NOW + 5, tags=["c"])
    with store.snapshot() as snapshot:
        (text,) = snapshot.lines(Selection(), NOW + 9, (Column.ASSERTIONS_JSON, "\n"))

    full = {
        "source": "y",
        "kind": "suspicious",
        "first_seen": "2025-06-01T10:00:00Z",
        "last_seen": "2025-06-01T10:00:00.000001Z",
        "valid_from": "2025-06-01T10:00:00Z",
        "valid_until": "2027-01-01T00:00:00Z",
        "confidence": 0,
        "tlp": "amber+strict",
    }
    expected = [
        {"tag": "a", **full},
        {"tag": "b", **full},
        {"tag": "b", "source": "z", "kind": "malicious"},
        {"tag": "c", "source": "y", "kind": "malicious", "withdrawn_at": "2026-01-01T00:00:00.000005Z"},
    ]
    assert json.dumps(expected, separators=(",", ":"), ensure_ascii=False) + "\n" == text


def test_rows_judge_each_assertion(store, take):
    """Fresh and the end are told per assertion, by its own dates, receipt and tag."""
    take(claim("one.com", "default", "short", source="old"), now=NOW)
    take(
        claim("one.com", "default", source="new"),
        claim("one.com", "future", valid_from=NOW + 9 * DAY),
        claim("one.com", "stated", valid_until=NOW + 2 * DAY),
        claim("one.com", "ended", valid_until=NOW + DAY - 1),
        now=NOW + DAY,
    )
    tags.set_tag(store, "short", lifetime_s=86_400, sticky=None)
    tags.set_tag(store, "future", lifetime_s=-1, sticky=None)
    (row,) = rows_of(store, NOW + DAY)

    expected = {
        ("default", "new"): (True, NOW + DAY + LIFETIME),
        ("default", "old"): (True, NOW + LIFETIME),
        ("ended", "feed"): (False, NOW + DAY - 1),
        ("future", "feed"): (False, None),
        ("short", "old"): (False, NOW + DAY),
        ("stated", "feed"): (True, NOW + 2 * DAY),
    }
    assert expected == {(item.tag, item.source): (item.fresh, item.expires_at) for item in row.tags}


def test_rows_received_together_and_apart(store, take):
    """Rows whose assertions came at different times are judged like the others."""
    take(*(claim(f"h{number}.com", "a", "b") for number in range(10)), now=NOW)
    take(*(claim(f"h{number}.com", "b") for number in range(5)), now=NOW + DAY)
    found = rows_of(store, NOW + LIFETIME)

    assert [(f"h{number}.com", [False, True]) for number in range(5)] == [
        (row.value, [item.fresh for item in row.tags]) for row in found
    ]
    assert {NOW + LIFETIME, NOW + DAY + LIFETIME} == {item.expires_at for row in found for item in row.tags}


def test_a_snapshot_sees_one_state(store, take):
    """What is written after a snapshot began is not in it."""
    take(claim("one.com"))
    with store.snapshot() as snapshot:
        take(claim("two.com"), now=NOW + 5)
        assert ["one.com\n"] == list(snapshot.lines(Selection(), NOW + 9, (Column.VALUE, "\n")))
        assert 1 == snapshot.count(Selection(), NOW + 9)
    with store.snapshot() as snapshot:
        assert 2 == snapshot.count(Selection(), NOW + 9)


def test_each_snapshot_knows_its_own_tags_and_types(store, take):
    """What one looked up about tags and types is not taken for what another sees."""
    take(claim("one.com", "a"))
    for known, more in enumerate(
        (claim("8.8.8.8", "b", type="ipv4"), claim("two.com", "false-positive")), start=1
    ):
        with store.snapshot() as snapshot:
            take(more, now=NOW + known)
            for _ in range(2):
                assert known == snapshot.count(Selection(), NOW + 9)
                assert 0 == snapshot.count(Selection(include=("false-positive",)), NOW + 9)
                assert known - 1 == snapshot.count(Selection(include=("B",)), NOW + 9)
                assert not snapshot.known.sticky
    with store.snapshot() as snapshot:
        assert 3 == snapshot.count(Selection(), NOW + 9)
        assert 1 == snapshot.count(Selection(include=("False-Positive",)), NOW + 9)
        assert 1 == len(snapshot.known.sticky)


def left_in(snapshot, selection, now=NOW):
    """What a selection takes but for what is kept off, read in each of the ways that there are."""
    values = [value for _, batch in snapshot.plain_values(selection, now) for value in batch]
    lines = "".join(snapshot.lines(selection, now, (Column.VALUE, "\n"))).splitlines()
    rows = [row.value for batch in snapshot.rows(selection, now) for row in batch]
    with snapshot.selected(selection, now) as table:
        chosen = snapshot.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    assert values == lines == rows
    assert len(values) == snapshot.count(selection, now) == chosen
    return "".join(value.removesuffix(".com") for value in values)


@pytest.mark.parametrize(
    "wanted", [Selection(include=("few",)), Selection(exclude=("out",))], ids=["picked", "scanned"]
)
def test_a_question_that_comes_again_minds_what_is_kept_off(store, take, wanted):
    """Whatever was asked before, and however often: what was kept off since is in no answer."""
    take(*(claim(f"{name}.com", "few", "many") for name in "abcd"), claim("out.com", "out"))
    take(*(claim(f"{number}.net", "many", "out") for number in range(40)))
    with store.snapshot() as snapshot:
        ids = dict(snapshot.connection.execute("SELECT value, id FROM observable"))
        assert "abcd" == left_in(snapshot, wanted) == left_in(snapshot, wanted)
        assert [] == snapshot.kept_off(wanted, NOW)
        snapshot.keep_off([(ids["b.com"], "{}")])
        assert "acd" == left_in(snapshot, wanted) == left_in(snapshot, wanted)
        snapshot.keep_off_found(f"SELECT {ids['c.com']} AS id", '{"reason":"cut"}')
        assert "ad" == left_in(snapshot, wanted) == left_in(snapshot, wanted)
        assert [('{"reason":"cut"}', 1), ("{}", 1)] == snapshot.kept_off(wanted, NOW)
        snapshot.keep_off([(ids["b.com"], "{}")])
        assert "ad" == left_in(snapshot, wanted)
        snapshot.choose([ids["b.com"], ids["d.com"]])
        assert "bd" == left_in(snapshot, wanted)


def test_a_question_that_comes_again_minds_its_instant(store, take):
    """The same selection, of one snapshot, at other instants."""
    take(claim("a.com", "x", valid_until=NOW + 5), claim("b.com", "x"), claim("c.com", "x", valid_from=NOW + 3))
    take(*(claim(f"{number}.net", "many") for number in range(40)))
    with store.snapshot() as snapshot:
        for selection in (Selection(include=("x",)), Selection(types=("hostname",), include=("x",))):
            found = {at: left_in(snapshot, selection, NOW + at) for at in (0, 3, 5, 3, 0)}
            assert {0: "ab", 3: "abc", 5: "bc"} == found
        assert "" == left_in(snapshot, Selection(types=("ipv4",), include=("x",)))


@pytest.mark.parametrize(
    "wanted", [Selection(include=("b",)), Selection(exclude=("b",))], ids=["picked", "scanned"]
)
def test_an_answer_that_is_left_half_way_is_in_nobodys_way(store, take, wanted):
    """Dropped or held on to, half read: the same question is answered anew, whole, and so is any other."""
    take(*(claim(f"h{number:05}.com", "a", *(["b"] if number % 10 == 0 else [])) for number in range(12_000)))
    with store.snapshot() as snapshot:
        expected = snapshot.count(wanted, NOW)
        next(snapshot.rows(wanted, NOW))
        held = snapshot.rows(wanted, NOW)
        next(held)
        assert expected == sum(map(len, snapshot.rows(wanted, NOW)))
        snapshot.keep_off([(1, "{}"), (2, "{}")])
        assert expected - 1 == sum(map(len, snapshot.rows(wanted, NOW)))
        assert 1_200 == snapshot.count(Selection(include=("b",)), NOW) + 1
        held.close()
        assert expected - 1 == snapshot.count(wanted, NOW)


@pytest.mark.parametrize(("most", "rows"), [(0, 1_000), (1_000, 5), (2, 1_000)])
def test_no_more_sets_are_kept_than_may_be(store, take, monkeypatch, most, rows):
    """What is not kept is made for each question and dropped with it; the answers are the same."""
    monkeypatch.setattr(plan, "MOST_KEPT", most)
    monkeypatch.setattr(plan, "MOST_KEPT_ROWS", rows)
    take(*(claim(f"{name}.com", name, "all") for name in "abcdefgh"), *(claim(f"{n}.net", "z") for n in range(60)))
    with store.snapshot() as snapshot:
        for _ in range(2):
            assert list("abcdefgh") == [left_in(snapshot, Selection(include=(name,))) for name in "abcdefgh"]
            assert "abcdefgh" == left_in(snapshot, Selection(include=("all",)))
        assert snapshot.takes(Selection(include=("a",)), NOW, "hostname", "a.com")
        assert not snapshot.takes(Selection(include=("a",)), NOW, "hostname", "b.com")
        assert min(most, rows, 9) == len(sets(snapshot))
    with store.snapshot() as snapshot:
        assert [] == sets(snapshot)


def sets(snapshot):
    """The tables of a snapshot that plans made."""
    query = "SELECT name FROM sqlite_temp_master WHERE type = 'table' AND name LIKE 'set~_%' ESCAPE '~'"
    if "PostgreSQL" in snapshot.connection.product():
        mine = "relkind = 'r' AND relnamespace = pg_my_temp_schema()"
        query = f"SELECT relname FROM pg_class WHERE {mine} AND relname LIKE 'set~_%' ESCAPE '~'"
    return snapshot.connection.execute(query).fetchall()


@pytest.mark.parametrize(
    "damage",
    [
        """'[{"tag":"a"}]'""",
        """'[{"tag"'""",
        """'[{"tag":"other","source":"feed","kind":"malicious"}]'""",
        """'[{"tag":"a","source":"feed","kind":"malicious","valid_until":"soon"}]'""",
        """CAST(x'5b80' AS TEXT)""",
    ],
)
def test_damaged_text_is_said(store, take, damage):
    """Text that is not what the store wrote is an error in words, without the text."""
    take(claim("one.com", "a"), now=NOW)
    take(claim("one.com", "a", source="other"), now=NOW + 1)
    with closing(store.connect()) as connection:
        connection.execute(f"UPDATE observable SET assertions = {damage}")

    with pytest.raises(StoreError, match="yetictl db verify") as caught, store.snapshot() as snapshot:
        list(snapshot.rows(Selection(), NOW + 1))
    assert "tag" not in str(caught.value)


def test_an_empty_store(store, values):
    """Of nothing, nothing is selected."""
    assert [] == values()
    assert [] == values(include=("a",), exclude=("b",), types=("ipv4",))


def test_sure_bound_never_shows(store, take, values):
    """The bound that spares a look at assertions changes no result, at any instant."""
    take(claim("a.com", "x", valid_until=NOW + 5), claim("b.com", "x"), claim("c.com", "x", valid_from=NOW + 3))
    take(claim("a.com", "y", valid_from=NOW + 7, valid_until=NOW + 9), now=NOW + 1)
    expected = {-1: "ab", 0: "ab", 3: "abc", 5: "bc", 7: "abc", 9: "bc"}

    assert {at: [f"{name}.com" for name in names] for at, names in expected.items()} == {
        at: values(NOW + at) for at in expected
    }


def test_an_instant_before_the_last_write(take, values):
    """Asked about an instant before the last import, what began since is not valid yet."""
    take(claim("one.com", "x", valid_from=NOW), now=NOW + 5)

    assert [] == values(NOW - 1)
    assert ["one.com"] == values(NOW)
