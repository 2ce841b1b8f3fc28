"""Runs: what is published, what is left alone, and what stands when something fails."""

import hashlib
import random
from pathlib import Path

import pytest
from export_samples import LATER, NOW, claim

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import ExportBusy, NotFound, RenderError, StorageError, StorageFull, TemplateError, YetiError
from core.exports import render
from core.exports.gate import rules
from core.exports.lease import Clock, held
from core.exports.remove import remove_export
from core.exports.run import run_export
from core.exports.select import is_little
from core.schemas.export import PublishedFile, Selection
from core.schemas.instant import DAY
from core.store import definitions, kept_templates, leases, runs, versions

FIVE_METHODS = """
class Box:
    PREFIX = "box://"
    BOXES = {}
    FAIL = []
    MANGLE = []

    def __init__(self, path):
        self.path = path
        self.box = self.BOXES.setdefault(path, {})

    def file_path(self, file_name):
        return f"{self.path}/{file_name}"

    def get_file(self, file_name):
        if file_name not in self.box:
            raise FileNotFoundError(file_name)
        return self.box[file_name]

    def put_file(self, file_name, contents):
        if self.FAIL:
            raise self.FAIL[0]
        self.box[file_name] = contents.replace("\\n", "\\r\\n") if self.MANGLE else contents

    def delete_file(self, file_name):
        self.box.pop(file_name, None)
"""

TWO_FILES = """
NAME, MEANING, MEDIA_TYPE, SUFFIX, TYPES, OPTIONS = "two", "two files", "text/plain", ".two", None, {}


def render(rows, out, options):
    files = {True: out.open(), False: out.open("rest.two")}
    for batch in rows:
        for row in batch:
            files[row.type == "hostname"].write(row.value + "\\n", 1)
"""


@pytest.fixture
def three(fill):
    """Three host names."""
    fill(*(claim(f"{letter}.example", "hostname", "c2") for letter in "cab"))


def test_a_run_publishes_and_says_what(three, define, store, settings, published):
    """The result has name, place, size and SHA-256 of the file; the store has run and version."""
    define("x", format="list")
    data = b"a.example\nb.example\nc.example\n"

    result = run_export(store, "x", settings, now=LATER)

    assert data == published("x.txt")
    file = result.files[0]
    assert ("completed", "created", 3, 0, 1) == (
        result.status,
        result.outcome,
        result.entries,
        result.refused,
        result.version,
    )
    assert ("x.txt", len(data), hashlib.sha256(data).hexdigest(), 3) == (
        file.name,
        file.size_bytes,
        file.sha256,
        file.entries,
    )
    assert str(Path(settings.export_path) / "x.txt") == file.location
    last = runs.last_run(store, "x")
    assert ("completed", "created", 1, 3, "") == (
        last.status,
        last.outcome,
        last.version,
        last.entries,
        last.message,
    )
    version = versions.current_version(store, "x")
    assert (
        1,
        3,
        LATER,
        [PublishedFile(file.name, file.media_type, file.size_bytes, file.sha256, file.entries)],
    ) == (
        version.number,
        version.entries,
        version.instant,
        list(version.files),
    )


def test_unchanged_content_is_left_alone(three, define, store, settings):
    """A second run with the same bytes touches nothing and makes no version."""
    define("x", format="list")
    run_export(store, "x", settings, now=LATER)
    before = (Path(settings.export_path) / "x.txt").stat()

    result = run_export(store, "x", settings, now=LATER + DAY)

    after = (Path(settings.export_path) / "x.txt").stat()
    assert ("unchanged", 1) == (result.outcome, result.version)
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert 1 == len(versions.versions(store, "x"))


@pytest.mark.parametrize("harm", ["gone", "altered", "cut"])
def test_a_published_file_that_was_harmed_is_put_back(harm, three, define, store, settings, published):
    """Unchanged content is published again if the file is gone or is another; it is the same version."""
    define("x", format="list")
    run_export(store, "x", settings, now=LATER)
    file, data = Path(settings.export_path) / "x.txt", published("x.txt")
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(data.upper() if harm == "altered" else data[:5])

    result = run_export(store, "x", settings, now=LATER + 1)

    assert data == published("x.txt")
    assert ("created" if harm == "gone" else "replaced", 1) == (result.outcome, result.version)


