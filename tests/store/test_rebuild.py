"""What a fault of a disk did is found, told, and made anew where it can be."""

from contextlib import closing

import pytest
from damaged_files import overwrite_table, without_index

from core.schemas.export import Selection
from core.store import audit, observables, open_store, rebuild
from core.store.rebuild import rebuild as make_anew
from core.store.rebuild import verify
from tests.store.conftest import NOW, claim


def harm(store, *statements):
    """Run statements with no reference looked at, as a disk looks at none."""
    with closing(store.connect()) as connection:
        if "PostgreSQL" in connection.product():
            connection.execute("SET session_replication_role = replica")
        else:
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            connection.execute(statement)


def found(store):
    return [(fault.key, fault.what) for fault in verify(store)]


def test_verify_finds_and_rebuild_mends(store, take):
    """What is derived can be checked against the assertions, and made anew from them."""
    take(claim("one.com", "a"), claim("two.com", "a"), claim("three.com", "a"))
    with closing(store.connect()) as connection:
        connection.execute("UPDATE observable SET assertions = '[]' WHERE value = 'one.com'")
        connection.execute("UPDATE observable SET sure_until = sure_until + 1 WHERE value = 'two.com'")
        connection.execute("UPDATE observable SET sure_until = 0 WHERE value = 'three.com'")
    faults = verify(store)
    make_anew(store, [fault.key for fault in faults], NOW + 9)
    rows = {name: observables.find(store, f"{name}.com", NOW)[0] for name in ("one", "two", "three")}

    assert [("hostname", "one.com", "summary"), ("hostname", "two.com", "summary")] == [
        item[1:] for item in faults
    ]
    assert [] == verify(store)
    assert {"one": ["a"], "two": ["a"], "three": ["a"]} == {
        name: [item.tag for item in row.tags] for name, row in rows.items()
    }
    # Who asks what changed is told of what was mended, and of nothing else.
    assert {"one": 9, "two": 9, "three": 0} == {name: row.modified_at - NOW for name, row in rows.items()}


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ("UPDATE assertion SET tlp = 77 WHERE observable_id = 2", "sources"),
        ("UPDATE assertion SET kind = 99 WHERE observable_id = 2", "sources"),
        ("UPDATE assertion SET valid_until = 9000000000000000000 WHERE observable_id = 2", "sources"),
        ("DELETE FROM tag WHERE name = 'b'", "sources"),
        ("UPDATE observable SET context = '[{\"sour' WHERE id = 2", "context"),
        ("UPDATE observable SET assertions = '[{\"tag\":' WHERE id = 2", "summary"),
    ],
)
def test_verify_goes_on_after_what_cannot_be_read(store, take, damage, what):
    """It is named, with what is wrong, and so is what else is wrong."""
    for one in (claim("one.com", "a"), claim("two.com", "b"), claim("three.com", "a")):  # so numbered
        take(one)
    harm(store, damage, "UPDATE observable SET sure_until = sure_until + 1 WHERE id = 3")
    looked = []

    assert [(2, what), (3, "summary")] == [item[::3] for item in verify(store, looked.append)]
    assert [3] == looked


@pytest.mark.sqlite
def test_text_that_is_none_is_made_anew(store, take):
    """What a disk left may not even be text."""
    take(claim("one.com", "a"))
    with closing(store.connect()) as connection:
        connection.execute("UPDATE observable SET assertions = CAST(x'ff00' AS TEXT)")
    (fault,) = verify(store)
    make_anew(store, [fault.key], NOW)

    assert "summary" == fault.what
    assert [] == verify(store)


@pytest.mark.parametrize("begins", [NOW + 20, NOW + 2_000])
def test_rebuilding_promises_nothing_for_earlier(store, take, begins):
    """What was rebuilt with a clock far ahead is right for the clock that was put right."""
    take(claim("later.com", "a", valid_from=begins))
    make_anew(store, [1], NOW + 1_000)

    with store.snapshot() as snapshot:
        assert 0 == snapshot.count(Selection(), begins - 1)
        assert 1 == snapshot.count(Selection(), begins)
    assert [] == verify(store)


