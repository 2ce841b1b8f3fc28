"""What a session does with claims: merge rules, counts, ends, withdrawals."""

import gc

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from withdrawn_claims import reinstate, withdraw

from core.schemas.claim import TLP, Claim, Kind
from core.schemas.instant import DAY
from core.store import imports, observables, open_store
from core.store.rebuild import verify
from core.store.rendering import CONTEXTS_PER_SOURCE
from tests.store.conftest import NOW, claim


def state(store, *, with_receipt=True):
    """All that a format can print, by value, and the times of receipt."""
    connection = store.connect()
    found = connection.execute(
        "SELECT type, value, created_at, assertions, context FROM observable ORDER BY type, value"
    ).fetchall()
    if with_receipt:
        found += connection.execute(
            "SELECT o.type || ' ' || o.value, s.name, t.name, a.received_at, a.created_at FROM assertion a"
            " JOIN observable o ON o.id = a.observable_id JOIN source s ON s.id = a.source_id"
            " JOIN tag t ON t.id = a.tag_id ORDER BY 1, 2, 3"
        ).fetchall()
    connection.close()
    return found


def assertions(store, value):
    return [
        {key: getattr(item, key) for key in item.__struct_fields__ if getattr(item, key) is not None}
        for row in observables.find(store, value, NOW)
        for item in row.tags
    ]


def one(store, value="one.com"):
    (found,) = observables.find(store, value, NOW)
    (assertion,) = found.tags
    return assertion


def test_counts(take):
    """Each observable counts once a session, by the most that happened to it."""
    first = take(
        claim("one.com", "a"), claim("two.com", "a"), claim("one.com", "b"), claim("1.2.3.4", type="ipv4")
    )
    assert (4, 3, 0, 0) == (first.rows, first.new, first.updated, first.unchanged)
    assert {"hostname": 2, "ipv4": 1} == first.observables

    again = take(claim("one.com", "a"), claim("two.com", "c"), claim("three.com", "a"), claim("one.com", "b"))
    assert (4, 1, 1, 1) == (again.rows, again.new, again.updated, again.unchanged)
    assert {"hostname": 3} == again.observables


def test_counts_across_batches(store, monkeypatch):
    """Where batches are cut does not show in the counts."""
    monkeypatch.setattr(imports, "BATCH", 2)
    claims = [claim(f"h{number % 7}.com", f"t{number % 3}") for number in range(50)]
    with store.import_session(NOW) as session:
        session.add(iter(claims))

    assert (50, 7, 0, 0) == (
        session.report.rows,
        session.report.new,
        session.report.updated,
        session.report.unchanged,
    )
    assert {"hostname": 7} == session.report.observables


def test_default_tag_is_the_source(store, take):
    """What comes without any tag gets its source's name as tag."""
    take(claim("one.com", source="My Feed"))

    assert "My Feed" == one(store).tag


def test_tags_keep_their_spelling(store, take):
    """Two spellings are two tags, each as it was written; a tag given twice is there once."""
    take(claim("one.com", "tlp:amber+strict", 'misp-galaxy:x="Y Z"', "C2", "c2", "C2"))

    assert ["C2", "c2", 'misp-galaxy:x="Y Z"', "tlp:amber+strict"] == [
        item["tag"] for item in assertions(store, "one.com")
    ]


def test_dates_only_widen(store, take):
    """First seen moves backwards, last seen forwards, valid from backwards; unknown dates change nothing."""
    take(claim("one.com", "a", first_seen=NOW - 5, last_seen=NOW - 3, valid_from=NOW - 2))
    take(claim("one.com", "a", first_seen=NOW - 9, last_seen=NOW - 8, valid_from=NOW - 1))
    take(claim("one.com", "a"))
    take(claim("one.com", "a", first_seen=NOW - 1, last_seen=NOW))

    found = one(store)
    assert "2025-12-31T23:59:59.999991Z" == found.first_seen
    assert "2026-01-01T00:00:00Z" == found.last_seen
    assert "2025-12-31T23:59:59.999998Z" == found.valid_from


def test_one_session_unites(store, take):
    """Within a session the highest kind, confidence and TLP and the latest stated end hold, in any order."""
    several = [
        claim("one.com", "a", kind=Kind.INFO, confidence=90, tlp=TLP.GREEN, valid_until=NOW + DAY),
        claim("one.com", "a", kind=Kind.MALICIOUS, valid_until=NOW + 2 * DAY),
        claim("one.com", "a", kind=Kind.BENIGN, confidence=10, tlp=TLP.AMBER_STRICT),
    ]
    for claims in (several, several[::-1]):
        take(*claims)

        found = one(store)
        assert ("malicious", 90, "amber+strict", "2026-01-03T00:00:00Z") == (
            found.kind,
            found.confidence,
            found.tlp,
            found.valid_until,
        )


