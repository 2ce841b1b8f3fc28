"""``yetictl export`` and ``template``: define, run, look, remove."""

import pytest

from core.exports.gate.verdict import Reason, Verdict


@pytest.fixture
def feed(yetictl, tmp_path):
    """A store with two addresses, one of them allow-listed, and a domain."""
    (tmp_path / "feed.csv").write_text(
        "value,type,tags\n192.0.2.1,ip,c2\n192.0.2.2,ip,c2;allow-list\nc2.example.org,domain,c2;apt\n"
    )
    yetictl("import", "feed.csv", "--source", "feed")
    return tmp_path / "home" / "exports"


def test_export_is_published_with_its_digest(yetictl, feed):
    """``run`` prints entries, bytes, SHA-256 and place of the file; the file is what was asked for."""
    yetictl(
        "export",
        "add",
        "c2 list",
        "--format",
        "list",
        "--type",
        "ip",
        "--include",
        "C2",
        "--exclude",
        "allow-list",
    )

    (result,) = yetictl("export", "run", "c2 list", "--json").json

    (file,) = result["files"]
    assert "192.0.2.1\n" == (feed / "c2_list.txt").read_text()
    # printf '192.0.2.1\n' | sha256sum
    assert "d1aa74fdddc060ca4e2e10401f2f4e0ef37f94b0d8b25137e8c530d59f4aba75" == file["sha256"]
    assert (1, 10, str(feed / "c2_list.txt")) == (file["entries"], file["size_bytes"], file["location"])


def test_export_to_several_places_says_where_it_is(yetictl, feed, tmp_path):
    """With ``--to tee://…`` each place has the file and a line of its own; a place that lost it gets it back alone."""
    places = [tmp_path / name / "c2.txt" for name in ("one", "two")]
    yetictl(
        "export", "add", "c2", "--format", "list", "--type", "ip", "--to", f"tee://{tmp_path}/one,{tmp_path}/two"
    )
    printed = yetictl("export", "run", "c2").out
    assert all(str(place) in printed for place in places)
    assert places[0].read_bytes() == places[1].read_bytes() == b"192.0.2.1\n192.0.2.2\n"
    before = places[0].stat()
    places[1].unlink()

    (result,) = yetictl("export", "run", "c2", "--json").json

    (file,) = result["files"]
    assert [(str(places[0]), "unchanged"), (str(places[1]), "created")] == [
        (place["location"], place["outcome"]) for place in file["places"]
    ]
    assert (before.st_ino, before.st_mtime_ns) == (places[0].stat().st_ino, places[0].stat().st_mtime_ns)
    assert b"192.0.2.1\n192.0.2.2\n" == places[1].read_bytes()


def test_second_run_leaves_the_file_alone(yetictl, feed):
    """Unchanged content is not published again: the file keeps its date."""
    yetictl("export", "add", "all", "--format", "jsonl")
    yetictl("export", "run", "all")
    before = (feed / "all.jsonl").stat()

    (result,) = yetictl("export", "run", "--all", "--json").json

    after = (feed / "all.jsonl").stat()
    assert "unchanged" == result["outcome"]
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_held_export_is_status_3_unless_another_failed(yetictl, feed, monkeypatch):
    """A run that the gate held gives 3, and a failed one beside it 1: of several, failed beats held."""
    for name in ("a", "b"):
        yetictl("export", "add", name, "--format", "list", "--type", "ip")
    verdict = Verdict((Reason("most", "too many entries"),))
    monkeypatch.setattr("core.exports.gate.rules.judge", lambda *_, **__: verdict)

    held = yetictl("export", "run", "a", "b", status=3)
    yetictl("export", "run", "a", "no-such-export", status=1)

    assert 2 == held.err.count("held: too many entries")
    assert 2 == held.err.count("--reason TEXT")
    assert "held" == yetictl("export", "show", "a", "--json").json["last_run"]["status"]


def test_one_failing_export_keeps_no_other_back(yetictl, feed):
    """Of several, each runs; one failure makes the exit status 1 and says why."""
    yetictl("export", "add", "bad", "--format", "list", "--to", "/proc/nowhere")
    yetictl("export", "add", "good", "--format", "list")

    done = yetictl("export", "run", "--all", "--json", status=1)

    assert {"good": "completed", "bad": "failed"} == {item["export"]: item["status"] for item in done.json}
    assert (feed / "good.txt").is_file()
    assert "/proc/nowhere" in done.err


def test_edit_replaces_what_is_given_and_keeps_the_rest(yetictl, feed):
    """An option given replaces its field; an empty one clears it; the file name never follows."""
    yetictl("export", "add", "x", "--format", "list", "--type", "ip", "--include", "c2", "--exclude", "allow-list")

    yetictl("export", "edit", "x", "--include", "apt", "--exclude", "", "--format", "csv", "--type", "domain")

    shown = yetictl("export", "show", "x", "--json").json
    assert ["apt"] == shown["selection"]["include"]
    assert [] == shown["selection"]["exclude"]
    assert ["hostname"] == shown["selection"]["types"]
    assert ("csv", "x.txt") == (shown["format"], shown["file_name"])