def test_a_change_is_a_new_version(three, define, store, settings, fill, published):
    """What changed is replaced, and counted."""
    define("x", format="list")
    run_export(store, "x", settings, now=LATER)
    fill(claim("d.example", "hostname", "c2"), now=LATER)

    result = run_export(store, "x", settings, now=LATER + 1)

    assert b"a.example\nb.example\nc.example\nd.example\n" == published("x.txt")
    assert ("replaced", 2, 4) == (result.outcome, result.version, result.entries)
    assert [2, 1] == [version.number for version in versions.versions(store, "x")]


@pytest.mark.parametrize("form", ["list", "csv", "jsonl", "template"])
def test_the_order_of_import_does_not_matter(form, tmp_path, settings, new_databases):
    """The same claims at the same instant give the same bytes, whatever the order they came in."""
    from core.exports.definitions import definition
    from core.store import open_store

    claims = [
        claim(f"{n:03}.example", "hostname", *tags) for n, tags in enumerate([("b", "a"), ("a",), ("ü", "A")] * 20)
    ]
    claims += [claim(f"198.51.100.{n}", "ipv4", "a") for n in range(20)]
    digests = set()
    for order in range(3):
        shuffled = random.Random(order).sample(claims, len(claims))
        with open_store(new_databases.at(tmp_path / f"{order}.db")) as store:
            with store.import_session(NOW) as session:
                session.add(shuffled)
            kept_templates.put_template(store, "t", "{% for row in data %}{{ row|tojson }}\n{% endfor %}", NOW)
            chosen = {"template": "t"} if form == "template" else {"format": form}
            chosen |= {"limits": {"allow": "documentation"}, "default_destination": "x"}
            made = definition.make(store, "x", selection=Selection(), **chosen, now=NOW)
            definitions.add_export(store, made)
            digests.add(run_export(store, "x", settings, now=LATER).files[0].sha256)

    assert 1 == len(digests)


def test_yetis_selection(fill, define, store, settings, published):
    """Include, exclude and ignore select as in Yeti; what has no tag that counts is not there."""
    fill(
        claim("asd1.com", "hostname", "c2", "legit"),
        claim("asd2.com", "hostname", "c2"),
        claim("asd3.com", "hostname", "c2", "exclude"),
        claim("asd4.com", "hostname", "legit"),
    )
    expected = {
        "all": (Selection(), "1234"),
        "no-c2": (Selection(exclude=("c2",)), "4"),
        "c2": (Selection(include=("c2",), exclude=("exclude",)), "12"),
        "ignore": (Selection(ignore=("legit",)), "123"),
    }
    for name, (selection, _) in expected.items():
        define(name, selection, format="list")
        run_export(store, name, settings, now=LATER)

    assert {name: digits for name, (_, digits) in expected.items()} == {
        name: "".join(line[3:4] for line in published(f"{name}.txt").decode().splitlines()) for name in expected
    }


def test_an_export_by_template(three, define, store, settings, published):
    """A template sees value, type, tags with freshness, dates and context; its export has no suffix."""
    text = (
        "value,type,tags\n{% for row in data %}{{ row.value }},{{ row.type }},"
        '"{{ row.tags|selectattr("fresh")|map(attribute="name")|join(";") }}"\n{% endfor %}\n'
    )
    kept_templates.put_template(store, "mine", text, NOW)
    define("My List", template="mine")

    result = run_export(store, "My List", settings, now=LATER)

    assert (
        b'value,type,tags\na.example,hostname,"c2"\nb.example,hostname,"c2"\nc.example,hostname,"c2"\n'
        == published("my_list")
    )
    assert 3 == result.entries


TAGS = (
    "{% for r in data %}{% for t in r.tags %}{{ t.name }} {{ t.fresh }} {{ t.source }} {{ t.first_seen }} {{ t.expires }};"
    "{% endfor %}{% endfor %}"
)


