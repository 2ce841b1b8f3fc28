"""``yetictl export plan``, ``apply`` and ``dump``: what they print, ask, and exit with."""

import os
import pty
import subprocess
import sys

import pytest

TOML = '[[export]]\nname = "c2"\nformat = "list"\ntype = ["ip"]\ninclude = ["c2"]\n'


@pytest.fixture
def folder(yetictl, tmp_path):
    """A store with two addresses, and a folder of definitions."""
    (tmp_path / "feed.csv").write_text("value,type,tags\n8.8.4.1,ip,c2\n8.8.4.2,ip,c2;botnet\n")
    yetictl("import", "feed.csv", "--source", "feed")
    found = tmp_path / "defs"
    found.mkdir()
    (found / "exports.toml").write_text(TOML)
    return found


def test_plan_shows_and_touches_nothing(yetictl, folder):
    """What is new, with its entries; data to standard output, talk to standard error."""
    done = yetictl("export", "plan", folder)

    assert "+ create  c2  list; cidr ipv4 ipv6; with any of c2; published as c2.txt\n    2 entries\n" == done.out
    assert "exports: 1 to create, 0 unchanged\n" == done.err
    assert [] == yetictl("export", "list", "--json").json


def test_apply_defines_and_a_second_time_does_nothing(yetictl, folder):
    """Idempotent: the second time it asks nothing and exits with 0."""
    first = yetictl("export", "apply", folder, "--yes")
    second = yetictl("export", "apply", folder)

    assert "yetictl export run c2 publishes it" in first.err
    assert ("", "exports: 1 unchanged; nothing to do\n") == (second.out, second.err)
    assert ["c2"] == [item["name"] for item in yetictl("export", "list", "--json").json]


def test_a_change_is_shown_with_its_entries(yetictl, folder):
    """Field by field, and against the version that is published."""
    yetictl("export", "apply", folder, "--yes")
    yetictl("export", "run", "c2")
    (folder / "exports.toml").write_text(TOML.replace('"c2"]', '"botnet"]') + 'every = "1h"\n')

    done = yetictl("export", "apply", folder, "--yes")

    assert (
        "~ change  c2\n    include: c2 → botnet\n    every: - → 1h\n"
        "    1 entry; against version 1: +0 -1 ~0\n" == done.out
    )
    assert "botnet" in yetictl("export", "show", "c2").out


def test_what_is_in_no_file_is_removed_only_when_asked(yetictl, folder):
    """It is named; its published file stays in any case."""
    yetictl("export", "add", "old", "--format", "csv")

    left = yetictl("export", "apply", folder, "--yes")
    gone = yetictl("export", "apply", folder, "--remove", "--yes")

    assert "1 export is in none of the files and stays: old; --remove removes what is in none" in left.err
    assert "- remove  old  what it published stays\n" == gone.out
    assert ["c2"] == [item["name"] for item in yetictl("export", "list", "--json").json]


def test_nothing_is_done_where_nobody_can_be_asked(yetictl, folder):
    """Wrong usage, after the plan was shown."""
    done = yetictl("export", "apply", folder, status=2)

    assert "+ create  c2" in done.out
    assert "nobody is there to ask: say --yes; nothing was done" in done.err
    assert [] == yetictl("export", "list", "--json").json


@pytest.mark.parametrize(("answer", "status", "there"), [("y", 0, ["c2"]), ("n", 1, []), ("", 1, [])])
def test_somebody_at_a_terminal_is_asked(yetictl, folder, tmp_path, answer, status, there):
    """Only yes does it."""
    controller, terminal = pty.openpty()
    os.write(controller, answer.encode() + b"\n")

    done = subprocess.run(
        [sys.executable, "-m", "core", "export", "apply", str(folder)],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=terminal,
        env=os.environ | {"YETI_HOME": str(tmp_path / "home")},
        timeout=60,
        check=False,
    )

    os.close(controller)
    os.close(terminal)
    assert status == done.returncode
    assert there == [item["name"] for item in yetictl("export", "list", "--json").json]


def test_plan_of_apply_is_plan(yetictl, folder):
    """``apply --plan`` shows and does nothing, without a question."""
    assert yetictl("export", "plan", folder).out == yetictl("export", "apply", folder, "--plan").out
    assert [] == yetictl("export", "list", "--json").json


def test_exit_code_says_whether_anything_would_change(yetictl, folder):
    """4 if anything would, and only when asked: 0 otherwise, as for anything that went well."""
    yetictl("export", "plan", folder, "--exit-code", status=4)
    yetictl("export", "apply", folder, "--yes")
    yetictl("export", "plan", folder, "--exit-code", status=0)


def test_json_has_all_of_it(yetictl, folder):
    """For programs: each export, its fields, its outlook."""
    yetictl("export", "add", "old", "--format", "csv")

    found = yetictl("export", "plan", folder, "--json").json

    (change,) = found["exports"]
    assert ("c2", "create", 2) == (change["name"], change["change"], change["outlook"]["entries"])
    assert (["old"], False) == (found["in_no_file"], found["is_empty"])


def test_every_mistake_is_a_line_and_nothing_is_done(yetictl, folder):
    """Of all files, with status 1."""
    (folder / "other.yaml").write_text("- name: b\n  formt: list\n- name: c\n  every: 1\n")

    done = yetictl("export", "apply", folder, "--yes", status=1)

    assert [
        "export 'b': unknown key 'formt', did you mean 'format'?",
        "export 'c': every: a duration such as \"30d\" is needed, not 1",
        "2 mistakes; nothing was done",
    ] == [line.partition("other.yaml: ")[2] or line for line in done.err.splitlines()]
    assert [] == yetictl("export", "list", "--json").json


def test_control_characters_of_a_file_do_not_reach_the_terminal(yetictl, folder):
    """A name or a tag out of a file is shown with marks."""
    (folder / "exports.toml").write_text(TOML.replace('["c2"]', '["\\u001b[31m"]'))

    done = yetictl("export", "plan", folder)

    assert "\x1b" not in done.out + done.err


def test_dump_is_what_apply_reads(yetictl, folder, tmp_path):
    """What was defined by hand goes into a file, and from there into another installation."""
    (tmp_path / "pairs.jinja2").write_text("{% for row in data %}{{ row.value }}\n{% endfor %}")
    yetictl("template", "add", "pairs", tmp_path / "pairs.jinja2")
    yetictl("export", "add", "My pairs", "--template", "pairs", "--include", "c2", "--every", "1h")
    yetictl("export", "add", "hashes", "--format", "csv", "--type", "hash", "--limit", "loss=30%")
    before = yetictl("export", "list", "--json").json

    printed = yetictl("export", "dump", "hashes").out
    yetictl("export", "dump", "--to", tmp_path / "dumped")
    unchanged = yetictl("export", "plan", tmp_path / "dumped")
    for name in ("My pairs", "hashes"):
        yetictl("export", "remove", name)
    yetictl("template", "remove", "pairs")
    yetictl("export", "apply", tmp_path / "dumped", "--yes")

    assert (
        '[[export]]\nname = "hashes"\nformat = "csv"\ntype = ["md5", "sha1", "sha256", "sha512"]\n'
        'limit = { loss = "30%" }\n' == printed
    )
    assert "exports: 2 unchanged; nothing to do\n" == unchanged.err
    assert before == yetictl("export", "list", "--json").json