def test_later_session_replaces(store, take):
    """A source's new statement replaces kind, confidence, TLP and end, also by saying nothing."""
    take(claim("one.com", "a", kind=Kind.MALICIOUS, confidence=90, tlp=TLP.RED, valid_until=NOW + DAY))
    take(claim("one.com", "a", kind=Kind.INFO))

    found = one(store)
    assert ("info", None, None, None) == (found.kind, found.confidence, found.tlp, found.valid_until)


def test_sources_are_apart(store, take):
    """What one source says changes nothing of another's."""
    take(claim("one.com", "a", source="x", valid_until=NOW + DAY, confidence=90))
    take(claim("one.com", "a", source="y", valid_until=NOW - DAY))

    assert [("x", 90, "2026-01-02T00:00:00Z"), ("y", None, "2025-12-31T00:00:00Z")] == [
        (item["source"], item.get("confidence"), item["valid_until"]) for item in assertions(store, "one.com")
    ]


def test_import_again_moves_only_receipt(store, take):
    """The same file again changes nothing but the time of receipt, and counts as unchanged."""
    claims = [
        claim("one.com", "a", "b", first_seen=NOW - 5, confidence=3, context={"note": "x", "n": [1, {"y": None}]}),
        claim("one.com", "a", source="other"),
        claim("two.com", context={"source": "spoofed", "note": "é\u2028"}),
        claim("two.com", last_seen=NOW),
    ]
    take(*claims)
    before = state(store, with_receipt=False)
    report = take(*claims, now=NOW + DAY)

    assert (0, 0, 2) == (report.new, report.updated, report.unchanged)
    assert before == state(store, with_receipt=False)
    assert {NOW + DAY} == {row[3] for row in state(store) if len(row) == 5 and row[1] in ("feed", "other")}


def test_modified_moves_with_changes_only(store, take):
    """``modified`` is when something was last learnt, not when it was last heard."""
    take(claim("one.com", "a"), now=NOW)
    take(claim("one.com", "a"), now=NOW + 1)
    assert NOW == observables.find(store, "one.com", NOW)[0].modified_at

    take(claim("one.com", "b"), now=NOW + 2)
    assert NOW + 2 == observables.find(store, "one.com", NOW)[0].modified_at


def test_clock_going_back(store, take):
    """A session after another is later than it, whatever the clock says."""
    take(claim("one.com", "a", kind=Kind.INFO), now=NOW)
    take(claim("one.com", "a", kind=Kind.MALICIOUS), now=NOW - DAY)

    assert "malicious" == one(store).kind
    assert [NOW + 1] == [row[3] for row in state(store) if row[0] == "hostname one.com"]


def test_context_is_kept_once(store, take):
    """Context is kept with its source, the same once, and only so much of one source."""
    take(claim("one.com", "a", context={"note": "x"}), claim("one.com", "b", context={"note": "x"}))
    take(claim("one.com", "a", source="other", context={"note": "x"}))
    assert (
        '[{"source":"feed","note":"x"},{"source":"other","note":"x"}]'
        == observables.find(store, "one.com", NOW)[0].context
    )

    take(*(claim("one.com", "a", context={"note": number}) for number in range(200)))
    assert CONTEXTS_PER_SOURCE + 1 == observables.find(store, "one.com", NOW)[0].context.count('"note"')


def test_stale_is_counted(take):
    """Assertions that are over when they come in are counted, each once."""
    claims = (claim("one.com", "a", "b", valid_until=NOW), claim("two.com", "a", valid_until=NOW + 1))

    assert 2 == take(*claims, now=NOW).stale
    assert 3 == take(*claims, *claims, now=NOW + DAY).stale


def test_context_does_not_depend_on_the_order_of_feeds(store, take):
    """Context is in order of its source, then of its text, so that any order of import gives the same bytes."""
    take(claim("one.com", "a", source="two", context={"note": "y"}))
    take(claim("one.com", "a", source="one", context={"note": "z"}))
    take(claim("one.com", "a", source="two", context={"note": "x"}), claim("one.com", "a", context={"note": "b"}))

    assert (
        '[{"source":"feed","note":"b"},{"source":"one","note":"z"},'
        '{"source":"two","note":"x"},{"source":"two","note":"y"}]'
        == observables.find(store, "one.com", NOW)[0].context
    )