def test_all_that_is_wrong_with_one_is_told_at_once(store, take):
    """What is lost is not told only when the rest is repaired."""
    take(claim("one.com", "a"))
    harm(store, "UPDATE observable SET assertions = '[]', context = '[{'")

    assert [(1, "summary"), (1, "context")] == found(store)
    make_anew(store, [1], NOW)
    assert [(1, "context")] == found(store)


def test_what_is_gone_is_missed(store, take):
    """An observable that its sources still tell of, and one of a type that there is not, are on no list."""
    take(claim("one.com", "a"), claim("two.com", "a"), claim("three.com", "a"))
    harm(
        store,
        "DELETE FROM observable WHERE value = 'two.com'",
        "UPDATE observable SET type = 'nonsense' WHERE value = 'three.com'",
    )

    unknown, gone = verify(store)
    assert ("nonsense", "three.com", "observable") == unknown[1:]
    assert ("", f"row {gone.key}", "gone") == gone[1:]


def test_what_comes_between_is_not_put_back(store, take, monkeypatch):
    """An import between two batches gives a later instant, and the batch after it one that is later still."""
    monkeypatch.setattr(rebuild, "BATCH", 1)
    take(claim("one.com", "a"), claim("two.com", "a"))
    began = NOW + 10

    def come_between(_):
        if not seen:
            with store.another() as other, other.import_session(NOW + 1_000) as session:
                session.add([claim("two.com", "b")])
        seen.append(observables.find(store, "two.com", NOW)[0].modified_at)

    seen = []
    make_anew(store, [1, 2], began, come_between)

    assert NOW + 1_000 == seen[0] < seen[1]
    assert [("summaries made anew", {"observables": 1})] * 2 == [
        (item.action, dict(item.detail)) for item in audit.entries(store, action="summaries")
    ]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("column", "what"), [("type", "observable"), ("value", "observable"), ("context", "context")]
)
def test_an_observable_that_is_no_text_is_shown_as_it_can_be(store, take, column, what):
    """And what else is wrong is found."""
    take(claim("one.com", "a"))
    take(claim("two.com", "a"))
    harm(
        store,
        f"UPDATE observable SET {column} = CAST(x'41ff' AS TEXT) WHERE id = 1",
        "UPDATE observable SET sure_until = sure_until + 1 WHERE id = 2",
    )
    faults = verify(store)

    assert [(1, what), (2, "summary")] == [item[::3] for item in faults]
    shown = {"type": ("A\\xff", "one.com"), "value": ("hostname", "A\\xff"), "context": ("hostname", "one.com")}
    assert shown[column] == faults[0][1:3]


@pytest.mark.sqlite
def test_reasons_and_names_that_are_no_text(store, take):
    """A reason is of one observable; a name is of many, so that nothing else is compared."""
    take(claim("one.com", "a"))
    take(claim("two.com", "b"))
    bad = "CAST(x'41ff' AS TEXT)"
    harm(
        store,
        f"UPDATE assertion SET withdrawn_reason = {bad} WHERE observable_id = 1",
        "UPDATE observable SET sure_until = 'abc' WHERE id = 2",
    )
    assert [(1, "sources"), (2, "summary")] == found(store)
    make_anew(store, [2], NOW)
    assert [(1, "sources")] == found(store)
    harm(store, f"UPDATE tag SET name = {bad} WHERE name = 'b'")

    assert [("tag", "A\\xff", "name")] == [item[1:] for item in verify(store)]


@pytest.mark.sqlite
@pytest.mark.parametrize("column", ["created_at", "modified_at"])
def test_dates_that_are_none(store, take, column):
    """SQLite keeps a text where a number should be."""
    take(claim("one.com", "a"))
    harm(store, f"UPDATE observable SET {column} = 'abc'")

    assert [(1, "observable")] == found(store)


