"""The last look before something goes out: own assets, markings, withdrawals meanwhile, files of others."""

from dataclasses import replace
from pathlib import Path

import pytest
from export_samples import LATER, NOW, claim, feed

from core.errors import ExportBusy, GateError, NotFound
from core.exports import budget
from core.exports.answers.holders import holders
from core.exports.run import run_export
from core.exports.versions.archive import Archive
from core.exports.versions.release import release
from core.exports.versions.rollback import roll_back
from core.exports.versions.verify import verify
from core.schemas.claim import TLP, AllowListEntries
from core.schemas.export import Selection
from core.schemas.instant import DAY
from core.store import clearing, definitions, leases, runs
from core.store.allow_lists.lists import put_allow_list, set_allow_list

DAY_2, DAY_3, DAY_4, DAY_5, DAY_6 = (LATER + number * DAY for number in range(1, 6))


def own(store, *entries):
    """Declare own assets."""
    put_allow_list(store, AllowListEntries(name="ours", list_type="cidr", entries=entries), NOW)
    set_allow_list(store, "ours", is_own=True)


def test_a_rollback_publishes_no_own_assets(hundred, fill, run, store, settings, lines):
    """Neither an address, nor one in an own network, nor a network around one; not even an exact one."""
    fill(claim("203.0.113.0/24", "cidr", "c2"), now=DAY_2 - 1)
    run(DAY_2)
    own(store, "198.51.100.5", "198.51.100.16/30", "203.0.113.9")

    done = roll_back(store, "x", 2, settings, by="lena", reason="so", exact=True, now=DAY_3)

    assert 95 == len(lines())
    assert not {"198.51.100.5", "198.51.100.17", "203.0.113.0/24"} & set(lines())
    assert (6, "6 own assets, or around these") == (done.left_out, done.left_out_text)
    assert [] == [item for item in verify(store, "x", settings) if item.fault]


@pytest.mark.parametrize("exact", [False, True])
def test_a_rollback_passes_on_no_more_than_the_export_may(hundred, fill, run, store, settings, lines, exact):
    """What was marked since, and what a list for anybody may not have, is not on it again."""
    fill(
        claim("198.51.100.5", "ipv4", "c2", tlp=TLP.RED),
        claim("198.51.100.6", "ipv4", "c2", tlp=TLP.GREEN),
        claim("198.51.100.7", "ipv4", "c2", source="another", tlp=TLP.RED),
        now=DAY_2 - 1,
    )
    run(DAY_2)

    done = roll_back(store, "x", 1, settings, by="lena", reason="so", exact=exact, now=DAY_3)

    assert (1, "1 marked above what the export may pass on") == (done.left_out, done.left_out_text)
    assert {"198.51.100.6", "198.51.100.7"} <= set(lines())
    assert 99 == len(lines())

    definitions.replace_export(store, replace(definitions.get_export(store, "x"), is_public=True))
    assert 2 == roll_back(store, "x", 1, settings, by="lena", reason="so", exact=exact, now=DAY_4).left_out
    assert "198.51.100.6" not in lines()


@pytest.fixture
def waiting(hundred, shrink, fill, run):
    """A run is held that would list three of the hundred, and another one."""
    shrink(3, DAY_2)
    fill(claim("203.0.113.0/24", "cidr", "c2"), now=DAY_2 - 1)
    assert "held" == run(DAY_2).status


@pytest.mark.parametrize("entry", ["198.51.100.2", "198.51.100.0/30", "203.0.113.200"])
def test_own_assets_are_not_released(waiting, store, settings, lines, entry):
    """They were declared after the run; neither what was listed before, nor what is new, goes out."""
    own(store, entry)

    with pytest.raises(GateError, match=r"own assets are on the list.*ours"):
        release(store, "x", settings, by="lena", reason="so", now=DAY_3)

    assert 100 == len(lines())


