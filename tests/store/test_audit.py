"""The record of changes: every one with who made it, and none that was not."""

import ast
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from core.actor import acting_as, system_user
from core.errors import AlreadyExists, NotFound, RefusedValue
from core.schemas.claim import AllowListEntries
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import DAY
from core.store import (
    audit,
    carve_outs,
    clearing,
    definitions,
    jobs,
    kept_templates,
    leases,
    lifetimes,
    observable_edits,
    observables,
    pins,
    runs,
    tag_descriptions,
    tags,
    template_rows,
)
from core.store.allow_lists import lists
from core.store.definitions import Replacement
from core.store.lifetimes import Source
from core.store.observable_edits import Entry
from core.store.tag_descriptions import Description
from tests.store.conftest import NOW, claim

EXPORT = ExportDefinition("fw", "fw.txt", format="list", destination="s3://key:geheim@bucket/x", created_at=NOW)
VALUE = "c2.example"
LIST = AllowListEntries(name="ours", list_type="hostname", version="1", entries=("ours.example",))


OF_NOBODY = {
    "archives": "begin hold announce to_remove removed take_number",  # of a run, or of a restore
    "backup": "_let_go",  # of a restore
    "carried": "bring_up_to_date",  # lists of the program itself
    "copying": "copy",  # the record itself goes along
    "ending": "end_unlisted",  # of an import, which counts it
    "entry_numbers": "of",  # of a run
    "fetches": "record forget",
    "hits": "refresh",
    "imports": "__enter__ flush end_unlisted",  # by _writing
    "job_claims": "mend wake_again claim renew finish put_back",
    "jobs": "refuse",
    "kept_templates": "put_template",  # by keep
    "leases": "claim renew release",
    "logins": "attempt succeed end_token forget",
    "notices": "claim _change",  # what the program tells by itself
    "observable_edits": "_writing",
    "old_rows": "forget_before",
    "old_runs": "forget",
    "run_lines": "forget",
    "runs": "finish_run",
    "schedules": "plan",
    "secrets": "get_or_make",
    "tag_descriptions": "_kept _forget_description _writing",  # parts of what is put down
    "workers": "seen gone",
    "users": "keep_password",  # the same password, kept in another way
}
"""Functions that write what nobody changed by hand."""


@pytest.fixture
def told(store):
    """What was put down, oldest first: actor, action, subject, detail."""

    def entries():
        found = reversed(audit.entries(store))
        return [(item.actor, item.action, item.subject, dict(item.detail)) for item in found]

    return entries


@pytest.fixture
def filled(store, take):
    """An export, a template, an allow-list and an observable; what was put down of that is forgotten."""
    definitions.add_export(store, EXPORT)
    kept_templates.put_template(store, "t", "old", NOW)
    lists.put_allow_list(store, LIST, NOW)
    take(claim(VALUE, "c2"))
    audit.forget(store, 10**17, 100)
    return store


