"""Plan and apply: what files want against what is kept; all of it or nothing; a second time nothing."""

from dataclasses import replace

import pytest
from export_samples import NOW, claim

from core.errors import AlreadyExists, DefinitionFilesError, ExportBusy
from core.exports.definitions import files as definition_files
from core.exports.definitions import plan as plans
from core.exports.definitions.plan import FieldChange
from core.exports.lease import Clock, held
from core.exports.run import run_export
from core.schemas.export import Selection
from core.schemas.instant import SECOND
from core.store import definitions, kept_templates, versions

LATER = NOW + 60 * SECOND


@pytest.fixture
def define(define):
    """As everywhere, but with the limits that a file says nothing of."""
    return lambda name, *given, **fields: define(name, *given, **({"limits": {}} | fields))


@pytest.fixture
def files(tmp_path):
    """Write a file of definitions, and read the folder."""

    def call(text, **others):
        folder = tmp_path / "defs"
        folder.mkdir(exist_ok=True)
        for name, content in {"exports.toml": text, **others}.items():
            (folder / name).write_text(content)
        return definition_files.read([folder])

    return call


@pytest.fixture
def planned(store, settings, files):
    """Plan what a text wants."""

    def call(text, *, remove=False, **others):
        return plans.plan(store, files(text, **others), settings, remove=remove, now=LATER)

    return call


def said(change):
    """Return what becomes of an export, and by how much."""
    return change.kind, change.outlook and (change.outlook.entries, dict(change.outlook.changed))


# --- what would be done -----------------------------------------------------------------------------------


def test_a_new_export_is_counted(planned, fill, store):
    """Nothing of it is published, so there is nothing to compare with; nothing is touched."""
    fill(claim("8.8.4.1", "ipv4", "c2"), claim("8.8.4.2", "ipv4", "c2"), claim("8.8.4.3", "ipv4", "other"))

    found = planned('[[export]]\nname = "c2"\nformat = "list"\ninclude = ["c2"]\n')

    assert [("create", (2, {}))] == [said(change) for change in found.changes]
    assert [] == definitions.exports(store)


def test_a_change_is_shown_field_by_field_and_counted(planned, define, fill, store, settings):
    """Old and new in the words of the file; entries that would be added and removed against what is published."""
    fill(*(claim(f"8.8.4.{number}", "ipv4", "c2") for number in range(1, 8)), claim("8.8.8.8", "ipv4", "botnet"))
    define("c2", Selection(include=("c2",)), format="list")
    run_export(store, "c2", settings, now=NOW)

    found = planned('[[export]]\nname = "c2"\nformat = "list"\ninclude = ["botnet"]\nevery = "1h"\n')

    (change,) = found.changes
    assert ("change", (1, {"added": 1, "removed": 7, "changed": 0})) == said(change)
    assert (FieldChange("include", ["c2"], ["botnet"]), FieldChange("every", None, "1h")) == change.fields
    assert 1 == change.outlook.version


def test_what_the_gate_would_hold_is_said(planned, define, fill, store, settings):
    """A definition that empties a published list is seen before it is applied."""
    fill(claim("8.8.4.1", "ipv4", "c2"))
    define("c2", Selection(include=("c2",)), format="list")
    run_export(store, "c2", settings, now=NOW)

    (change,) = planned('[[export]]\nname = "c2"\nformat = "list"\ninclude = ["nothing"]\n').changes

    (reason,) = change.outlook.held
    assert "1" in reason
    assert any("no observable has the tag 'nothing'" in note for note in change.notes)


def test_what_is_as_the_file_says_is_left_alone(planned, define, store):
    """Written another way, it is still the same; its file name needs no word."""
    define("C2 Addresses", Selection(types=("cidr", "ipv4", "ipv6"), max_age_s=86_400), format="list")

    found = planned('[[export]]\nname = "C2 Addresses"\nformat = "list"\ntype = "ip"\nmax-age = "24h"\n')

    assert found.is_empty
    assert [("keep", None)] == [said(change) for change in found.changes]


def test_a_line_taken_out_is_taken_back(planned, define, store):
    """A file is the whole truth of its exports, but for the name of the published file."""
    define(
        "c2", Selection(include=("c2",)), format="list", file_name="old.txt", schedule="every:60", enabled=False
    )

    plans.apply(store, planned('[[export]]\nname = "c2"\nformat = "list"\n'), LATER)

    found = definitions.get_export(store, "c2")
    assert (Selection(), "", True, "old.txt") == (found.selection, found.schedule, found.enabled, found.file_name)
    assert (NOW, LATER) == (found.created_at, found.modified_at)