# --- withdrawn --------------------------------------------------------------------------------------------


def test_withdrawn_claim_stores_nothing_new(store, take):
    """A source that takes back what it never claimed leaves no trace."""
    report = take(claim("one.com", "a", withdrawn=True))

    assert (1, 0, 0) == (report.rows, report.new, report.withdrawn)
    assert {} == observables.count(store)


def test_withdrawn_claim_withdraws_its_own(store, take):
    """Only the source's own assertions under these tags are withdrawn; without tags, all of its own."""
    take(claim("one.com", "a", "b"), claim("one.com", "a", source="other"))

    report = take(claim("one.com", "a", withdrawn=True), now=NOW)
    gone = {(item["source"], item["tag"]) for item in assertions(store, "one.com") if "withdrawn_at" in item}
    assert {("feed", "a")} == gone
    assert (1, 1) == (report.withdrawn, report.updated)

    take(claim("one.com", withdrawn=True))
    gone = {(item["source"], item["tag"]) for item in assertions(store, "one.com") if "withdrawn_at" in item}
    assert {("feed", "a"), ("feed", "b")} == gone


def test_withdrawn_is_never_revived(store, take, values):
    """What was withdrawn stays so, however often it comes in again, until it is reinstated."""
    take(claim("one.com", "a"))
    assert 1 == withdraw(store, "one.com", "a mistake", NOW)
    for day in (1, 2):
        report = take(claim("one.com", "a", last_seen=NOW), now=NOW + day * DAY)
    assert 1 == report.unchanged
    assert [] == values(NOW + 2 * DAY)
    assert [] == values(NOW + 2 * DAY, any_freshness=True)

    assert 1 == reinstate(store, "one.com", NOW + 3 * DAY)
    assert ["one.com"] == values(NOW + 3 * DAY)


# --- snapshots of a source --------------------------------------------------------------------------------


def test_end_unlisted(store, take, values):
    """What a source listed before and lists no more ends at the instant of the session; others' claims do not."""
    take(claim("gone.com", "a", "b"), claim("kept.com", "a"), claim("others.com", "a"))
    take(claim("others.com", "a", source="other"))
    with store.import_session(NOW + DAY) as session:
        session.add([claim("kept.com", "a"), claim("new.com", "a")])
        ended = session.end_unlisted("feed")

    assert 3 == ended == session.report.ended
    assert ["kept.com", "new.com", "others.com"] == values(NOW + DAY)
    assert ["gone.com", "kept.com", "new.com", "others.com"] == values(NOW + DAY - 1)
    assert {"2026-01-02T00:00:00Z"} == {item["valid_until"] for item in assertions(store, "gone.com")}
    assert [] == verify(store)


def test_end_unlisted_is_expiry(take, store, values):
    """Ended is not withdrawn: listed again, it is back."""
    take(claim("one.com", "a"))
    with store.import_session(NOW + 1) as session:
        assert 1 == session.end_unlisted("feed")
    assert [] == values(NOW + 1)
    take(claim("one.com", "a"), now=NOW + 2)

    assert ["one.com"] == values(NOW + 2)


def test_end_unlisted_never_lengthens(store, take):
    """An end that was earlier stays; one by lifetime is written down as what it was."""
    take(claim("stated.com", "a", valid_until=NOW + DAY), claim("aged.com", "a"))
    with store.import_session(NOW + 200 * DAY) as session:
        session.end_unlisted("feed")

    assert "2026-01-02T00:00:00Z" == one(store, "stated.com").valid_until
    assert "2026-04-01T00:00:00Z" == one(store, "aged.com").valid_until


def test_end_unlisted_with_a_clock_that_was_ahead(store, take, values):
    """What is listed no longer ends now, also after a session whose clock was a year ahead."""
    take(claim("one.com", "a"), claim("two.com", "a"), now=NOW + 365 * DAY)
    with store.import_session(NOW) as session:
        session.add([claim("two.com", "a")])
        assert 1 == session.end_unlisted("feed")

    assert ["two.com"] == values(NOW)


def test_end_unlisted_again_finds_nothing(store, take):
    """The same snapshot again ends nothing more."""
    take(claim("one.com", "a"), claim("two.com", "a"))
    for expected in (1, 0):
        with store.import_session(NOW + DAY) as session:
            session.add([claim("two.com", "a")])
            assert expected == session.end_unlisted("feed")