def test_template_rows_merge_sources(fill, define, store, settings, published):
    """A tag is there once, fresh if any source keeps it so; dates span all sources."""
    fill(
        claim("a.example", "hostname", "c2", valid_until=NOW + 1, first_seen=NOW - DAY),
        claim("a.example", "hostname", "c2", source="other", first_seen=NOW - 2 * DAY),
        claim("a.example", "hostname", "old", valid_until=NOW + 1),
    )
    kept_templates.put_template(store, "t", TAGS, NOW)
    define("x", template="t")
    run_export(store, "x", settings, now=NOW + 2 * DAY)

    assert (
        "c2 True other 2026-09-19 14:13:20+00:00 2026-12-20 14:13:20+00:00;"
        "old False feed None 2026-09-21 14:13:20.000001+00:00;"
    ) == published("x").decode()


def test_template_rows_drop_what_was_withdrawn(fill, define, store, settings, published):
    """What a source took back is not there."""
    fill(claim("a.example", "hostname", "c2"), claim("a.example", "hostname", "gone", source="third"))
    fill(claim("a.example", "hostname", "gone", source="third", withdrawn=True), now=NOW + DAY)
    kept_templates.put_template(store, "t", TAGS, NOW)
    define("x", template="t")
    run_export(store, "x", settings, now=NOW + 2 * DAY)

    assert "c2 True feed None 2026-12-20 14:13:20+00:00;" == published("x").decode()


def test_a_template_that_needs_all_rows_has_a_bound(three, define, store, settings, published):
    """Up to the bound it is rendered whole; above, the run fails, says why, and the old file stands."""
    from dataclasses import replace

    kept_templates.put_template(
        store, "t", "{{ data|length }} rows\n{% for row in data %}{{ loop.index }}{% endfor %}", NOW
    )
    define("x", template="t")
    run_export(store, "x", settings, now=LATER)
    assert b"3 rows\n123" == published("x")

    with pytest.raises(TemplateError) as caught:
        run_export(store, "x", replace(settings, template_row_limit=2), now=LATER)

    assert "template t: it is rendered whole because" in str(caught.value)
    assert "3 rows are more than template.row_limit (2)" in str(caught.value)
    assert b"3 rows\n123" == published("x")
    assert str(caught.value) == runs.last_run(store, "x").message


@pytest.mark.parametrize(
    "text",
    [
        "{% for row in data %}{{ row.value.x.y }}{% endfor %}",
        "{{ nothing }",
        "{% include 'x' %}",
        "{% for row in data %}{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}{% endfor %}",
    ],
)
def test_a_failing_template_leaves_the_old_file(text, three, define, store, settings, published):
    """A template that fails fails the run; the old file stands and the run says why."""
    kept_templates.put_template(store, "t", "{% for row in data %}{{ row.value }}{% endfor %}", NOW)
    define("x", template="t")
    run_export(store, "x", settings, now=LATER)
    kept_templates.put_template(store, "t", text, NOW, replace=True)

    with pytest.raises(TemplateError):
        run_export(store, "x", settings, now=LATER + 1)

    assert b"a.exampleb.examplec.example" == published("x")
    last = runs.last_run(store, "x")
    assert "failed" == last.status
    assert last.message.startswith("template t: ")


def test_little_or_nothing_selected_says_where_the_rest_went(fill, define, store, settings, published):
    """The steps of the selection are shown with what is left after each."""
    fill(
        claim("198.51.100.1", "ipv4", "c2"),
        claim("a.example", "hostname", "c2", "benign"),
        claim("b.example", "hostname", "scanner"),
    )
    define("x", Selection(types=("hostname",), include=("c2",), exclude=("benign",)), format="list")

    result = run_export(store, "x", settings, now=LATER)

    assert b"" == published("x.txt")
    assert (
        "nothing is selected: of these types 2 · tagged 2 · included 1 · not excluded 0 · valid 0 · exported 0"
        == result.notes[0]
    )


