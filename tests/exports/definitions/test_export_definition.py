"""What an export may be called, may take and may be written as."""

from dataclasses import replace

import pytest
from export_samples import NOW, claim

from core.errors import AlreadyExists, DefinitionError
from core.exports.definitions import definition, doubts
from core.exports.definitions.definition import default_file_name
from core.exports.run import run_export
from core.schemas.export import Selection
from core.store import definitions, kept_templates


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("randomexport", "randomexport"),
        ("RandomExport", "randomexport"),
        ("My Export 2", "my_export_2"),
        ("a.b-c_d", "a.b-c_d"),
        ("../../../../../../etc/passwd", ".._.._.._.._.._.._etc_passwd"),
        ("a/b\\c?d*e", "a_b_c_d_e"),
        ("café", "caf_"),
    ],
)
def test_an_export_by_template_has_yetis_file_name(name, expected):
    """Lower case, blanks and what is not portable as underscores, no suffix."""
    assert expected == default_file_name(name, "")


@pytest.mark.parametrize(
    ("name", "form", "expected"),
    [
        ("C2 Addresses", "list", "c2_addresses.txt"),
        ("hashes", "csv", "hashes.csv"),
        ("all", "jsonl", "all.jsonl"),
        ("hashes.csv", "csv", "hashes.csv"),
    ],
)
def test_an_export_by_format_gets_its_suffix(name, form, expected):
    """The suffix of the format is added once."""
    assert expected == default_file_name(name, form)


@pytest.mark.parametrize("name", ["мир", "日本語", "—"])
def test_a_name_of_which_nothing_would_be_left_is_refused(name):
    """A name in another script gives nothing but underscores, as every such name does."""
    with pytest.raises(DefinitionError) as caught:
        default_file_name(name, "list")

    assert "--file-name" in str(caught.value)


def test_a_name_in_another_script_works_with_a_file_name_of_its_own(define):
    """The advice works."""
    assert "peace.txt" == define("мир", format="list", file_name="peace.txt").file_name


@pytest.mark.parametrize("name", ["", "  ", ".", "..", "a\nb", "a\x00b", "x" * 201])
def test_impossible_names_are_refused(name, define):
    """Empty names, dots, control characters and very long names are refused."""
    with pytest.raises(DefinitionError):
        define(name, format="list")


@pytest.mark.parametrize("file_name", ["../x", "/etc/passwd", "a//b", ".", "..", "a\\b", "C:x", "~/x", "a\x00"])
def test_impossible_file_names_are_refused(file_name, define):
    """An explicit file name is portable and relative, or refused."""
    with pytest.raises(DefinitionError) as caught:
        define("x", format="list", file_name=file_name)

    assert "refused" in str(caught.value)


def test_a_file_name_may_have_folders(define):
    """Names with folders are fine."""
    assert "2026/11/iocs.txt" == define("x", format="list", file_name="2026/11/iocs.txt").file_name


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("My Export", {}), ("my_export", {})),
        (("a/b", {}), ("a?b", {})),
        (("ab é", {}), ("ab ü", {})),
        (("x", {"file_name": "List.TXT"}), ("y", {"file_name": "list.txt"})),
        (("x", {}), ("y", {"file_name": "x.txt"})),
    ],
)
def test_no_two_exports_write_one_file(first, second, define):
    """An export whose file another one writes is refused, whatever the case of the letters; both are named."""
    define(first[0], format="list", **first[1])

    with pytest.raises(DefinitionError) as caught:
        define(second[0], format="list", **second[1])

    assert first[0] in str(caught.value)
    assert "--file-name" in str(caught.value)