def test_what_sources_said_and_is_gone_is_not_taken_for_all(store, take):
    """A summary that tells of more than there is left is the last that is known: it is told, not written over."""
    take(claim("one.com", "a"), claim("two.com", "a"))
    harm(store, "DELETE FROM assertion WHERE observable_id = 1")

    assert [(1, "lost")] == found(store)


def listed(store):
    with store.another() as other, other.snapshot() as snapshot:
        return [values for _, values in snapshot.plain_values(Selection(types=("hostname",)), NOW)]


INDEX = "uq_observable_type_value"


@pytest.mark.sqlite
def test_an_index_that_lost_a_row_is_made_anew(store, take):
    """What lists are read by lacks an observable that is there: it would be on none."""
    take(claim("one.com", "a"))
    with without_index(store.database.path, INDEX):
        take(claim("two.com", "a"))
    before, faults = listed(store), verify(store)

    assert [["one.com"]] == before
    assert {"index"} == {fault.what for fault in faults}
    assert any(INDEX in fault.value for fault in faults)
    assert rebuild.may_repair(faults)
    assert rebuild.make_indexes_anew(store, NOW)
    assert [["one.com", "two.com"]] == listed(store)
    assert [] == verify(store)
    assert "indexes made anew" == audit.entries(store)[0].action


@pytest.mark.sqlite
def test_what_an_index_lost_and_was_imported_again_is_there_twice(store, take):
    """No index that is made anew can have both: that is said, and nothing is changed."""
    take(claim("one.com", "a"))
    with without_index(store.database.path, INDEX):
        take(claim("two.com", "a"))
    take(claim("two.com", "a"))
    faults = verify(store)

    assert ("hostname", "two.com", "twice") == faults[-1][1:]
    assert not rebuild.may_repair(faults)
    assert not rebuild.make_indexes_anew(store, NOW)
    assert faults == verify(store)


@pytest.mark.sqlite
def test_a_page_that_cannot_be_read_is_told(store, take):
    """What was found before it is told, too; nothing is raised."""
    take(claim("one.com", "a"))
    overwrite_table(store.database.path, "observable")
    with store.another() as other:
        faults = verify(other)

    assert {"file"} == {fault.what for fault in faults}
    assert rebuild.UNREADABLE in faults
    assert not any("***" in fault.value or "\n" in fault.value for fault in faults)


@pytest.mark.sqlite
def test_a_clock_that_cannot_be_read_is_told(store, take):
    """Nothing can be judged without its last instant."""
    take(claim("one.com", "a"))
    harm(store, "UPDATE clock SET last_instant = 'abc'")

    assert ["file"] == [fault.what for fault in verify(store)]


@pytest.mark.sqlite
def test_damaged_pages_on_a_server(postgresql):
    """Text that is none is one observable's fault; a page that is none ends the look, and both are told."""
    made = postgresql.make("migrated")
    with open_store(made) as store, store.import_session(NOW) as session:
        session.add(claim(f"host{number}.com", tag) for number, tag in enumerate(("good", "marker", "good")))
    with (
        postgresql.damaged(made, "observable", b'"tag":"marker"', b'"tag":"\xff\xferker"') as one,
        open_store(one) as store,
    ):
        broken = verify(store)
        make_anew(store, [broken[0].key], NOW)
        mended = verify(store)
    with postgresql.damaged(made, "assertion", None, b"\xff" * 64) as two, open_store(two) as store:
        unreadable = {fault.what for fault in verify(store)}
    with postgresql.damaged(made, "observable", None, b"\xff" * 64) as three, open_store(three) as store:
        nothing = verify(store)
    postgresql.drop(made)

    assert [("host1.com", "summary")] == [item[2:] for item in broken]
    assert [] == mended
    assert {"sources"} == unreadable - {"file"}
    assert [rebuild.UNREADABLE] == nothing
