"""Zones as they are published: the serial rises with every version, and a resolver takes the next one."""

import re
from pathlib import Path

import pytest
from dns_servers import bind, upstream

from core.exports.definitions import definition
from core.exports.run import run_export
from core.exports.settings import Settings
from core.schemas.claim import Claim
from core.schemas.export import Selection
from core.schemas.instant import DAY, SECOND
from core.store import archives, definitions, open_store

NOW = 1_790_000_000 * SECOND
HOUR = DAY // 24


@pytest.fixture
def zone(new_databases, tmp_path):
    """An export as a zone: give it names and an instant, and it says what came of it, and the published file."""
    settings = Settings(export_path=str(tmp_path / "published"), spool_path=tmp_path / "spool")
    with open_store(str(new_databases.at(tmp_path / "yeti.db", made=True))) as store:
        made = definition.make(
            store, "x", selection=Selection(), format="rpz", default_destination=settings.export_path, now=NOW
        )
        definitions.add_export(store, made)

        def run(now, *names):
            with store.import_session(now) as session:
                session.add(Claim(type="hostname", value=name, source="feed", tags=("c2",)) for name in names)
            result = run_export(store, "x", settings, now=now)
            counter = archives.get(store, "x", result.version).record.counter
            return result.outcome, counter, Path(settings.export_path) / "x.zone"

        yield run


def serial_in(path):
    """Return the serial that a resolver would find."""
    (text,) = re.findall(r"^@ IN SOA \S+ \S+ ([0-9]+) ", path.read_text(), re.MULTILINE)
    return int(text)


@pytest.mark.proof("rpz", "BIND 9, response-policy", "asked", tool="named")
def test_named_takes_the_next_version(zone, tmp_path):
    """With a higher serial, also after the clock went back; without anything new nothing is published."""
    first = zone(NOW, "old.example")
    assert ("created", 1_790_000_000) == first[:2]
    assert 1_790_000_000 == serial_in(first[2])

    with upstream(tmp_path / "upstream") as behind, bind(tmp_path / "named", behind, first[2]) as server:
        server.wait_for_log("zone rpz/IN: loaded serial 1790000000")
        assert "NXDOMAIN" == server.ask("x.old.example").code
        assert "NOERROR" == server.ask("new.example").code

        outcome, serial, path = zone(NOW + HOUR)
        assert ("unchanged", 1_790_000_000, 1_790_000_000) == (outcome, serial, serial_in(path))

        outcome, serial, path = zone(NOW - DAY, "new.example")
        assert ("replaced", 1_790_000_001, 1_790_000_001) == (outcome, serial, serial_in(path))
        server.reload()
        server.wait_for_log("zone rpz/IN: loaded serial 1790000001")
        server.wait_for_log("rpz: rpz: reload done: success", times=2)

        assert "NXDOMAIN" == server.ask("new.example").code
        assert "NXDOMAIN" == server.ask("old.example").code