def test_the_default_place_said_explicitly_is_the_same_place(define, settings):
    """A clash is found between an export without a place and one that names the default place."""
    define("x", format="list")

    with pytest.raises(DefinitionError):
        define("y", format="list", file_name="x.txt", destination=settings.export_path + "/")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{tmp}/a", "{tmp}/a/"),
        ("{tmp}/a", "{tmp}/./a"),
        ("{tmp}/a", "{tmp}//a"),
        ("{tmp}/a", "{tmp}/b/../a"),
        ("{tmp}/a", "a"),
        ("{tmp}/a", "link"),
        ("{tmp}/a", "~/a"),
        ("s3://bucket/p", "s3://bucket/p/"),
        ("{tmp}/a", "tee://s3://bucket/x,{tmp}/a"),
        ("tee://{tmp}/a,{tmp}/b", "tee://{tmp}/c,{tmp}/b/"),
        ("s3://bucket/a", "s3://bucket/a?storage-class=STANDARD_IA"),
    ],
)
def test_one_place_in_two_spellings(one, other, define, tmp_path, monkeypatch):
    """A clash is found however the place is spelled."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    define("x", format="list", destination=one.format(tmp=tmp_path))

    with pytest.raises(DefinitionError, match=r"'x' is published as x\.txt"):
        define("y", format="list", file_name="X.txt", destination=other.format(tmp=tmp_path))


@pytest.mark.parametrize(
    "fields",
    [
        {"description": "caf\udce9"},
        {"selection": Selection(include=("caf\udce9",))},
        {"selection": Selection(sources=("caf\udce9",))},
        {"limits": {"most": "\udce9"}},
        {"destination": "/tmp/caf\udce9"},
        {"destination": "/tmp/a\0b"},
        {"destination": "/tmp/a\nb"},
    ],
)
def test_what_is_no_text_is_refused(fields, define):
    """Bytes on a command line that are no UTF-8 are refused before anything tries to keep them."""
    with pytest.raises(DefinitionError, match=r"not text|cannot be printed"):
        define("x", format="list", **fields)


@pytest.mark.parametrize("file_name", ["SHA256SUMS", "sha256sums", "lists/SHA256SUMS", "SHA256SUMS.minisig"])
def test_the_name_of_the_checksums_is_not_free(file_name, define):
    """The checksums beside published files, and their signature, would be written over the list of an export."""
    with pytest.raises(DefinitionError, match="is that of the checksums beside published files; --file-name"):
        define("x", format="list", file_name=file_name)


@pytest.mark.parametrize("suffix", [".minisig", ".delta.jsonl", ".delta.jsonl.minisig"])
def test_what_stands_beside_a_file_is_in_nobodys_way(suffix, define):
    """Neither of two exports may have the name of the other's signature or changes, whichever is made first."""
    define("x", format="list")
    define("b", format="list", file_name=f"b.txt{suffix}")

    with pytest.raises(DefinitionError, match=rf"x\.txt{suffix} is in the way of .* x\.txt of the export 'x'"):
        define("y", format="list", file_name=f"x.txt{suffix}")
    with pytest.raises(DefinitionError, match=r"b\.txt is in the way of"):
        define("c", format="list", file_name="b.txt")


def test_a_name_like_that_of_a_signature_is_free_where_nothing_is_signed_under_it(define):
    """Only a clash is refused, not the suffix."""
    assert "other.minisig" == define("x", format="list", file_name="other.minisig").file_name


def test_a_home_folder_of_nobody_is_the_storages_to_refuse(define):
    """A place that cannot be understood is compared as it is."""
    assert "~nobody-of-that-name/x" == define("x", format="list", destination="~nobody-of-that-name/x").destination


def test_a_folder_of_the_name_is_part_of_the_place(define, tmp_path):
    """A file name with a folder may mean the file of an export whose place is that folder."""
    define("x", format="list", destination=f"{tmp_path}/a")

    with pytest.raises(DefinitionError, match=r"'x' is published as x\.txt"):
        define("y", format="list", file_name="a/x.txt", destination=str(tmp_path))


def test_an_edit_may_not_move_onto_another_file(define, store, settings, tmp_path):
    """Moving an export to where another one of that file name is, is refused."""
    define("x", format="list", destination=str(tmp_path))
    made = define("y", format="list", file_name="x.txt")

    with pytest.raises(DefinitionError, match=r"'x' is published as x\.txt"):
        definition.validate(
            store, replace(made, destination=f"{tmp_path}/."), default_destination=settings.export_path
        )


def test_moving_a_published_export_says_what_stays(define, store, settings, fill, tmp_path):
    """The file at the old place stays as it is for ever, so whoever moves an export is told."""
    made = define("x", format="list")
    moved = replace(made, destination=str(tmp_path / "elsewhere"))
    assert not [text for text in doubts.warnings(store, moved) if "old place" in text]
    run_export(store, "x", settings, now=NOW)

    assert [text for text in doubts.warnings(store, moved) if "old place" in text]
    assert not [text for text in doubts.warnings(store, made) if "old place" in text]


def test_two_places_may_hold_one_name(define, tmp_path):
    """In another place the same name is another file."""
    define("x", format="list")

    assert "x.txt" == define("y", format="list", file_name="x.txt", destination=str(tmp_path / "other")).file_name