@pytest.mark.parametrize("value", [("198.51.100.2", "ipv4"), ("203.0.113.0/24", "cidr")])
def test_what_was_marked_since_is_not_released(waiting, fill, store, settings, lines, value):
    """Of what was listed before, and of what is new."""
    fill(claim(*value, "c2", tlp=TLP.RED), now=DAY_3 - 1)

    with pytest.raises(GateError, match="1 of its entries are marked above what the export may pass on by now"):
        release(store, "x", settings, by="lena", reason="so", now=DAY_3)

    assert 100 == len(lines())


@pytest.mark.parametrize(
    "change", [{"is_public": True}, {"selection": Selection(exclude=("c2",))}, {"format": "csv"}]
)
def test_a_candidate_of_another_definition_is_not_released(waiting, store, settings, lines, change):
    """The export was changed since: what is held is not what it is to be."""
    definitions.replace_export(store, replace(definitions.get_export(store, "x"), **change))

    with pytest.raises(
        GateError, match="was changed since this was held; yetictl export run x makes a new candidate"
    ):
        release(store, "x", settings, by="lena", reason="so", now=DAY_3)

    assert 100 == len(lines())


def test_limits_may_be_changed_before_a_release(waiting, store, settings, lines):
    """They are about the gate, which is what a release overrides."""
    definitions.replace_export(
        store, replace(definitions.get_export(store, "x"), limits={"loss": "off"}, description="y")
    )

    release(store, "x", settings, by="lena", reason="so", now=DAY_3)

    assert 4 == len(lines())


def test_a_withdrawal_during_the_run_leaves_at_once(hundred, fill, run, store, settings, lines, monkeypatch):
    """The run has read the value already, on no list it was found; the same run takes it off again."""
    fill(*feed(101, first=101), now=DAY_2 - 1)
    real = budget.render
    called = []

    def once(*given, **more):
        made = real(*given, **more)
        if not called:
            called.append(clearing.clear(store, "ipv4", "198.51.100.101", "ours", DAY_2))
        return made

    monkeypatch.setattr(budget, "render", once)

    done = run(DAY_2)

    assert 100 == len(lines())
    assert ("completed", 3) == (done.status, done.version)
    assert any("version 3 is published: the one before without 1 withdrawn" in note for note in done.notes)


def test_an_export_that_runs_may_hold_anything(hundred, store, settings):
    """Whoever withdraws something waits for it, and runs it again."""
    now = DAY_2
    assert [] == holders(store, "ipv4", "203.0.113.1", now, settings)
    clearing.clear(store, "ipv4", "203.0.113.1", "ours", now)

    leases.claim(store, "x", "elsewhere:1:1", now, lease_s=3)

    assert ["x"] == holders(store, "ipv4", "203.0.113.1", now, settings)
    assert [] == holders(store, "ipv4", "203.0.113.1", now + 4_000_000, settings)


def test_a_file_that_stands_there_is_not_replaced_by_next_to_nothing(define, fill, run, settings, lines):
    """A first run has no history of its own; what it would replace is one, unless it grows."""
    (Path(settings.export_path)).mkdir()
    (Path(settings.export_path) / "x.txt").write_text("".join(f"198.51.100.{n}\n" for n in range(1, 101)))
    define("x", format="list")
    fill(*feed(3))

    held = run()

    assert ("the list would lose 97 of its 100 entries: more than 50%, and more than 20",) == held.reasons
    assert any(
        "x.txt is there already, with 100 lines, and this export has not published it" in note
        for note in held.notes
    )
    assert 100 == len(lines())

    fill(*(claim(f"45.0.{n >> 8}.{n & 255}", "ipv4", "c2") for n in range(1_200)), now=DAY_2 - 1)
    assert ("completed", 1_203) == (run(DAY_2).status, len(lines()))


