"""An import: many files, merged into a store, and told in numbers."""

import json
import os

import pytest

from core.errors import DefinitionError
from core.ingest.reader import Options
from core.ingest.run import import_paths
from core.schemas.export import Selection
from core.schemas.instant import DAY
from core.store import open_store
from core.store.allow_lists.lists import allow_lists
from core.store.kept_templates import templates
from core.store.observables import count
from core.store.snapshot import Column
from core.values.dates import instant

NOW = instant("2026-11-22T10:00:00Z")
LINE = ('{"type":"', Column.TYPE, '","value":', Column.VALUE_JSON, ',"assertions":', Column.ASSERTIONS_JSON,
        ',"context":', Column.CONTEXT_JSON, "}\n")  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """Return a function that writes files into a folder, and the folder."""
    root = tmp_path / "in"
    root.mkdir()

    def write(files):
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    return write


@pytest.fixture
def run(store):
    """Return a function that imports and gives the report and what was refused."""

    def run(*paths, now=NOW, format="auto", snapshot=False, **options):
        refused = []
        report = import_paths(
            store,
            paths,
            Options(**options),
            now=now,
            format=format,
            snapshot=snapshot,
            on_refusal=lambda path, refusal: refused.append((path.name, refusal.line, refusal.reason)),
        )
        return report, refused

    return run


def exported(store, at=NOW, **selection):
    """Return the lossless lines of what is valid."""
    with store.snapshot() as snapshot:
        return "".join(snapshot.lines(Selection(**selection), at, LINE))


def values(store, at=NOW, **selection):
    """Return the values of what is valid."""
    return [json.loads(line)["value"] for line in exported(store, at, **selection).splitlines()]


def test_a_folder_is_read_whole(folder, run, store):
    """Every file of a folder is recognised and read; hidden ones and what is about the data are left out."""
    root = folder(
        {
            "a.txt": "192.0.2.1\n",
            "b/c.csv": "value,type\nevil.example,domain\n192.0.2.1,ip\n",
            "README.md": "see 203.0.113.9\n",
            "LICENSE": "203.0.113.9\n",
            ".hidden": "203.0.113.9\n",
            "b/.git/x.txt": "203.0.113.9\n",
            "allow.json": json.dumps({"name": "ok", "type": "cidr", "list": ["192.0.2.0/24"], "version": 1}),
            "lines.jinja2": "{% for row in data %}{{ row.value }}\n{% endfor %}",
        }
    )
    report, refused = run(root)

    assert refused == []
    assert (report.files, report.refused_files, report.rows, report.refused) == (4, 0, 3, 0)
    assert report.observables == {"ipv4": 1, "hostname": 1}
    assert (report.new, report.updated, report.unchanged) == (2, 0, 0)
    assert (report.templates, report.allow_list_entries) == (1, 1)
    assert count(store) == {"ipv4": 1, "hostname": 1}
    assert [kept.name for kept in allow_lists(store)] == ["ok"]
    assert [template.name for template in templates(store)] == ["lines"]


def test_a_file_named_is_read_whatever_it_is_called(folder, run):
    """What the user names is read, also if a folder's walk would leave it out."""
    root = folder({"README.md": "192.0.2.1\n", ".list": "192.0.2.2\n"})
    report, _ = run(root / "README.md", root / ".list")

    assert report.observables == {"ipv4": 2}


def test_a_second_import_changes_nothing(folder, run, store):
    """The same files again are unchanged, and the store's lines are the same to the byte."""
    root = folder({"a.csv": "value,tags,first_seen\n192.0.2.1,c2,2024-01-01\n192.0.2.2,,\n"})
    run(root)
    before = exported(store)
    report, _ = run(root, now=NOW + DAY)

    assert (report.new, report.updated, report.unchanged) == (0, 0, 2)
    assert before == exported(store, NOW + DAY)


