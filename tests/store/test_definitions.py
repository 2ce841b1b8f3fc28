"""Exports, templates, allow-lists, runs and versions as they are kept."""

from dataclasses import replace

import pytest

from core.errors import AlreadyExists, ExportBusy, NotFound
from core.schemas.claim import AllowListEntries
from core.schemas.export import ExportDefinition, PublishedFile, Selection, Version
from core.schemas.instant import SECOND
from core.store import definitions, kept_templates, leases, runs, versions
from core.store.allow_lists.lists import allow_lists, get_allow_list, put_allow_list, remove_allow_list
from tests.store.conftest import NOW

EXPORT = ExportDefinition(
    name="c2 ips",
    file_name="c2_ips.txt",
    selection=Selection(types=("ipv4",), include=("C2", "é"), max_age_s=5, with_info=True, last_seen_after=NOW),
    format="list",
    options={"header": "no"},
    limits={"max_entries": "5"},
    description="for the firewall",
    created_at=NOW,
    modified_at=NOW,
)
FILES = (
    PublishedFile("c2_ips.txt", "text/plain", 5, "ab" * 32, 1),
    PublishedFile("more.txt", "text/plain", 0, "cd", 0),
)


@pytest.fixture
def export(store):
    definitions.add_export(store, EXPORT)
    return EXPORT.name


# --- definitions ------------------------------------------------------------------------------------------


def test_an_export_comes_back_as_it_was(store, export):
    """Every field is kept."""
    assert EXPORT == definitions.get_export(store, export)
    assert [EXPORT] == definitions.exports(store)


def test_names_are_unique(store, export):
    """One name, one export."""
    with pytest.raises(AlreadyExists, match="there is an export 'c2 ips' already"):
        definitions.add_export(store, replace(EXPORT, file_name="other.txt"))


@pytest.mark.parametrize("file_name", ["c2_ips.txt", "C2_IPS.TXT"])
def test_no_two_exports_on_one_file(store, export, file_name):
    """A clash is refused, also where only case differs, and only on the same destination."""
    other = replace(EXPORT, name="other", file_name=file_name)
    with pytest.raises(AlreadyExists, match=r"the export 'c2 ips' writes c2_ips.txt there already"):
        definitions.add_export(store, other)
    definitions.add_export(store, replace(other, destination="/elsewhere"))

    with pytest.raises(AlreadyExists, match=r"writes c2_ips.txt there already"):
        definitions.replace_export(store, other)


def test_replacing_keeps_when_it_was_made(store, export):
    """An edit changes everything but the time of making."""
    definitions.replace_export(store, replace(EXPORT, description="new", enabled=False, created_at=NOW + 9))

    assert replace(EXPORT, description="new", enabled=False) == definitions.get_export(store, export)


def test_what_is_not_there(store):
    """A missing export or template is said by name."""
    for ask in (
        lambda: definitions.get_export(store, "none"),
        lambda: definitions.remove_export(store, "none"),
        lambda: definitions.replace_export(store, replace(EXPORT, name="none")),
        lambda: runs.runs(store, "none"),
        lambda: versions.versions(store, "none"),
        lambda: versions.current_version(store, "none"),
        lambda: leases.claim(store, "none", "me", NOW),
        lambda: kept_templates.get_template(store, "none"),
        lambda: kept_templates.remove_template(store, "none"),
        lambda: get_allow_list(store, "none"),
        lambda: remove_allow_list(store, "none"),
    ):
        with pytest.raises(NotFound, match="'none'"):
            ask()


def record_version(store, lease, number=1, *, run_id=None):
    """A version as whoever publishes records it."""
    made = Version(lease.export, number, NOW + number, NOW, number, FILES)
    with store.writing() as connection:
        found = leases.lease_held(connection, lease)
        versions.insert_version(connection, found, made, run_id=run_id, definition={})
    return made


def test_removing_an_export_removes_its_history(store, export):
    """A new export of the name begins anew."""
    lease = leases.claim(store, export, "me", NOW)
    run = runs.begin_run(store, lease, NOW)
    record_version(store, lease, run_id=run)
    assert EXPORT == definitions.remove_export(store, export)
    definitions.add_export(store, EXPORT)

    assert [] == versions.versions(store, export)
    assert runs.last_run(store, export) is None


def test_templates(store):
    """Templates are kept, replaced on demand, listed by name, removed."""
    kept_templates.put_template(store, "b", "{{ 1 }}\r\n", NOW)
    kept_templates.put_template(store, "a", "x", NOW)
    with pytest.raises(AlreadyExists, match="there is a template 'b' already"):
        kept_templates.put_template(store, "b", "y", NOW + 1)
    kept_templates.put_template(store, "b", "y", NOW + 1, replace=True)

    found = kept_templates.templates(store)
    assert [("a", "x", NOW, NOW), ("b", "y", NOW, NOW + 1)] == [
        (item.name, item.text, item.created_at, item.modified_at) for item in found
    ]
    kept_templates.remove_template(store, "a")
    assert ["b"] == [item.name for item in kept_templates.templates(store)]