def test_a_pinned_export_writes_over_no_file_of_another(hundred, define, store, settings, run, published):
    """It has another name since, and another export has the old one: a pinned run leaves that alone, and says so."""
    roll_back(store, "x", 1, settings, by="lena", reason="so", now=DAY_2)
    definitions.replace_export(store, replace(definitions.get_export(store, "x"), file_name="new.txt"))
    define(
        "y",
        Selection(types=("hostname",)),
        format="list",
        file_name="x.txt",
        limits={"loss": "off", "empty": "publish"},
    )
    run_export(store, "y", settings, now=DAY_3)
    before = published("x.txt")

    pinned = run(DAY_4)

    assert "pinned" == pinned.outcome
    assert any("under another name" in note for note in pinned.notes)
    assert before == published("x.txt")


def test_a_pinned_run_counts_from_what_it_published_itself(hundred, run, store, settings):
    """What it took off is not said to be still to come."""
    roll_back(store, "x", 1, settings, by="lena", reason="so", now=DAY_2)
    clearing.clear(store, "ipv4", "198.51.100.9", "ours", DAY_3)

    assert run(DAY_3).message.endswith("it would change nothing")


def test_a_process_that_lost_its_claim_leaves_others_alone(hundred, fill, run, store, settings, monkeypatch):
    """It was paused just before it wrote its manifest; meanwhile another made that version."""
    fill(*feed(101, first=101), now=DAY_2 - 1)
    put = Archive.put_manifest
    other = []

    def paused(self, record):
        if not other:
            other.append(True)
            with store.writing() as connection:  # its claim ran out
                connection.exec_driver_sql("UPDATE export_lease SET lease_until = 0, owner = NULL")
            run_export(store, "x", settings, now=DAY_3)
        return put(self, record)

    monkeypatch.setattr(Archive, "put_manifest", paused)

    with pytest.raises(ExportBusy):
        run(DAY_2)

    assert [] == [item for item in verify(store, "x", settings) if item.fault]


@pytest.mark.parametrize("required", ["203.0.113.9", "203.0.113.0/28", "203.0.113.0/24"])
def test_what_is_required_may_be_inside_a_listed_network(define, fill, run, required):
    """As what must never be listed is found inside one."""
    define("x", format="list", limits={"allow": "documentation", "require": required})
    fill(*feed(3), claim("203.0.113.0/24", "cidr", "c2"))

    assert "completed" == run().status


@pytest.mark.parametrize("required", ["203.0.114.9", "203.0.112.0/20", "example.org"])
def test_what_is_required_and_is_not_there_holds(define, fill, run, required):
    """A network that is larger than what is listed is not there."""
    define("x", format="list", limits={"allow": "documentation", "require": required})
    fill(*feed(3), claim("203.0.113.0/24", "cidr", "c2"))

    assert "held" == run().status


def test_a_failed_run_says_what_left_all_the_same(hundred, run, store, lines, monkeypatch):
    """Whoever withdrew a value reads that it is off the list, in the error and in the record of the run."""
    clearing.clear(store, "ipv4", "198.51.100.9", "ours", DAY_2)
    definitions.replace_export(store, replace(definitions.get_export(store, "x"), format="", template="gone"))

    with pytest.raises(NotFound, match=r"gone.*; version 2 is published: the one before without 1 withdrawn"):
        run(DAY_2)

    last = runs.last_run(store, "x")
    assert ("failed", 2, 99) == (last.status, last.version, len(lines()))
    assert last.message.endswith("version 2 is published: the one before without 1 withdrawn")


def test_of_an_export_that_is_switched_off_only_what_was_withdrawn_leaves(
    hundred, fill, run, store, settings, lines
):
    """Nothing else of it changes, whatever came in."""
    fill(*feed(120, first=101), now=DAY_2 - 1)
    clearing.clear(store, "ipv4", "198.51.100.9", "ours", DAY_2)

    done = run(DAY_2, only_withdrawn=True)

    assert ("replaced", 2, 99) == (done.outcome, done.version, len(lines()))
    assert "198.51.100.101" not in lines()
    assert "unchanged" == run(DAY_3, only_withdrawn=True).outcome