CHANGES = {
    "enabling": (
        lambda store: definitions.replace_export(store, replace(EXPORT, enabled=False, modified_at=NOW + 1)),
        ("export disabled", "fw", {"enabled": {"from": True, "to": False}}),
    ),
    "editing": (
        lambda store: definitions.replace_export(store, replace(EXPORT, selection=Selection(include=("c2",)))),
        ("export changed", "fw", {"include": {"from": [], "to": ["c2"]}}),
    ),
    "removing": (lambda store: definitions.remove_export(store, "fw"), ("export removed", "fw", {})),
    "template": (
        lambda store: kept_templates.put_template(store, "t", "new", NOW, replace=True),
        (
            "template changed",
            "t",
            {"sha256": "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437", "size_bytes": 3},
        ),
    ),
    "template gone": (lambda store: kept_templates.remove_template(store, "t"), ("template removed", "t", {})),
    "allow-list": (
        lambda store: lists.put_allow_list(
            store, msgspec.structs.replace(LIST, version="2", entries=("a.example", "b.example")), 1
        ),
        ("allow-list replaced", "ours", {"entries": 2, "version": "2"}),
    ),
    "allow-list's action": (
        lambda store: lists.set_allow_list(store, "ours", action="off"),
        ("allow-list changed", "ours", {"action": "off"}),
    ),
    "allow-list gone": (
        lambda store: lists.remove_allow_list(store, "ours"),
        ("allow-list removed", "ours", {}),
    ),
    "carving out": (
        lambda store: carve_outs.carve_out(store, "ipv4", "192.0.2.1", "ours", NOW),
        ("value carved out", "192.0.2.1", {"reason": "ours"}),
    ),
    "tag": (
        lambda store: tags.set_tag(store, "c2", lifetime_s=60, sticky=None),
        ("tag changed", "c2", {"lifetime_s": 60, "sticky": None}),
    ),
    "source": (
        lambda store: lifetimes.set_source(store, Source("feed", 60, False, 80)),
        ("source changed", "feed", {"lifetime_s": 60, "from_last_seen": False, "confidence": 80}),
    ),
    "type": (
        lambda store: lifetimes.set_type_lifetime(store, "ipv4", -1),
        ("type changed", "ipv4", {"lifetime_s": -1}),
    ),
    "adding": (
        lambda store: observables.add(store, [claim("new.example", "c2", "x")], NOW),
        ("observable added", "new.example", {"tags": ["c2", "x"], "rows": 1, "new": 1}),
    ),
    "tagging": (
        lambda store: observables.tag(store, "hostname", VALUE, ["bad"], "me", NOW),
        ("observable tagged", VALUE, {"tags": ["bad"], "source": "me", "rows": 1, "updated": 1}),
    ),
    "clearing": (
        lambda store: clearing.clear(store, "hostname", VALUE, "ours", NOW),
        ("observable withdrawn", VALUE, {"type": "hostname", "assertions": 1, "reason": "ours"}),
    ),
    "asking for a run": (
        lambda store: jobs.request(store, "fw", by="lena", now=NOW),
        ("run requested", "fw", {"job": 1}),
    ),
    "toggling": (
        lambda store: definitions.toggle_export(store, "fw", NOW + 1),
        ("export disabled", "fw", {"enabled": {"from": True, "to": False}}),
    ),
    "adding many": (
        lambda store: observable_edits.take_in(
            store, [Entry("hostname", "x.example", ("c2",)), Entry("hostname", "y.example", ("c2",))], "me", NOW
        ),
        ("observable added", "2 values", {"tags": ["c2"], "rows": 2, "new": 2}),
    ),
    "adding what is known": (
        lambda store: observable_edits.take_in(store, [Entry("hostname", VALUE, ("bad",))], "me", NOW),
        ("observable tagged", VALUE, {"tags": ["bad"], "rows": 1, "updated": 1}),
    ),
    "remarking what is known by an import": (
        lambda store: observable_edits.take_in(store, [Entry("hostname", VALUE, (), {"seen": "once"})], "me", NOW),
        ("context added", VALUE, {"source": "me"}),
    ),
    "remarking": (
        lambda store: observable_edits.add_context(store, 1, "me", {"seen": "once"}, NOW),
        ("context added", VALUE, {"source": "me"}),
    ),
    "narrowing": (
        lambda store: observable_edits.keep_only(store, [1], ["x"], "by hand", NOW),
        ("observable withdrawn", VALUE, {"all_tags_but": ["x"], "reason": "by hand"}),
    ),
    "deleting": (
        lambda store: observable_edits.remove(store, 1, "by hand", NOW),
        ("observable deleted", VALUE, {"reason": "by hand"}),
    ),
    "describing": (
        lambda store: tag_descriptions.describe(store, "c2", Description("command and control"), NOW),
        ("tag described", "c2", {"description": "command and control"}),
    ),
    "renaming a tag": (
        lambda store: tag_descriptions.rename(store, 1, "cnc", NOW),
        ("tag renamed", "c2", {"into": "cnc", "observables": 1}),
    ),
    "removing a tag": (
        lambda store: tag_descriptions.remove(store, 1, NOW),
        ("tag removed", "c2", {"observables": 1}),
    ),
    "renaming a template": (
        lambda store: template_rows.change(store, 1, "u", "old", NOW),
        ("template renamed", "t", {"to": "u"}),
    ),
    "running": (
        lambda store: runs.begin_run(store, leases.claim(store, "fw", "me", NOW), NOW, by="lena"),
        ("export run", "fw", {"run": 1}),
    ),
    "pinning": (
        lambda store: pins.pin(store, leases.claim(store, "fw", "me", NOW), pins.Pin(3, NOW, "lena", "bad day")),
        ("export pinned", "fw", {"version": 3, "reason": "bad day"}),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_put_down_once(filled, told, name):
    """With who made it, what it was, and of what."""
    change, expected = CHANGES[name]

    with acting_as("lena"):
        change(filled)

    assert [("lena", *expected)] == told()


def test_what_is_undone_is_put_down_too(filled, told):
    """Each way back is a change of its own."""
    lease = leases.claim(filled, "fw", "me", NOW)
    pins.pin(filled, lease, pins.Pin(3, NOW, "lena", "bad day"))
    carve_outs.carve_out(filled, "ipv4", "192.0.2.1", "ours", NOW)
    clearing.clear(filled, "hostname", VALUE, "ours", NOW)
    jobs.request(filled, "fw", by="lena", now=NOW)

    with acting_as("max"):
        pins.unpin(filled, "fw")
        carve_outs.undo(filled, "192.0.2.1", NOW)
        clearing.undo(filled, "hostname", VALUE, NOW)
        jobs.cancel(filled, "fw", NOW, by="max")

    assert [
        ("max", "export unpinned", "fw", {"version": 3}),
        ("max", "value carved out no more", "192.0.2.1", {}),
        ("max", "observable reinstated", VALUE, {"type": "hostname", "assertions": 1}),
        ("max", "run cancelled", "fw", {"jobs": [1]}),
    ] == told()[4:]


def test_several_definitions_are_put_down_each(filled, told):
    """Definitions that come from files are told one by one."""
    new = replace(EXPORT, name="new", file_name="new.txt", destination="")
    changed = replace(EXPORT, description="x")
    wanted = Replacement(seen=[EXPORT], put=[changed, new], remove=[], templates={"t": "old", "u": "x"})

    definitions.replace_several(filled, wanted, NOW)

    assert ["template added", "export changed", "export added"] == [action for _, action, _, _ in told()]
    assert {"file_name": "new.txt", "format": "list"} == told()[2][3]


@pytest.mark.parametrize(
    "change",
    [
        lambda store: definitions.add_export(store, EXPORT),
        lambda store: definitions.replace_export(store, replace(EXPORT, name="nowhere")),
        lambda store: definitions.replace_export(store, replace(EXPORT, modified_at=NOW + DAY)),
        lambda store: kept_templates.put_template(store, "t", "old", NOW, replace=True),
        lambda store: lists.put_allow_list(store, LIST, NOW + DAY),
        lambda store: tags.set_tag(store, "nowhere", lifetime_s=1, sticky=None),
        lambda store: clearing.undo(store, "hostname", "nowhere.example", NOW),
        lambda store: pins.unpin(store, "fw"),
    ],
)
def test_what_was_refused_or_changes_nothing_is_not_put_down(filled, told, change):
    """The record has changes, and no attempts."""
    with suppress(AlreadyExists, NotFound, RefusedValue):
        change(filled)

    assert [] == told()


def test_an_import_is_one_entry_that_counts(store, told, monkeypatch):
    """However many transactions it takes; what was written before a fault is in it."""
    monkeypatch.setattr("core.store.imports.BATCH", 2)

    def claims():
        for number in range(5):
            yield claim(f"{number}.example", "c2")
        raise OSError

    with suppress(OSError), store.import_session(NOW, of="feed.csv") as session:
        session.add([claim("x.example"), claim("y.example"), claim("z.example")])
    with suppress(OSError), store.import_session(NOW, of="broken.csv") as session:
        for item in claims():
            session.add([item])

    assert [
        (system_user(), "import", "feed.csv", {"rows": 3, "new": 3}),
        (system_user(), "import", "broken.csv", {"rows": 4, "new": 4}),
    ] == told()


def test_what_is_long_or_secret_is_not_put_down(store, told):
    """A password in a place is masked, long texts and lists are cut."""
    long = Selection(include=tuple(f"tag {number}" for number in range(500)))
    definitions.add_export(store, replace(EXPORT, description="x" * 5_000, selection=long))

    ((_, _, _, detail),) = told()
    assert "s3://key:***@bucket/x" == detail["destination"]
    assert f"{'x' * 200}…" == detail["description"]
    assert ["tag 19", "… 480 more"] == detail["include"][-2:]


def test_changes_are_found(store):
    """By whoever made them (with keys), by how they are called, since when, and page by page."""
    for number, (who, action) in enumerate(
        [
            ("lena", "export added"),
            ("lena (ci)", "export removed"),
            ("lenard", "tag changed"),
            ("max", "export added"),
        ]
    ):
        with store.writing() as connection:
            audit.note(connection, action, str(number), by=who, now=NOW + number)

    def found(**wanted):
        return [item.subject for item in audit.entries(store, **wanted)]

    assert ["3", "2", "1", "0"] == found()
    assert ["1", "0"] == found(actor="lena")
    assert ["1"] == found(actor="lena (ci)")
    assert ["3", "1", "0"] == found(action="export")
    assert ["3", "2"] == found(since=NOW + 2)
    last = audit.entries(store, limit=2)[-1].id
    assert ["1", "0"] == found(before_id=last)
    assert [] == found(actor="%")


def test_old_entries_are_forgotten_in_batches(store):
    """So that nobody waits long for the lock; the newest stay."""
    with store.writing() as connection:
        for number in range(5):
            audit.note(connection, "tag changed", str(number), now=NOW + number)

    assert (2, 1, 0) == tuple(audit.forget(store, NOW + 3, 2) for _ in range(3))
    assert ["4", "3"] == [item.subject for item in audit.entries(store)]


def test_no_function_that_writes_forgets_to_put_it_down():
    """Whoever adds one puts the change down, or says here why that is none of somebody's."""
    silent = set()
    for path in (Path(audit.__file__).parent).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                text = ast.unparse(node)
                writes = "writing(" in text and "def writing(" not in text
                notes = ("note(", "_noted(", "definition_audit.", "put_in_place(")
                if writes and not any(name in text for name in notes):
                    silent.add((path.stem, node.name))

    assert set() == silent - {(stem, name) for stem, names in OF_NOBODY.items() for name in names.split()}