def test_a_taken_name_is_refused(define):
    """Names are unique."""
    define("x", format="list")

    with pytest.raises((AlreadyExists, DefinitionError)):
        define("x", format="list", file_name="other.txt")


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"format": "cvs"}, ["unknown format 'cvs'", "did you mean 'csv'", "list"]),
        ({"format": "list", "template": "t"}, ["either"]),
        ({}, ["either"]),
        ({"template": "my-templat"}, ["unknown template 'my-templat'", "did you mean 'my-template'"]),
        ({"template": "my-template", "options": {"columns": "value"}}, ["options belong to a format"]),
        ({"format": "csv", "options": {"colums": "value"}}, ["no option 'colums'", "did you mean 'columns'"]),
        ({"format": "list", "options": {"x": "y"}}, ["no option 'x'", "none"]),
        ({"format": "csv", "options": {"columns": "vaule"}}, ["no column 'vaule'", "did you mean 'value'"]),
        ({"format": "csv", "options": {"columns": "value,value"}}, ["each once"]),
        ({"format": "csv", "options": {"columns": ""}}, ["at least one column"]),
        ({"format": "csv", "options": {"header": "perhaps"}}, ["yes or no", "perhaps"]),
        ({"format": "list", "schedule": "hourly"}, ["begins with every: or cron:"]),
        ({"format": "list", "schedule": "every:0"}, ["above 0"]),
        ({"format": "list", "schedule": "every:1h"}, ["above 0"]),
        ({"format": "list", "schedule": "cron:30 4 * *"}, ["five fields"]),
        ({"format": "list", "schedule": "cron:a;b 4 * * *"}, ["five fields"]),
        ({"format": "list", "limits": {"least-entries": "1"}}, ["no limit 'least-entries'", "did you mean"]),
        ({"format": "list", "limits": {"loss": "50"}}, ["the limit loss is a share such as 50%"]),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(fields, parts, store, define):
    """Unknown formats, templates, options and schedules are refused; the message says what there is."""
    kept_templates.put_template(store, "my-template", "{% for r in data %}{% endfor %}", NOW)

    with pytest.raises(DefinitionError) as caught:
        define("x", **fields)

    assert [] == [part for part in parts if part not in str(caught.value)]


def test_types_that_the_format_cannot_express_are_refused(define):
    """A list of one value a line has no room for rules."""
    with pytest.raises(DefinitionError) as caught:
        define("x", Selection(types=("ipv4", "rule")), format="list")

    assert "cannot express rule" in str(caught.value)


def test_unknown_types_are_refused(define):
    """A type that does not exist selects nothing, so it is refused."""
    with pytest.raises(DefinitionError) as caught:
        define("x", Selection(types=("ipv5",)), format="list")

    assert "did you mean 'ipv" in str(caught.value)


def test_limits_are_kept_as_they_are(define, store):
    """Limits are data for the gate."""
    define("x", format="list", limits={"allow": "documentation", "most": "10"})

    assert {"allow": "documentation", "most": "10"} == definitions.get_export(store, "x").limits


@pytest.mark.parametrize("schedule", ["", "every:3600", "cron:30 4 * * *", "cron:*/5 0-6 1,15 JAN-MAR MON"])
def test_schedules(schedule, define):
    """A number of seconds, or a cron expression of five fields."""
    assert schedule == define("x", format="list", schedule=schedule).schedule


def test_an_unknown_tag_is_warned_of(define, store, fill):
    """A tag that no observable has is probably a slip; the nearest is named, and a known spelling is silent."""
    fill(claim("a.example", "hostname", "Botnet C2"))
    made = define("x", Selection(types=("hostname",), include=("botnet c2", "botnet-c3")), format="list")

    warnings = doubts.warnings(store, made)

    assert 1 == len(warnings)
    assert "'botnet-c3'" in warnings[0]
    assert "did you mean 'botnet_c2'" in warnings[0]


@pytest.mark.parametrize(
    ("schedule", "is_warned_of"), [("every:1", True), ("every:59", True), ("every:60", False)]
)
def test_a_schedule_of_seconds_is_warned_of(define, store, schedule, is_warned_of):
    """Each run is a row for as long as runs are kept."""
    made = define("x", Selection(types=("hostname",)), format="list", schedule=schedule)

    warned_of = [text for text in doubts.warnings(store, made) if "less than a minute" in text]

    assert is_warned_of == bool(warned_of)


def test_an_export_without_types_says_so(define, store):
    """Without --type an export takes all its format can express, and says so."""
    warnings = doubts.warnings(store, define("x", format="list"))

    assert ["no --type is given: it takes every type that list can express"] == list(warnings)


def test_a_template_that_is_rendered_whole_says_so(define, store):
    """Whoever uses a template that cannot be batched learns of its bound before it is met."""
    kept_templates.put_template(store, "counts", "{{ data|length }}", NOW)

    warnings = doubts.warnings(store, define("x", template="counts"))

    assert "template.row_limit" in warnings[0]


def test_an_edit_is_checked_like_a_new_export(define, store, settings):
    """What cannot be added cannot be edited to, either; an export does not clash with itself."""
    made = define("x", format="csv")
    definition.validate(store, made, default_destination=settings.export_path)

    with pytest.raises(DefinitionError):
        definition.validate(store, replace(made, options={"nope": "1"}), default_destination=settings.export_path)
