"""``yetictl import``: what goes in, what is refused, and with which exit status."""

import json

from unprivileged import as_nobody, folder_of_nobody


def test_import_counts_what_it_did(yetictl, tmp_path):
    """``--json`` prints one object: files, rows, distinct observables by type, new, updated, unchanged, refused."""
    (tmp_path / "feed.csv").write_text("value,type,tags\n192.0.2.1,ip,c2\n192.0.2.2,ip,c2\n300.1.1.1,ip,c2\n")

    done = yetictl("import", "feed.csv", "--json")

    expected = {"files": 1, "refused_files": 0, "rows": 3, "observables": {"ipv4": 2}, "new": 2, "updated": 0,
                "unchanged": 0, "refused": 1}  # fmt: skip
    assert expected == {key: done.json[key] for key in expected}


def test_refused_row_is_said_with_file_line_and_reason(yetictl, tmp_path):
    """A row that cannot be taken names its file and line; the others go in and the exit status is 0."""
    (tmp_path / "feed.csv").write_text("value,type\n192.0.2.1,ip\n300.1.1.1,ip\n192.0.2.3,ip\n")

    done = yetictl("import", "feed.csv")

    assert "refused  feed.csv:3  not an IPv4 address" in done.err
    assert "300.1.1.1" in done.err
    assert {"ipv4": 2} == yetictl("observable", "count", "--json").json


def test_strict_makes_a_refused_row_a_failure(yetictl, tmp_path):
    """With ``--strict`` the exit status is 1, and what could be read is in all the same."""
    (tmp_path / "feed.csv").write_text("value,type\n192.0.2.1,ip\n300.1.1.1,ip\n")

    yetictl("import", "feed.csv", "--strict", status=1)

    assert {"ipv4": 1} == yetictl("observable", "count", "--json").json


def test_unreadable_file_is_a_failure_that_costs_no_other(yetictl, tmp_path):
    """A file that cannot be read at all gives exit status 1; the others are imported."""
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    (tmp_path / "list.txt").write_text("192.0.2.1\n")

    done = yetictl("import", "picture.png", "missing.csv", "list.txt", "--json", status=1)

    assert (3, 2, 1) == (done.json["files"], done.json["refused_files"], done.json["new"])
    assert "picture.png" in done.err
    assert "missing.csv" in done.err


def test_second_import_changes_nothing(yetictl, tmp_path):
    """The same file again is unchanged, whole."""
    (tmp_path / "list.txt").write_text("192.0.2.1\n192.0.2.2\n")
    yetictl("import", "list.txt", "--tag", "c2")

    again = yetictl("import", "list.txt", "--tag", "c2", "--json").json

    assert (0, 0, 2) == (again["new"], again["updated"], again["unchanged"])


def test_snapshot_ends_what_is_listed_no_more(yetictl, tmp_path):
    """With ``--snapshot`` a value that the source lists no more leaves the exports; it is not withdrawn."""
    (tmp_path / "list.txt").write_text("192.0.2.1\n192.0.2.2\n")
    yetictl("import", "list.txt", "--source", "feed", "--tag", "c2")
    (tmp_path / "list.txt").write_text("192.0.2.2\n")

    done = yetictl("import", "list.txt", "--source", "feed", "--tag", "c2", "--snapshot", "--json")

    assert 1 == done.json["ended"]
    (gone,) = yetictl("observable", "show", "192.0.2.1", "--json").json
    assert [(False, False)] == [(item["fresh"], "withdrawn_at" in item) for item in gone["assertions"]]
    (kept,) = yetictl("observable", "show", "192.0.2.2", "--json").json
    assert [True] == [item["fresh"] for item in kept["assertions"]]


def test_unknown_format_names_the_known_ones(yetictl, tmp_path):
    """A slip in ``--format`` is wrong usage and shows the words there are."""
    (tmp_path / "list.txt").write_text("192.0.2.1\n")

    done = yetictl("import", "list.txt", "--format", "cvs", status=2)

    assert "unknown format 'cvs'" in done.err
    assert "csv" in done.err.partition("known:")[2]


def test_columns_can_be_given(yetictl, tmp_path):
    """``--map`` says which column is what where nothing in the file does."""
    (tmp_path / "dump.csv").write_text("17;x;192.0.2.1;2024-05-01\n18;y;192.0.2.2;2024-05-02\n")

    yetictl("import", "dump.csv", "--map", "value=3", "--map", "first_seen=4", "--tag", "c2")

    (row,) = yetictl("observable", "show", "192.0.2.2", "--json").json
    assert "2024-05-02T00:00:00Z" == row["assertions"][0]["first_seen"]


def test_file_name_cannot_write_on_the_terminal(yetictl, tmp_path):
    """Control characters in names and values are shown, not sent to the terminal."""
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "a\x1b[31m.csv").write_text("value,type\n300.1.1.1\x1b[31m,ip\n192.0.2.1,ip\n")

    done = yetictl("import", "feeds", "--json")

    assert "\x1b" not in done.err
    assert 1 == json.loads(done.out)["new"]


def test_closed_folder_costs_no_other_file_on_a_terminal_either(yetictl, new_databases, monkeypatch, tmp_path):
    """The bar needs the sizes of all files beforehand; one that may not be looked at is refused like any other."""

    def check():
        (root / "good.txt").write_text("192.0.2.1\n")
        (root / "closed").mkdir()
        (root / "closed" / "bad.txt").write_text("192.0.2.2\n")
        (root / "closed").chmod(0o600)
        monkeypatch.setenv("YETI_HOME", str(root / "home"))
        monkeypatch.setenv("YETI_DATABASE_URL", url)
        monkeypatch.chdir(root)
        done = yetictl("import", "closed/bad.txt", "closed", "good.txt", status=1)
        assert "closed/bad.txt  could not be read: Permission denied" in done.err
        assert {"ipv4": 1} == yetictl("observable", "count", "--json").json

    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    (tmp_path / "first.txt").write_text("192.0.2.3\n")
    yetictl("import", "first.txt")  # loads whatever the other user may not be able to

    with folder_of_nobody() as root:
        url = new_databases.at(root / "home" / "yeti.db")
        as_nobody(check)
