"""Rules as they are published: a sid stays with its observable, and its revision rises with its text alone."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from packets import Capture
from suricata_program import alerts

from core.exports.definitions import definition
from core.exports.run import run_export
from core.exports.settings import Settings
from core.schemas.claim import Claim
from core.schemas.export import Selection
from core.schemas.instant import DAY, SECOND
from core.store import definitions, open_store

NOW = 1_790_000_000 * SECOND


@pytest.fixture
def publish(new_databases, tmp_path):
    """Import names and publish exports of all: ``publish(day, name, …, **options)``; it returns outcome and path."""
    settings = Settings(export_path=str(tmp_path / "published"), spool_path=tmp_path / "spool")
    with open_store(str(new_databases.at(tmp_path / "yeti.db", made=True))) as store:

        def run(day, *names, export="x", **options):
            now = NOW + day * DAY
            with store.import_session(now) as session:
                session.add(Claim(type="hostname", value=name, source="feed", tags=("c2",)) for name in names)
            known = {made.name: made for made in definitions.exports(store)}
            if export not in known:
                definitions.add_export(
                    store,
                    definition.make(
                        store,
                        export,
                        selection=Selection(),
                        format="suricata",
                        limits={"loss": "off"},
                        default_destination=settings.export_path,
                        now=now,
                    ),
                )
            if options:
                definitions.replace_export(store, replace(known[export], options=options))
            outcome = run_export(store, export, settings, now=now).outcome
            return outcome, Path(settings.export_path) / f"{export}.rules"

        yield run


def told(path):
    """Return sids and revisions by name, of the rules for DNS."""
    return {
        name: (int(sid), int(revision))
        for name, sid, revision in re.findall(
            r'^alert dns .*content:"\.(.*?)";.* sid:([0-9]+); rev:([0-9]+);', path.read_text(), re.MULTILINE
        )
    }


@pytest.mark.proof("suricata", "Suricata, rule files", "asked", tool="suricata")
def test_a_sid_stays_when_a_name_comes_before(publish, tmp_path):
    """And an alert has it, before and after."""
    _, path = publish(0, "b.example", "d.example")
    assert {"b.example": (1_000_000_000, 1), "d.example": (1_000_000_008, 1)} == told(path)
    capture = Capture()
    port = capture.dns_query("d.example")
    assert {port: [1_000_000_008]} == alerts(path, capture)

    outcome, path = publish(1, "a.example", "c.example")

    assert "replaced" == outcome
    assert {
        "a.example": (1_000_000_016, 1),
        "b.example": (1_000_000_000, 1),
        "c.example": (1_000_000_024, 1),
        "d.example": (1_000_000_008, 1),
    } == told(path)
    assert {port: [1_000_000_008]} == alerts(path, capture)


def test_a_revision_rises_with_the_text_of_a_rule(publish):
    """Not with a run, nor with what comes beside it."""
    publish(0, "b.example")
    assert "unchanged" == publish(1)[0]
    assert {"a.example": (1_000_000_008, 1), "b.example": (1_000_000_000, 1)} == told(publish(2, "a.example")[1])

    _, path = publish(3, msg="C2")

    assert {"a.example": (1_000_000_008, 2), "b.example": (1_000_000_000, 2)} == told(path)
    assert 'msg:"C2 name a.example in DNS"' in path.read_text()


def test_two_exports_can_be_loaded_together(publish):
    """No sid of one is a sid of the other."""
    _, first = publish(0, "a.example", "b.example", export="x")
    _, second = publish(0, export="y")

    assert [1_000_000_000, 1_000_000_008] == sorted(sid for sid, _ in told(first).values())
    assert [1_000_000_016, 1_000_000_024] == sorted(sid for sid, _ in told(second).values())