@pytest.mark.parametrize(
    ("candidates", "left", "expected"),
    [
        (0, 0, True),
        (8, 0, True),
        (8, 7, False),
        (8, 1, False),
        (10, 1, False),
        (11, 1, True),
        (90, 9, False),
        (91, 9, True),
        (1_000_000, 9, True),
        (1_000_000, 10, False),
    ],
)
def test_what_is_little(candidates, left, expected):
    """The steps are told of nothing, and of fewer than ten that are less than one in ten candidates."""
    assert expected == is_little([("of these types", candidates), ("exported", left)])


def test_few_of_few_is_not_worth_a_word(fill, define, store, settings):
    """An export that takes seven of eight observables says nothing of the eighth."""
    fill(*(claim(f"h{number}.example", "hostname", "c2" if number else "benign") for number in range(8)))
    define("x", Selection(types=("hostname",), include=("c2",)), format="list")

    notes = run_export(store, "x", settings, now=LATER).notes

    assert not any("is selected" in note for note in notes)


def test_an_export_of_an_empty_store(define, store, settings, published):
    """An empty store gives each format's empty form."""
    for form in ("list", "csv", "jsonl"):
        define(form, format=form)
        assert 0 == run_export(store, form, settings, now=LATER).entries

    assert (b"", b"value,type,tags,sources,first_seen,last_seen\r\n", b"") == tuple(
        published(name) for name in ("list.txt", "csv.csv", "jsonl.jsonl")
    )


def test_an_unknown_export(store, settings):
    """There is no such export."""
    with pytest.raises(NotFound):
        run_export(store, "nope", settings, now=NOW)


# --- publishing -----------------------------------------------------------------------------------------------


@pytest.fixture
def box(storage_plugins):
    """A storage whose client has five methods; what is in it, and switches to make it fail."""
    (storage_plugins / "box.py").write_text(FIVE_METHODS)
    client = type(get_client("box://lists"))
    client.BOXES["box://lists"] = {}
    return client


def test_a_client_with_five_methods(box, three, define, store, settings):
    """Any client will do; unchanged content is not put again."""
    define("x", format="list", destination="box://lists")

    first = run_export(store, "x", settings, now=LATER)
    second = run_export(store, "x", settings, now=LATER + 1)

    assert "a.example\nb.example\nc.example\n" == box.BOXES["box://lists"]["x.txt"]
    assert ("created", "unchanged") == (first.outcome, second.outcome)
    assert "box://lists/x.txt" == first.files[0].location


@pytest.mark.parametrize(
    "error", [OSError("the network is down"), RuntimeError("boom"), ValueError("no"), PermissionError("denied")]
)
def test_a_storage_that_fails_leaves_the_old_file(error, box, three, define, store, settings, fill):
    """Whatever a client raises, the run fails with an error of ours, the old file stands, the run says why."""
    define("x", format="list", destination="box://lists")
    run_export(store, "x", settings, now=LATER)
    fill(claim("new.example"), now=LATER)
    box.FAIL.append(error)

    with pytest.raises(StorageError) as caught:
        run_export(store, "x", settings, now=LATER + 1)

    assert "a.example\nb.example\nc.example\n" == box.BOXES["box://lists"]["x.txt"]
    last = runs.last_run(store, "x")
    assert ("failed", str(caught.value)) == (last.status, last.message)
    assert 1 == versions.current_version(store, "x").number
    assert [] == list(settings.spool_path.iterdir())
    box.FAIL.clear()
    assert "replaced" == run_export(store, "x", settings, now=LATER + 2).outcome


def test_a_client_that_changes_what_it_stores_is_caught(box, three, define, store, settings):
    """What a five-method client stored is read back and compared."""
    define("x", format="list", destination="box://lists")
    box.MANGLE.append(True)

    with pytest.raises(StorageError):
        run_export(store, "x", settings, now=LATER)

    assert "failed" == runs.last_run(store, "x").status