def test_a_template_in_use_stays(store):
    """A template that an export uses is not removed."""
    kept_templates.put_template(store, "b", "x", NOW)
    definitions.add_export(store, replace(EXPORT, format="", template="b"))

    with pytest.raises(AlreadyExists, match="used by the export c2 ips"):
        kept_templates.remove_template(store, "b")


# --- leases and runs --------------------------------------------------------------------------------------


def test_one_run_at_a_time(store, export):
    """A claim keeps others away until it is released or runs out; its number rises each time."""
    first = leases.claim(store, export, "host:1", NOW)
    with pytest.raises(ExportBusy, match="being run by host:1"):
        leases.claim(store, export, "host:2", NOW + (leases.LEASE_S - 1) * SECOND)
    leases.release(store, first)
    second = leases.claim(store, export, "host:2", NOW)

    assert (1, 2) == (first.number, second.number)


def test_a_paused_process_cannot_publish(store, export):
    """Whoever was paused beyond its claim finds out before anything becomes visible."""
    paused = leases.claim(store, export, "host:1", NOW)
    run = runs.begin_run(store, paused, NOW)
    leases.claim(store, export, "host:2", NOW + 60 * SECOND)
    for ask in (
        lambda: leases.check(store, paused),
        lambda: leases.renew(store, paused, NOW),
        lambda: runs.begin_run(store, paused, NOW),
        lambda: record_version(store, paused),
    ):
        with pytest.raises(ExportBusy, match="taken over"):
            ask()
    leases.release(store, paused)
    runs.finish_run(store, run, NOW, status="completed")

    assert versions.current_version(store, export) is None
    assert ("failed", "the process that ran it went away") == (
        runs.last_run(store, export).status,
        runs.last_run(store, export).message,
    )
    with pytest.raises(ExportBusy, match="host:2"):
        leases.claim(store, export, "host:3", NOW + 61 * SECOND)


def test_a_claim_is_not_that_on_a_namesake(store, export):
    """Who ran an export that was removed and made anew meanwhile holds nothing of the new one."""
    old = leases.claim(store, export, "host:1", NOW)
    definitions.remove_export(store, export)
    definitions.add_export(store, EXPORT)
    leases.claim(store, export, "host:2", NOW)

    with pytest.raises(ExportBusy):
        leases.check(store, old)
    leases.release(store, old)
    with pytest.raises(ExportBusy, match="host:2"):
        leases.claim(store, export, "host:3", NOW)


def test_renewing_prolongs(store, export):
    """A renewed claim holds longer."""
    lease = leases.claim(store, export, "me", NOW)
    leases.renew(store, lease, NOW + (leases.LEASE_S - 10) * SECOND)
    leases.check(store, lease)

    with pytest.raises(ExportBusy):
        leases.claim(store, export, "other", NOW + 2 * (leases.LEASE_S - 10) * SECOND)


def test_runs_and_versions(store, export):
    """Runs and versions are listed newest first; versions keep their files in order."""
    lease = leases.claim(store, export, "me", NOW)
    first = runs.begin_run(store, lease, NOW)
    runs.finish_run(store, first, NOW + 1, status="failed", message="no template")
    second = runs.begin_run(store, lease, NOW + 2)
    for number in (1, 2):
        made = record_version(store, lease, number, run_id=second)
    runs.finish_run(store, second, NOW + 3, status="completed", outcome="replaced", version=2, entries=2)

    found = runs.runs(store, export)
    assert [(second, "completed", "replaced", 2, 2), (first, "failed", "", None, None)] == [
        (item.id, item.status, item.outcome, item.version, item.entries) for item in found
    ]
    assert [found[0]] == runs.runs(store, export, limit=1)
    assert [2, 1] == [version.number for version in versions.versions(store, export)]
    assert made == versions.current_version(store, export)
    assert FILES == made.files


# --- allow-lists ------------------------------------------------------------------------------------------


def test_allow_lists(store):
    """A list is kept whole and in order; a new import of the name replaces it."""
    given = AllowListEntries(
        name="Resolvers",
        list_type="cidr",
        version="3",
        description="public ones",
        matching_attributes=("ip-dst", "ip-src"),
        entries=("9.9.9.9", "1.1.1.1"),
    )
    put_allow_list(store, AllowListEntries(name="Empty", list_type="string"), NOW)
    put_allow_list(store, given, NOW)
    assert given == get_allow_list(store, "Resolvers")
    assert [("Empty", 0), ("Resolvers", 2)] == [(item.name, item.entries) for item in allow_lists(store)]

    put_allow_list(
        store, AllowListEntries(name="Resolvers", list_type="string", entries=("x", "\0", "y")), NOW + 1
    )
    assert ("x", "y") == get_allow_list(store, "Resolvers").entries
    remove_allow_list(store, "Resolvers")
    assert ["Empty"] == [item.name for item in allow_lists(store)]