def test_one_bad_file_stops_no_other(folder, run):
    """A file that cannot be read is told with its reason; the others go in."""
    root = folder(
        {"a.txt": "192.0.2.1\n", "b.json": '{"broken', "c.txt": "", "d.html": "<html>", "e.txt": "192.0.2.2\n"}
    )
    report, refused = run(root, root / "missing.txt")

    assert report.observables == {"ipv4": 2}
    assert (report.files, report.refused_files, report.refused) == (6, 4, 0)
    assert [(name, line) for name, line, _ in refused] == [
        ("b.json", 0), ("c.txt", 0), ("d.html", 0), ("missing.txt", 0)
    ]  # fmt: skip
    assert "could not be read: is empty" in refused[1][2]
    assert "No such file" in refused[3][2]


def test_a_refused_row_counts_and_stops_no_other(folder, run):
    """Rows are claims and refused rows; a refused date of a row that went in is no row of its own."""
    root = folder({"a.csv": "ip,first_seen\n192.0.2.1,2024-02-30\n192.0.2.300,2024-01-01\n192.0.2.2,2024-01-01\n"})
    report, refused = run(root)

    assert (report.rows, report.refused, report.observables) == (3, 2, {"ipv4": 2})
    assert [line for _, line, _ in refused] == [2, 3]


def test_the_source_is_the_tag_of_untagged_input(folder, run, store):
    """Without tags a value is tagged with its source: the name given, or else that of the file."""
    root = folder({"bad.txt": "192.0.2.1\n"})
    run(root)
    run(root, source="Ours", tags=())

    assert values(store, include=("bad.txt",)) == ["192.0.2.1"]
    assert values(store, sources=("Ours",)) == ["192.0.2.1"]


def test_a_snapshot_ends_what_is_listed_no_more(folder, run, store):
    """What the source listed before and lists no more ends; other sources are untouched."""
    root = folder({"a.txt": "192.0.2.1\n192.0.2.2\n", "b.txt": "192.0.2.2\n203.0.113.1\n"})
    run(root / "a.txt", source="A")
    run(root / "b.txt", source="B")
    folder({"a.txt": "192.0.2.1\n"})
    report, _ = run(root / "a.txt", source="A", snapshot=True, now=NOW + DAY)

    assert report.ended == 1
    assert report.notes == []
    assert values(store, NOW + DAY, sources=("A",)) == ["192.0.2.1"]
    assert values(store, NOW + DAY) == ["192.0.2.1", "192.0.2.2", "203.0.113.1"]


@pytest.mark.parametrize("content", ["", "# nothing today\n", "<html>503</html>", "only words\n"])
def test_a_snapshot_of_nothing_ends_nothing(folder, run, store, content):
    """An empty file, an error page or a list without a value never empties a source; a note says so."""
    root = folder({"a.txt": "192.0.2.1\n"})
    run(root, source="A")
    folder({"a.txt": content})
    report, _ = run(root, source="A", snapshot=True, now=NOW + DAY)

    assert report.ended == 0
    assert len(report.notes) == 1
    assert "nothing of it was ended" in report.notes[0]
    assert values(store, NOW + DAY) == ["192.0.2.1"]


def test_a_snapshot_of_a_torn_file_ends_nothing(folder, run, store):
    """A file of the source that breaks off may still list what was not read."""
    both = [{"value": "192.0.2.1"}, {"value": "192.0.2.2"}]
    root = folder({"a.json": json.dumps(both)})
    run(root, source="A", format="jsonl")
    folder({"a.json": json.dumps(both)[:-12]})
    report, refused = run(root, source="A", format="jsonl", snapshot=True, now=NOW + DAY)

    assert report.ended == 0
    assert len(refused) == 1
    assert "could not be read whole" in report.notes[0]
    assert values(store, NOW + DAY) == ["192.0.2.1", "192.0.2.2"]


def test_our_own_export_comes_back_byte_for_byte(folder, run, store, tmp_path, new_databases):
    """What is exported as JSON lines, read into an empty store and exported again is the same."""
    root = folder(
        {
            "a.csv": "value,tags,source,first_seen,valid_until,confidence,tlp,note\n"
            'evil.example,"C2;South Korea",CERT,2024-01-01,2030-01-01,85,amber+strict,"a ""b"" \u00fc"\n'
            "evil.example,seen,Sensor,2023-05-05T01:02:03.000004Z,,,,x\n"
            "http://evil.example/\u00e4?a=1&b=2,c2,CERT,,,,green,\n",
            "b.txt": "192.0.2.1 # note\n2001:db8::/32\n",
        }
    )
    run(root)
    before = exported(store)
    path = tmp_path / "export.jsonl"
    path.write_text(before, encoding="utf-8")
    with open_store(new_databases.at(tmp_path / "other.db")) as other:
        report = import_paths(other, [path], Options(), now=NOW)

        assert report.refused == 0
        assert before.count("\n") == 4
        assert before == exported(other)