def test_a_place_that_cannot_be_written(three, define, store, settings, tmp_path):
    """A destination that is a file fails the run, in words."""
    (tmp_path / "file").write_text("x")
    define("x", format="list", destination=str(tmp_path / "file"))

    with pytest.raises(YetiError):
        run_export(store, "x", settings, now=LATER)

    assert "failed" == runs.last_run(store, "x").status


def test_a_spool_that_cannot_be_used(three, define, store, settings, tmp_path):
    """A spool folder that cannot be made fails the run, in words."""
    from dataclasses import replace

    (tmp_path / "file").write_text("x")
    define("x", format="list")

    with pytest.raises(RenderError) as caught:
        run_export(store, "x", replace(settings, spool_path=tmp_path / "file"), now=LATER)

    assert "spool folder" in str(caught.value)


def test_a_full_disk_is_said(three, define, store, settings, published, monkeypatch):
    """No space in the spool folder fails the run; the old file stands."""
    define("x", format="list")
    run_export(store, "x", settings, now=LATER)

    def full(self: object, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.exports.spool.SpoolFile.write_bytes", full)
    with pytest.raises(StorageFull) as caught:
        run_export(store, "x", settings, now=LATER + 1)

    assert "no space is left in the spool folder" in str(caught.value)
    assert b"a.example\nb.example\nc.example\n" == published("x.txt")


def test_a_format_that_fails_fails_the_run(format_plugins, three, define, store, settings):
    """Whatever a format raises, the run fails with an error of ours."""
    (format_plugins / "two.py").write_text(TWO_FILES.replace("row.value", "row.nothing"))
    define("x", format="two")

    with pytest.raises(RenderError) as caught:
        run_export(store, "x", settings, now=LATER)

    assert "the format two failed: AttributeError" in str(caught.value)
    assert "failed" == runs.last_run(store, "x").status


def test_a_set_of_files_is_published_whole(format_plugins, fill, define, store, settings, published):
    """A format may write several files; they are one version."""
    (format_plugins / "two.py").write_text(TWO_FILES)
    fill(claim("a.example"), claim("198.51.100.7", "ipv4"))
    define("x", format="two")

    result = run_export(store, "x", settings, now=LATER)

    assert (b"a.example\n", b"198.51.100.7\n") == (published("x.two"), published("rest.two"))
    assert ["x.two", "rest.two"] == [file.name for file in versions.current_version(store, "x").files]
    assert (2, "created") == (result.entries, result.outcome)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("    for batch in rows:\n", "    for batch in [next(rows)]:\n"),
        ('row.value + "\\n", 1)', 'row.value + "\\n", 2)'),
        ('row.value + "\\n", 1)', 'row.value + "\\n", 0)'),
    ],
)
def test_a_format_that_loses_or_invents_entries_is_held(
    change, reason, format_plugins, three, define, store, settings
):
    """What was read, written and refused must add up; otherwise nothing is published and the run is held."""
    (format_plugins / "two.py").write_text(TWO_FILES.replace(change, reason))
    define("x", format="two")

    result = run_export(store, "x", settings, now=LATER)

    assert "held" == result.status
    assert result.message
    assert ("held", result.message) == (runs.last_run(store, "x").status, runs.last_run(store, "x").message)
    assert not (Path(settings.export_path) / "x.two").exists()


def test_a_count_that_does_not_reconcile_is_held(three, define, store, settings, published, monkeypatch):
    """If fewer rows arrive than the selection has, nothing is published."""
    define("x", format="csv")
    run_export(store, "x", settings, now=LATER)
    old = published("x.csv")
    monkeypatch.setattr("core.store.snapshot.Snapshot.count", lambda self, selection, instant: 4)

    result = run_export(store, "x", settings, now=LATER)

    assert "held" == result.status
    assert "4 observables are selected, but 3 entries were written and 0 refused" in result.message
    assert old == published("x.csv")