# --- what cannot be kept ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (claim("a\0b", "x"), "holds a NUL character"),
        (claim("a\udc80b", "x"), "holds a lone surrogate, which is no character"),
        (claim("ok.com", "x\0"), "holds a NUL character"),
        (claim("ok.com", "x", source="\ud800"), "holds a lone surrogate, which is no character"),
        (claim("", "x"), "an empty value"),
        (claim("ok.com", ""), "an empty type, source or tag"),
        (
            claim("ok.com", "x", context={"n": "\ud800"}),
            "holds a lone surrogate, which is no character, in its context",
        ),
        (claim("ok.com", "x", context={"n": object()}), "has a context that cannot be written as JSON"),
    ],
)
def test_what_cannot_be_kept_is_refused(store, bad, reason):
    """NUL and lone surrogates are refused with a reason; their neighbours go in."""
    heard = []
    with store.import_session(NOW, heard.append) as session:
        session.add([claim("before.com"), bad, claim("after.com")])

    assert [reason] == [refusal.reason for refusal in heard]
    assert (3, 1, 2) == (session.report.rows, session.report.refused, session.report.new)
    assert {"hostname": 2} == observables.count(store)


def test_an_exception_keeps_what_was_written(store, monkeypatch):
    """A reader that fails loses what was not yet written, and nothing else."""
    monkeypatch.setattr(imports, "BATCH", 2)

    def broken():
        yield from [claim("one.com"), claim("two.com"), claim("three.com")]
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"), store.import_session(NOW) as session:
        session.add(broken())
    assert {"hostname": 2} == observables.count(store)


def test_collector_is_left_as_it_was(store, take):
    """The garbage collector runs again after a batch."""
    take(claim("one.com"))

    assert gc.isenabled()


# --- properties -------------------------------------------------------------------------------------------

moments = st.none() | st.integers(NOW - 9, NOW + 9)
some_claims = st.builds(
    Claim,
    type=st.sampled_from(["hostname", "url"]),
    value=st.sampled_from(["one.com", "two.com", "\U0001f600", "\uffff"]),
    source=st.sampled_from(["feed", "other"]),
    tags=st.lists(st.sampled_from(["a", "b", "feed"]), unique=True, max_size=2).map(tuple),
    kind=st.sampled_from(list(Kind)),
    first_seen=moments,
    last_seen=moments,
    valid_from=moments,
    valid_until=moments,
    confidence=st.none() | st.integers(0, 100),
    tlp=st.none() | st.sampled_from(list(TLP)),
    withdrawn=st.sampled_from([False, False, False, True]),
    context=st.none() | st.fixed_dictionaries({"note": st.integers(0, 2)}),
)
quick = settings(
    phases=[Phase.reuse, Phase.generate],
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@quick
@given(sessions=st.lists(st.lists(some_claims, max_size=8), min_size=1, max_size=3), size=st.integers(1, 5))
def test_batches_do_not_show(new_databases, tmp_path_factory, sessions, size):
    """However an import is cut into batches, the same state comes of it."""
    results = []
    for batch in (size, 1_000):
        path = tmp_path_factory.mktemp("store") / "yeti.db"
        with open_store(new_databases.at(path)) as store, pytest.MonkeyPatch.context() as patch:
            patch.setattr(imports, "BATCH", batch)
            reports = []
            for claims in sessions:
                with store.import_session(NOW) as session:
                    session.add(claims)
                report = session.report
                # What is said of one value in several ways, far apart, may count as updated (decision 0012).
                report.updated, report.unchanged = report.updated + report.unchanged, 0
                reports.append(report)
            assert [] == verify(store)
            results.append((state(store), reports))
        new_databases.drop(path)

    assert results[0] == results[1]


@quick
@given(claims=st.lists(some_claims.filter(lambda item: not item.withdrawn), max_size=12))
def test_twice_is_once(new_databases, tmp_path_factory, claims):
    """Importing again what was imported leaves every printed byte as it was."""
    path = tmp_path_factory.mktemp("store") / "yeti.db"
    with open_store(new_databases.at(path)) as store:
        for _ in range(2):
            with store.import_session(NOW) as session:
                session.add(claims)
            before, store_state = locals().get("store_state"), state(store, with_receipt=False)
    new_databases.drop(path)

    assert before == store_state
    assert 0 == session.report.new == session.report.updated
