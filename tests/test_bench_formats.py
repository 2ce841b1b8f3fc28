"""The benchmark of formats measures what it says, and says where a bar is missed."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bench.formats import beside, cases, pages
from bench.formats.beside import Beside
from bench.formats.cases import Case
from bench.formats.making import Made
from bench.formats.results import Results
from bench.formats.stores import KINDS
from bench.storage.environments import ROOT
from core.exports.formats import formats

GOOD = Made(seconds=2.9, entries=10, refused=0, size_bytes=100, peak_mib=299)


def test_every_format_is_measured():
    """Each once with all of them; each alone, too, but for rules, of which nobody has a million."""
    each = {case.format for case in (*cases.lists(), *cases.tables())}

    assert set(formats()) == {case.format for case in cases.all_of_them()}
    assert set(formats()) - {"rules"} == each


def test_each_list_is_measured_on_each_kind_and_with_the_options_of_each_consumer():
    """As the devices of one format need other forms of it."""
    measured = {(case.store, case.options) for case in cases.lists() if case.format == "domains"}
    devices = {consumer.options for consumer in formats()["domains"].CONSUMERS}

    assert {("names", options) for options in devices | {""}} == measured
    assert {"addresses", "names"} == {case.store for case in cases.lists() if case.format == "rpz"}
    assert set(KINDS) == {case.store for case in cases.lists() if case.format == "list"}


@pytest.mark.timeout(600)
def test_formats_are_measured_in_processes_of_their_own():
    """What is printed has each case, with as many entries as there are observables that the format takes."""
    words = ["--rows", "400", "--times", "1", "--only", "nftables", "zeek", "stix", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "bench.formats", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert 0 == done.returncode, done.stderr
    found = json.loads(done.stdout)
    assert [("nftables", "addresses", 400)] == [
        (item["format"], item["store"], item["entries"] + item["refused"]) for item in found["lists"]
    ]
    assert {("stix", 400), ("zeek", 400)} == {
        (item["format"], item["entries"] + item["refused"]) for item in found["tables"]
    }
    (compared,) = found["beside"]
    assert compared["is_valid"]
    assert compared["ratio"] > 1
    assert found["all_of_them_s"] is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"lists": {Case("rpz", "", "names"): Made(3.1, 1, 0, 1, 90)}}, ["rpz (names): 3.10 s; bar 3 s"]),
        ({"tables": {Case("csv", "", "mixed"): Made(9, 1, 0, 1, 301)}}, ["csv (mixed): 301 MiB; bar 300 MiB"]),
        ({"all_of_them": 61.0}, ["all formats: 61.0 s; bar 60 s"]),
        (
            {"beside": [Beside("stix", "stix2 3.0", 100_000, 10, 490, True)]},
            ["stix: 49 times as fast as stix2 3.0; bar 50"],
        ),
        (
            {"beside": [Beside("stix", "stix2 3.0", 100_000, 10, 510, False)]},
            ["stix: stix2 3.0 does not take what was made"],
        ),
        ({"lists": {Case("rpz", "", "names"): GOOD}, "all_of_them": 59.0}, []),
    ],
)
def test_a_missed_bar_is_told(changed, said):
    """Each of them, at a million observables."""
    assert said == Results(rows=1_000_000, cpus=2, **changed).missed


def test_times_of_fewer_observables_miss_no_bar():
    """What a process costs whatever its size is most of their time; what is made has to be valid all the same."""
    slow = {Case("rpz", "", "names"): Made(3.1, 1, 0, 1, 90)}
    compared = Beside("stix", "stix2 3.0", 100_000, 10, 490, True)

    assert [] == Results(rows=999_999, cpus=2, lists=slow, all_of_them=61.0, beside=[compared]).missed
    assert ["stix: 9 times as fast as stix2 3.0; bar 10"] == Results(
        rows=50_000, cpus=2, beside=[replace(compared, rows=50_000, theirs_us=94)]
    ).missed
    assert [] == Results(rows=400, cpus=2, beside=[replace(compared, rows=400, theirs_us=94)]).missed
    assert ["stix: stix2 3.0 does not take what was made"] == Results(
        rows=999_999, cpus=2, beside=[replace(compared, is_valid=False)]
    ).missed


def test_what_is_compared_takes_turns_and_the_fastest_of_each_counts(monkeypatch):
    """So that a busy moment of the machine is not that of one of the two."""
    turns, clock = [], iter([0.0, 9.0, 10.0, 13.0, 20.0, 25.0, 30.0, 36.0, 40.0, 47.0, 50.0, 54.0])
    monkeypatch.setattr(beside.time, "perf_counter", lambda: next(clock))

    found = beside._fastest(
        lambda number: turns.append(("ours", number)), lambda number: turns.append(("theirs", number))
    )

    assert [(who, number) for number in range(3) for who in ("ours", "theirs")] == turns
    assert [5.0, 3.0] == found


def test_the_page_has_what_was_measured():
    """Of each part its table; parts that were not measured are left out."""
    results = Results(1_000_000, 2, lists={Case("rpz", "", "names"): GOOD}, all_of_them=41.25)

    page = pages.page(results, datetime(2026, 1, 2, tzinfo=UTC))

    assert "| rpz | names | 2.90 | 10 | 0 | 0.0 | 299 |" in page
    assert "as two workers do, the faster of two: 41.2 s;" in page
    assert "2026-01-02 on 2 cores" in page
    assert "Beside libraries" not in page