@pytest.mark.parametrize(
    ("candidate", "reasons"),
    [
        (rules.Candidate(3, 3, 0, True), 0),
        (rules.Candidate(3, 1, 2, True), 0),
        (rules.Candidate(0, 0, 0, True), 0),
        (rules.Candidate(3, 2, 0, True), 1),
        (rules.Candidate(3, 4, 0, True), 1),
        (rules.Candidate(3, 3, 0, False), 1),
        (rules.Candidate(3, 1, 0, False), 2),
    ],
)
def test_the_gate(candidate, reasons):
    """A read that did not finish and a count that does not add up hold the run, each with its reason."""
    assert reasons == len(rules.judge(candidate).reasons)


# --- one at a time --------------------------------------------------------------------------------------------


def test_an_export_runs_once_at_a_time(three, define, store, settings):
    """While one run has it, a second is refused; afterwards it works."""
    define("x", format="list")
    with held(store, "x", Clock(LATER)), pytest.raises(ExportBusy):
        run_export(store, "x", settings, now=LATER)

    assert "created" == run_export(store, "x", settings, now=LATER).outcome


def test_a_run_that_was_taken_over_publishes_nothing(three, define, store, settings, monkeypatch):
    """A process that was paused beyond its claim finds it taken, and leaves the file alone."""
    define("x", format="list")
    plain = render.render

    def slow(*arguments: object, **options: object) -> object:
        rendered = plain(*arguments, **options)  # type: ignore[arg-type]
        leases.claim(store, "x", "another:1:1", LATER + 365 * DAY)
        return rendered

    monkeypatch.setattr("core.exports.budget.render", slow)
    with pytest.raises(ExportBusy):
        run_export(store, "x", settings, now=LATER)

    assert not (Path(settings.export_path) / "x.txt").exists()


def test_an_interrupted_run_is_recorded(three, define, store, settings, monkeypatch):
    """A run that is stopped from the keyboard is not left running."""
    define("x", format="list")

    def stop(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("core.exports.budget.render", stop)
    with pytest.raises(KeyboardInterrupt):
        run_export(store, "x", settings, now=LATER)

    assert "failed" == runs.last_run(store, "x").status
    assert [] == list(settings.spool_path.iterdir())


# --- removing -------------------------------------------------------------------------------------------------


def test_removing_an_export_keeps_its_file(three, define, store, settings, published):
    """The file stays where consumers fetch it."""
    define("x", format="list")
    run_export(store, "x", settings, now=LATER)

    kept, deleted = remove_export(store, "x", settings, purge=False, now=LATER)

    assert ((str(Path(settings.export_path) / "x.txt"),), ()) == (kept, deleted)
    assert published("x.txt")
    with pytest.raises(NotFound):
        definitions.get_export(store, "x")
    assert 3 == len(list(Path(settings.versions_path).iterdir()))


def test_purging_an_export_deletes_its_file(three, define, store, settings):
    """With purge the file goes, too, and so do its versions."""
    define("x", format="list")
    run_export(store, "x", settings, now=LATER)

    kept, deleted = remove_export(store, "x", settings, purge=True, now=LATER)

    assert ((), (str(Path(settings.export_path) / "x.txt"),)) == (kept, deleted)
    assert [] == list(Path(settings.export_path).iterdir())
    assert [] == list(Path(settings.versions_path).iterdir())


def test_removing_an_export_that_never_ran(define, store, settings):
    """There is no file to keep."""
    define("x", format="list")

    assert ((), ()) == remove_export(store, "x", settings, purge=True, now=LATER)


@pytest.mark.s3
def test_published_to_s3(three, define, store, settings, s3_bucket):
    """The same export goes to a bucket; unchanged content keeps its ETag."""
    define("x", format="csv", destination=f"s3://{s3_bucket}/lists")

    first = run_export(store, "x", settings, now=LATER)
    storage = Storage(get_client(f"s3://{s3_bucket}/lists"))
    before = storage.stat("x.csv")
    second = run_export(store, "x", settings, now=LATER + 1)

    assert ("created", "unchanged") == (first.outcome, second.outcome)
    assert before == storage.stat("x.csv")
    assert "text/csv; charset=utf-8" == before.content_type
    assert storage.read_text("x.csv").startswith("value,type,tags")