def test_edit_of_a_date_keeps_the_other(yetictl, feed):
    """Date filters that are not given stay; one given as nothing is cleared."""
    yetictl("export", "add", "x", "--format", "list", "--max-age", "30d", "--first-seen-after", "2024-01-01")

    yetictl("export", "edit", "x", "--max-age", "")

    selection = yetictl("export", "show", "x", "--json").json["selection"]
    assert (None, "2024-01-01T00:00:00Z") == (selection["max_age_s"], selection["first_seen_after"])


def test_schedule_is_kept_replaced_and_cleared(yetictl, feed):
    """``--every`` and ``--cron`` replace each other; either given as nothing clears; not given, it stays."""
    yetictl("export", "add", "a", "--format", "list", "--type", "ip", "--every", "90m")

    def schedule(*options):
        yetictl("export", "edit", "a", *options)
        return yetictl("export", "show", "a", "--json").json["schedule"]

    assert "every:5400" == schedule("--include", "c2")
    assert "cron:30 4 * * *" == schedule("--cron", "30 4 * * *")
    assert "every:3600" == schedule("--every", "1h", "--cron", "")
    assert schedule("--every", "") is None
    assert "cron:30 4 * * *" == schedule("--cron", "30 4 * * *")
    assert schedule("--cron", "") is None


def test_two_exports_never_share_a_file(yetictl, feed):
    """A clash of file names is refused when the export is defined, and the message says what to do."""
    yetictl("export", "add", "My Export", "--format", "list")

    done = yetictl("export", "add", "my_export", "--format", "list", status=1)

    assert "My Export" in done.err
    assert "--file-name" in done.err
    yetictl("export", "add", "my_export", "--format", "list", "--file-name", "other.txt")


def test_empty_selection_shows_where_it_was_lost(yetictl, feed):
    """If nothing is selected, the funnel says how many are left after each step."""
    yetictl("export", "add", "x", "--format", "list", "--type", "ip", "--include", "no-such-tag")

    done = yetictl("export", "preview", "x")

    assert "of these types 2" in done.err
    assert "included 0" in done.err


def test_preview_touches_nothing(yetictl, feed):
    """A preview shows entries and counts; nothing is published and no run is recorded."""
    yetictl("export", "add", "x", "--format", "list", "--type", "ip")

    seen = yetictl("export", "preview", "x", "--json").json

    assert (2, {"ipv4": 2}) == (seen["entries"], seen["types"])
    assert ["192.0.2.1", "192.0.2.2"] == seen["first"]
    assert not feed.exists() or not list(feed.iterdir())
    assert yetictl("export", "show", "x", "--json").json["last_run"] is None


def test_remove_keeps_the_file_unless_purged(yetictl, feed):
    """Removing an export leaves what consumers read; ``--purge`` deletes it."""
    for name, options in (("kept", ()), ("purged", ("--purge",))):
        yetictl("export", "add", name, "--format", "list")
        yetictl("export", "run", name)
        yetictl("export", "remove", name, *options)

    assert ["kept.txt"] == [path.name for path in feed.iterdir()]
    assert [] == yetictl("export", "list", "--json").json


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["x"], 2, "--format F"),
        (["x", "--format", "list", "--template", "t"], 2, "--format F"),
        (["x", "--format", "lst"], 1, "did you mean 'list'"),
        (["x", "--format", "list", "--type", "ipv5"], 1, "unknown type 'ipv5'"),
        (["x", "--format", "list", "--option", "header=no"], 1, "no option 'header'"),
        (["x", "--format", "list", "--every", "soon"], 2, "is not a duration"),
        (["x", "--format", "list", "--every", "1h", "--cron", "0 * * * *"], 2, "exclude each other"),
        (["x", "--format", "list", "--first-seen-after", "yesterday"], 2, "2024-05-01"),
        (["../x", "--format", "list", "--file-name", "../x"], 1, "../x"),
        (["..", "--format", "list"], 1, "'..'"),
        (["x", "--template", "nope"], 1, "unknown template 'nope'"),
    ],
)
def test_wrong_definition_is_refused_in_words(yetictl, feed, arguments, status, words):
    """What does not exist or cannot be is refused, with what can; nothing is kept."""
    done = yetictl("export", "add", *arguments, status=status)

    assert words in done.err
    assert [] == yetictl("export", "list", "--json").json


def test_template_is_checked_kept_and_used(yetictl, feed, tmp_path):
    """A template is kept under a name, checked first, and writes the file without a suffix, as in Yeti."""
    (tmp_path / "t.jinja2").write_text("{% for row in data %}{{ row.value }};{{ row.type }}\n{% endfor %}")
    yetictl("template", "add", "pairs", "t.jinja2")
    yetictl("export", "add", "Pairs", "--template", "pairs", "--type", "ip")

    yetictl("export", "run", "Pairs")

    assert "192.0.2.1;ipv4\n192.0.2.2;ipv4\n" == (feed / "pairs").read_text()
    assert (tmp_path / "t.jinja2").read_text() == yetictl("template", "show", "pairs").out
    assert "is used by the export" in yetictl("template", "remove", "pairs", status=1).err