def test_an_unknown_format_is_a_mistake(run):
    """A word that is no format is refused before anything is read; the message lists the known ones."""
    with pytest.raises(DefinitionError, match="unknown format 'cvs'; known: auto, csv, jsonl, misp"):
        run(format="cvs")


def test_a_folder_without_files_is_told(folder, run):
    """An empty folder is no silent success."""
    report, refused = run(folder({".keep": ""}))

    assert report.refused_files == 1
    assert "without a file" in refused[0][2]


def test_what_is_no_regular_file_is_not_waited_for(folder, run):
    """A pipe without a writer would hold the import for ever."""
    pipe = folder({}) / "pipe"
    os.mkfifo(pipe)
    report, refused = run(pipe)

    assert report.refused_files == 1
    assert "not a regular file" in refused[0][2]


def test_stale_assertions_are_counted(folder, run):
    """An import says how much of it is past its end already."""
    root = folder({"a.csv": "ip,valid_until\n192.0.2.1,2020-01-01\n192.0.2.2,2030-01-01\n"})
    report, _ = run(root)

    assert report.stale == 1


def test_bytes_read_are_told_for_a_progress_bar(folder, store):
    """The bytes told while reading are those of the files."""
    root = folder({"a.txt": "192.0.2.1\n" * 1000, "b.csv": "ip\n" + "192.0.2.2\n" * 1000})
    told = []
    import_paths(store, [root], now=NOW, on_bytes=told.append)

    assert sum(told) == sum(path.stat().st_size for path in root.iterdir())


def test_a_strange_file_name_is_a_source_on_one_line(folder, run, store):
    """What a file is called cannot break a line, send a terminal commands, or make its values unkeepable."""
    root = folder({"a\nb\x1b[31m.txt": "192.0.2.1\n"})
    (root / os.fsdecode(b"c\xff.txt")).write_text("192.0.2.2\n")

    report, refused = run(root)

    assert refused == []
    assert [result.sources for result in report.results] == [{"a b\ufffd[31m.txt"}, {"c\ufffd.txt"}]


def test_a_link_to_nothing_ends_nothing(folder, run):
    """A file of a folder that vanished behind its link is reported, and a snapshot knows that it is missing."""
    root = folder({"a.txt": "192.0.2.1\n", "b.txt": "192.0.2.2\n"})
    run(root, source="list")
    (root / "b.txt").unlink()
    (root / "b.txt").symlink_to("gone")

    report, refused = run(root, source="list", now=NOW + DAY, snapshot=True)

    assert refused == [("b.txt", 0, "could not be read: No such file or directory")]
    assert (report.refused_files, report.ended) == (1, 0)


def test_pipes_and_loops_are_passed_over(folder, run):
    """A walk through a folder neither waits for a pipe nor follows a link into its own folder."""
    root = folder({"sub/a.txt": "192.0.2.1\n"})
    os.mkfifo(root / "pipe.txt")
    os.mkfifo(root / "manifest.json")
    (root / "sub" / "again").symlink_to("..")

    report, refused = run(root)

    assert (report.files, report.rows, refused) == (1, 1, [])


def test_a_pipe_in_a_feed_is_not_waited_for(folder, run):
    """An event of a MISP feed that is no regular file is reported."""
    root = folder({"manifest.json": json.dumps({"u": {"info": "x", "Orgc": {"name": "A"}}})})
    os.mkfifo(root / "u.json")

    assert run(root)[1] == [("u.json", 0, "could not be read: is not a regular file")]
    assert run(root / "manifest.json")[1] == [("manifest.json", 0, "event file u.json: is not a regular file")]