def test_a_file_name_changes_when_the_file_says_so(planned, define, fill, store, settings):
    """And what stays behind is said."""
    fill(claim("8.8.4.1", "ipv4", "c2"))
    define("c2", format="list")
    run_export(store, "c2", settings, now=NOW)

    (change,) = planned('[[export]]\nname = "c2"\nformat = "list"\nfile-name = "new.txt"\n').changes

    assert (FieldChange("file-name", "c2.txt", "new.txt"),) == change.fields
    assert any("c2.txt in " in note and "old place" in note for note in change.notes)


def test_what_is_in_no_file_goes_only_when_asked(planned, define, store):
    """By default it is named and left alone."""
    define("other", format="list")
    text = '[[export]]\nname = "c2"\nformat = "list"\n'

    left, gone = planned(text), planned(text, remove=True)

    assert ("other",) == left.left
    assert [("c2", "create")] == [(change.name, change.kind) for change in left.changes]
    assert () == gone.left
    assert [("c2", "create"), ("other", "remove")] == [(change.name, change.kind) for change in gone.changes]


def test_a_run_that_would_fail_does_not_stop_the_plan(store, settings, files, fill):
    """A template that cannot be rendered so large is said with its export; the others are counted."""
    fill(claim("a.example"), claim("b.example"))
    wanted = files(
        '[[export]]\nname = "a"\ntemplate-file = "t.j2"\n[[export]]\nname = "b"\nformat = "list"\n',
        **{"t.j2": "{{ data|length }}"},
    )

    failing, other = plans.plan(
        store, wanted, replace(settings, template_row_limit=1), remove=False, now=LATER
    ).changes

    assert "2 rows are more than template.row_limit (1)" in failing.outlook.fault
    assert 2 == other.outlook.entries


# --- what cannot be ---------------------------------------------------------------------------------------


def refused(planned, text, **others):
    """Return what is wrong."""
    with pytest.raises(DefinitionFilesError) as error:
        planned(text, **others)
    return [problem.partition("exports.toml: ")[2] or problem for problem in error.value.problems]


def test_everything_that_cannot_be_is_said_at_once(planned, store):
    """Unknown formats, templates, options, limits and types, each with its export."""
    found = refused(
        planned,
        '[[export]]\nname = "a"\nformat = "lst"\n'
        '[[export]]\nname = "b"\ntemplate = "gone"\n'
        '[[export]]\nname = "c"\nformat = "csv"\noption = { colums = "value" }\n'
        '[[export]]\nname = "d"\nformat = "list"\nlimit = { los = "5%" }\n'
        '[[export]]\nname = "e"\n'
        '[[export]]\nname = "f"\nformat = "list"\ncron = "never"\n'
        '[[export]]\nname = "g"\nformat = "list"\nfile-name = "../g"\n',
    )

    assert [text.partition(": ")[0] for text in found] == [f"export {name!r}" for name in "abcdefg"]
    assert "did you mean 'list'?" in found[0]
    assert "did you mean 'columns'?" in found[2]
    assert "did you mean 'loss'?" in found[3]
    assert [] == definitions.exports(store)


def test_two_exports_on_one_file_are_refused(planned, define, tmp_path):
    """Whether both are in files or one of them stays in the store, and however the place is spelled."""
    define("kept", format="list", file_name="kept.txt")

    found = refused(
        planned,
        f'[[export]]\nname = "a"\nformat = "list"\nto = "{tmp_path}/x"\nfile-name = "list.txt"\n'
        f'[[export]]\nname = "b"\nformat = "list"\nto = "{tmp_path}/y/../x/."\nfile-name = "LIST.txt"\n'
        '[[export]]\nname = "c"\nformat = "list"\nfile-name = "kept.txt"\n'
        f'[[export]]\nname = "d"\nformat = "list"\nto = "{tmp_path}/x"\nfile-name = "list.txt.minisig"\n',
    )

    expected = (
        f"export 'b': the export 'a' is published as list.txt at {tmp_path}/x already",
        "export 'c': the export 'kept' is published as kept.txt in system.export_path already",
        "export 'd': the file name list.txt.minisig is in the way",
    )
    assert len(found) > 2
    assert all(text.startswith(expected) for text in found)
    assert all(any(text.startswith(start) for text in found) for start in expected)


def test_a_bad_template_is_refused(planned, store):
    """Before anything is kept; the error is that of ``template add``."""
    found = refused(planned, '[[export]]\nname = "a"\ntemplate-file = "t.jinja2"\n', **{"t.jinja2": "{% for %}"})

    assert ["template 't'"] == [problem.partition(":")[0] for problem in found]
    assert [] == kept_templates.templates(store)