def test_broken_template_is_refused_with_its_line(yetictl, tmp_path):
    """A template that does not parse is not kept; the message has the line."""
    (tmp_path / "t.jinja2").write_text("a\n{% for row in data %}\n{{ row.value \n")

    done = yetictl("template", "add", "t", "t.jinja2", status=1)

    assert "line 3" in done.err or "line 4" in done.err
    assert [] == yetictl("template", "list", "--json").json


def test_a_slip_in_a_template_is_said_when_it_is_kept(yetictl, tmp_path):
    """The template, the line and the name that there is not; nothing is kept, nor is one replaced."""
    (tmp_path / "t.jinja2").write_text("{% for row in data %}{{ row.value }}\n{% endfor %}")
    yetictl("template", "add", "t", "t.jinja2")
    kept = yetictl("template", "show", "t").out
    (tmp_path / "t.jinja2").write_text("\n{% for row in dta %}{{ row.value }}\n{% endfor %}")

    added = yetictl("template", "add", "t", "t.jinja2", "--replace", status=1)
    checked = yetictl("template", "check", "t.jinja2", status=1)

    assert "template t: line 2: there is no `dta`; the one variable is `data`" in added.err
    assert "template t.jinja2: line 2: there is no `dta`" in checked.err
    assert kept == yetictl("template", "show", "t").out


def test_limits_are_kept_and_cleared(yetictl, feed):
    """``--limit KEY=VALUE`` sets a limit, ``KEY=`` makes it the default again."""
    yetictl("export", "add", "a", "--format", "list", "--limit", "most=5", "--limit", "loss=10%")
    yetictl("export", "edit", "a", "--limit", "loss=")

    assert {"most": "5"} == yetictl("export", "show", "a", "--json").json["limits"]


def test_unknown_limit_is_refused_with_the_nearest(yetictl, feed):
    """A limit that nothing would apply is not kept: nobody may believe that it protects."""
    done = yetictl("export", "add", "a", "--format", "list", "--limit", "los=5%", status=1)

    assert "did you mean 'loss'" in done.err
    assert [] == yetictl("export", "list", "--json").json


def test_limits_are_listed_with_their_defaults(yetictl):
    """``export limits`` says what there is, as a table and as JSON."""
    listed = yetictl("export", "limits", "--json").json
    table = yetictl("export", "limits").out

    assert {"50%"} == {item["default"] for item in listed if item["key"] == "loss"}
    assert [] == [item["key"] for item in listed if item["key"] not in table]


def test_export_named_twice_runs_once(yetictl, feed):
    """``run a a`` is one run."""
    yetictl("export", "add", "a", "--format", "list", "--type", "ip")

    assert 1 == len(yetictl("export", "run", "a", "a", "--json").json)


def test_password_in_a_place_is_never_shown(yetictl, feed):
    """Whoever writes one into ``--to``: no command repeats it."""
    shown = [
        yetictl(*command.split(), *more)
        for command in (
            "export add a --format list --type ip --to ftp://anna:geheim@host/lists",
            "export run a",
            "export list",
            "export show a",
            "export preview a",
            "storage ls ftp://anna:geheim@host/lists",
            "export remove a --purge",
        )
        for more in ([], ["--json"])
        if not (more and command.split()[1] in ("add", "remove"))
    ]

    assert "geheim" not in "".join(done.out + done.err for done in shown)


@pytest.mark.parametrize("name", ["", " a", "a\nb", "a\x1b[31m"])
def test_template_needs_a_name_that_can_be_typed(yetictl, tmp_path, name):
    """An empty name, or one that a terminal would act on, is refused."""
    (tmp_path / "t.jinja2").write_text("{% for row in data %}{{ row.value }}{% endfor %}")

    assert "the name" in yetictl("template", "add", name, "t.jinja2", status=1).err
    assert [] == yetictl("template", "list", "--json").json


def test_edit_renames(yetictl, feed):
    """The export goes on under the new name, with its versions and its file; another's name is refused."""
    for name in ("old", "taken"):
        yetictl("export", "add", name, "--format", "list", "--type", "ip")
    yetictl("export", "run", "old")
    refused = yetictl("export", "edit", "old", "--rename", "taken", status=1)
    said = yetictl("export", "edit", "old", "--rename", "new", "--description", "d").err
    yetictl("export", "run", "new")
    shown = yetictl("export", "show", "new", "--json").json

    assert "there is an export 'taken' already" in refused.err
    assert "export old is called new now; it is published as old.txt, as before" in said
    assert "whoever fetches /exports/~old/… has to ask for /exports/~new/…" in said
    assert ("old.txt", "d") == (shown["file_name"], shown["description"])
    assert [1] == [item["version"] for item in yetictl("export", "versions", "new", "--json").json["versions"]]
    assert "there is no export 'old'" in yetictl("export", "show", "old", status=1).err
    assert "export renamed" in yetictl("audit").out
