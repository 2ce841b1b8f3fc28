"""What formats say of an observable comes from the same claims in each of them: from publishing to the reader."""

import csv
import json
from pathlib import Path

import pytest

from core.exports.definitions import definition
from core.exports.run import run_export
from core.exports.settings import Settings
from core.schemas.claim import TLP, Claim, Kind
from core.schemas.export import Selection
from core.schemas.instant import DAY, SECOND
from core.store import definitions, open_store

NOW = 1_790_000_000 * SECOND
"""2026-09-21T14:13:20Z"""
COLUMNS = "value,confidence,expires,kind,tlp,tags,sources"


@pytest.fixture
def publish(new_databases, tmp_path):
    """Take claims on ``bad.example`` in, let a format list them, and return its files by their names."""
    settings = Settings(export_path=str(tmp_path / "published"), spool_path=tmp_path / "spool")
    with open_store(str(new_databases.at(tmp_path / "yeti.db", made=True))) as store:

        def made(claims, format_, selection=None, **options):
            for received_at, fields in claims:
                with store.import_session(received_at) as session:
                    session.add(
                        [Claim(**({"type": "hostname", "value": "bad.example", "source": "feed"} | fields))]
                    )
            name = format_.replace("-", "_")
            export = definition.make(
                store, name, selection=selection or Selection(include=("c2",)), format=format_, options=options,
                default_destination=settings.export_path, now=NOW, limits={},
            )  # fmt: skip
            definitions.add_export(store, export)
            result = run_export(store, name, settings, now=NOW)
            assert "completed" == result.status, result.message
            return {
                path.name: path.read_text() for path in Path(settings.export_path).rglob("*") if path.is_file()
            }

        yield made


def cells(files, name="csv.csv"):
    """Return the one row of a table, by its columns."""
    (row,) = csv.DictReader(files[name].splitlines())
    return row


LET_IN = (NOW - DAY, {"tags": ("c2",), "kind": Kind.MALICIOUS, "confidence": 20, "valid_until": NOW + 2 * DAY})
SEEN = (NOW - DAY, {"tags": ("seen",), "source": "sandbox", "kind": Kind.INFO, "confidence": 100})
"""Another claim on the same observable, which the export does not go by, surer and without an end of its own."""


@pytest.mark.parametrize(
    ("format_", "options", "told"),
    [
        ("csv", {"columns": COLUMNS}, lambda files: (cells(files)["confidence"], cells(files)["expires"])),
        ("splunk", {"collection": "domain"}, lambda files: cells(files, "splunk.csv")["weight"]),
        ("check-point", {}, lambda files: files["check_point.csv"].splitlines()[2].split(",")[3]),
        ("ecs", {}, lambda files: json.loads(files["ecs.ndjson"])["threat"]["indicator"]["confidence"]),
        ("defender", {}, lambda files: cells(files, "defender-domains-01.csv")["expirationTime"]),
        (
            "stix",
            {},
            lambda files: [
                (item["confidence"], item["valid_until"]) for item in json.loads(files["stix.json"])["objects"]
            ],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_how_sure_and_until_when_is_said_by_what_let_it_in(publish, format_, options, told):
    """A claim that the export does not go by makes nothing surer and lets nothing live longer."""
    expected = {
        "csv": ("20", "2026-09-23T14:13:20Z"),
        "splunk": "20",
        "check-point": "low",
        "ecs": "Low",
        "defender": "2026-09-23T14:13:20.0Z",
        "stix": [(20, "2026-09-23T14:13:20.000Z")],
    }

    assert expected[format_] == told(publish([LET_IN, SEEN], format_, **options))


def test_its_kind_is_that_of_what_let_it_in(publish):
    """And its tags and sources are those of all that are fresh."""
    row = cells(publish([LET_IN, SEEN], "csv", columns=COLUMNS))

    assert ("malicious", "c2;seen", "feed;sandbox") == (row["kind"], row["tags"], row["sources"])


MARKED = (NOW - 9 * DAY, {"tags": ("old",), "source": "partner", "tlp": TLP.AMBER, "valid_until": NOW - DAY})


def test_the_marking_of_what_is_stale_stands(publish):
    """It is withdrawn by nobody: who was told in confidence still was."""
    claims = [(NOW - DAY, {"tags": ("c2",)}), MARKED]

    assert "amber" == cells(publish(claims, "csv", columns=COLUMNS))["tlp"]


def test_the_marking_of_what_is_stale_stands_in_ecs(publish):
    """As in tables."""
    files = publish([(NOW - DAY, {"tags": ("c2",)}), MARKED], "ecs")

    assert {"tlp": "AMBER"} == json.loads(files["ecs.ndjson"])["threat"]["indicator"]["marking"]


OVER = (NOW - DAY, {"tags": ("c2",), "valid_until": NOW - 50 * DAY})
ANY = Selection(include=("c2",), any_freshness=True)


def test_a_stated_end_is_told_of_what_is_over(publish):
    """With ``--any-freshness`` it is listed for good, and nobody says that it is valid for good."""
    (found,) = json.loads(publish([OVER], "stix", ANY)["stix.json"])["objects"]

    assert "2026-08-02T14:13:20.000Z" == found["valid_until"]
    assert found["valid_from"] < found["valid_until"]


@pytest.mark.parametrize(("format_", "name"), [("defender", "defender-domains-01.csv"), ("csv", "csv.csv")])
def test_a_stated_end_is_told_in_tables(publish, format_, name):
    """As in bundles."""
    options = {"columns": COLUMNS} if format_ == "csv" else {}
    row = cells(publish([OVER], format_, ANY, **options), name)

    assert "2026-08-02T14:13:20" == row["expirationTime" if format_ == "defender" else "expires"][:19]


def test_of_what_is_over_by_its_lifetime_nobody_states_an_end(publish):
    """So that with ``--any-freshness`` there is none."""
    (found,) = json.loads(publish([(NOW - 900 * DAY, {"tags": ("c2",)})], "stix", ANY)["stix.json"])["objects"]

    assert "valid_until" not in found


def test_a_tag_with_the_joiner_in_it_is_one_tag(publish):
    """``;`` is ``%3B`` in a cell that holds several, also where there is but one."""
    claims = [(NOW, {"tags": ("a;b", "c2"), "source": "x;y"})]
    row = cells(publish(claims, "csv", columns=COLUMNS))

    assert (["a%3Bb", "c2"], ["x%3By"]) == (row["tags"].split(";"), row["sources"].split(";"))