# --- apply ------------------------------------------------------------------------------------------------


def test_what_is_applied_is_there_and_a_second_time_nothing_is_done(planned, store, settings, fill):
    """Exports and templates; then the plan is empty, and nothing is touched."""
    fill(claim("8.8.4.1", "ipv4", "c2"))
    text = (
        '[[export]]\nname = "c2"\nformat = "list"\ninclude = ["c2"]\n'
        '[[export]]\nname = "pairs"\ntemplate-file = "pairs.jinja2"\npublic = true\n'
    )
    template = {"pairs.jinja2": "{% for row in data %}{{ row.value }}\n{% endfor %}"}
    plans.apply(store, planned(text, **template), LATER)
    there = definitions.exports(store), kept_templates.templates(store)

    again = planned(text, **template)
    plans.apply(store, again, LATER + SECOND)

    assert again.is_empty
    assert there == (definitions.exports(store), kept_templates.templates(store))
    assert ["c2", "pairs"] == [item.name for item in there[0]]
    assert 1 == run_export(store, "pairs", settings, now=LATER).entries


def test_a_template_that_changes_names_who_else_uses_it(planned, define, store):
    """Those exports are in no file, and change all the same."""
    kept_templates.put_template(store, "t", "old", NOW)
    define("other", template="t")

    found = planned('[[export]]\nname = "a"\ntemplate-file = "t.jinja2"\n', **{"t.jinja2": "new"})
    plans.apply(store, found, LATER)

    (change,) = found.templates
    assert ("t", "change", ("other",)) == (change.name, change.kind, change.used_by)
    assert "new" == kept_templates.get_template(store, "t").text


def test_two_exports_may_give_each_other_their_files(planned, define, store):
    """At no moment do two have one, and an export that goes gives its file to another."""
    for name in ("a", "b", "gone"):
        define(name, format="list")

    plans.apply(
        store,
        planned(
            '[[export]]\nname = "a"\nformat = "list"\nfile-name = "b.txt"\n'
            '[[export]]\nname = "b"\nformat = "list"\nfile-name = "a.txt"\n'
            '[[export]]\nname = "c"\nformat = "list"\nfile-name = "gone.txt"\n',
            remove=True,
        ),
        LATER,
    )

    assert {"a": "b.txt", "b": "a.txt", "c": "gone.txt"} == {
        item.name: item.file_name for item in definitions.exports(store)
    }


def test_history_stays_when_an_export_changes(planned, define, fill, store, settings):
    """Versions and runs of an export that is edited by a file are still there."""
    fill(claim("8.8.4.1", "ipv4", "c2"))
    define("c2", format="list")
    run_export(store, "c2", settings, now=NOW)

    plans.apply(store, planned('[[export]]\nname = "c2"\nformat = "list"\nevery = "1h"\n'), LATER)

    assert 1 == versions.current_version(store, "c2").number


def test_nothing_is_done_when_somebody_was_quicker(planned, define, store):
    """What a plan was made for is no more; it is to be looked at again."""
    found = planned('[[export]]\nname = "a"\nformat = "list"\n[[export]]\nname = "b"\nformat = "csv"\n')
    define("b", format="list")

    with pytest.raises(AlreadyExists, match="somebody changed the exports meanwhile; nothing was done"):
        plans.apply(store, found, LATER)

    assert ["b"] == [item.name for item in definitions.exports(store)]


def test_an_export_that_runs_is_not_removed(planned, define, store):
    """All stays as it was."""
    define("old", format="list")
    found = planned('[[export]]\nname = "new"\nformat = "list"\n', remove=True)

    with held(store, "old", Clock(LATER)), pytest.raises(ExportBusy):
        plans.apply(store, found, LATER)

    assert ["old"] == [item.name for item in definitions.exports(store)]


def test_a_failure_half_way_leaves_nothing(planned, define, store, monkeypatch):
    """All of it is one transaction: when the last step fails the first is undone."""
    define("old", format="list")
    found = planned('[[export]]\nname = "a"\ntemplate-file = "t.jinja2"\n', remove=True, **{"t.jinja2": "x"})

    def fail(*_):
        raise AlreadyExists("the last step")

    monkeypatch.setattr(definitions, "_refuse_clash", fail)
    with pytest.raises(AlreadyExists, match="the last step"):
        plans.apply(store, found, LATER)

    assert ["old"] == [item.name for item in definitions.exports(store)]
    assert [] == kept_templates.templates(store)
