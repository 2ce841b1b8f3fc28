"""``yetictl export versions, release, rollback, unpin, verify``, and a run that is held: as a person uses them."""

import json
import re
import shlex
from pathlib import Path

import pytest

from core.cli import export_versions_command, output

HOUR = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
"""An instant to the second."""


@pytest.fixture
def feed(yetictl, tmp_path):
    """Bring a feed of addresses to so many, of which the first is number 1."""

    def to(count, *more):
        numbers = [*range(1, count + 1), *more]
        (tmp_path / "feed.txt").write_text("".join(f"198.51.100.{number}\n" for number in numbers))
        yetictl("import", "feed.txt", "--source", "feed", "--tag", "c2", "--snapshot")

    return to


@pytest.fixture
def wall(yetictl, feed):
    """An export whose name has a blank in it, with version 1."""
    feed(100)
    yetictl("export", "add", "fire wall", "--format", "list", "--type", "ip", "--include", "c2")
    yetictl("export", "run", "fire wall")
    return "fire wall"


@pytest.fixture
def held(wall, feed, yetictl):
    """What its run printed that was held: of 100 addresses three are left."""
    feed(3)
    return yetictl("export", "run", wall, status=3)


@pytest.fixture
def published(yetictl, wall):
    """The published file."""
    (place,) = re.findall(r"^published +\S+ at (.*)$", yetictl("export", "show", wall).out, re.MULTILINE)
    return Path(place) / "fire_wall.txt"


@pytest.fixture
def listed(published):
    """How many addresses are published."""
    return lambda: len(published.read_text().split())


def commands_in(text):
    """The commands that a text tells to run, each as its arguments."""
    return [shlex.split(found)[1:] for found in re.findall(r"yetictl export \S+ '[^']+'[^;\n]*", text)]


# --- a run that is held ----------------------------------------------------------------------------------------


def test_a_held_run_says_why_and_what_to_do(held):
    """Exit 3; the reason with its numbers; nothing published; commands that can be copied."""
    lines = held.err.splitlines()

    assert "fire wall: held: the list would lose 97 of its 100 entries: more than 50%, and more than 20" in lines
    assert re.search(r"^fire wall +3 +- +- +held +-$", held.out, re.MULTILINE)
    assert (
        "fire wall: consumers keep what they have; yetictl export diff 'fire wall' held shows what would change"
        in lines
    )


def test_the_printed_command_releases_it(held, listed, yetictl):
    """The command that the run printed, with a reason in the place of TEXT, publishes exactly what was looked at."""
    (line,) = [line for line in held.err.splitlines() if "to publish it all the same: " in line]
    command = shlex.split(line.partition("to publish it all the same: ")[2])
    assert ["yetictl", "export", "release", "fire wall"] == command[:4]
    assert "TEXT" == command.pop()

    done = yetictl(*command[1:], "the botnet was taken down")

    assert re.match(r"fire wall  version 2  replaced  [0-9a-f]{64}  /", done.out)
    assert 3 == listed()
    (version, _) = yetictl("export", "versions", "fire wall", "--json").json["versions"]
    assert ("release", "the botnet was taken down") == (version["cause"], version["note"]["reason"])


def test_the_printed_diff_shows_it(held, yetictl):
    """So does the command that shows what would change."""
    diffs = [command for command in commands_in(held.err) if "diff" in command]

    shown = yetictl(*diffs[0][:4])

    assert "97 removed" in shown.err


def test_a_held_run_for_programs(held, yetictl):
    """The same as JSON, with the reasons by themselves and the whole SHA-256 of what waits."""
    (found,) = yetictl("export", "run", "fire wall", "--json", status=3).json

    assert ("held", 3, 1, []) == tuple(found[key] for key in ("status", "entries", "version", "files"))
    assert ["the list would lose 97 of its 100 entries: more than 50%, and more than 20"] == found["reasons"]
    assert re.fullmatch("[0-9a-f]{64}", found["candidate"])
    assert found["can_be_released"]
    assert isinstance(found["notes"], list)
    assert [{"rule": "loss", "text": found["reasons"][0], "can_be_released": True}] == found["verdict"]["reasons"]
    assert found["verdict"]["held"]


def test_one_held_of_several(held, yetictl):
    """The others are published; the status is that of the one that is held."""
    yetictl("export", "add", "other", "--format", "list", "--include", "c2")

    both = yetictl("export", "run", "--all", status=3)

    assert re.search(r"^other +3 .* created ", both.out, re.MULTILINE)
    assert "fire wall: held:" in both.err


def test_a_failure_is_more_than_held(held, yetictl, tmp_path):
    """Of one that failed and one that is held, the status tells the failure."""
    (tmp_path / "t.txt").write_text("{% for row in data %}{{ row.context[0].a }}{% endfor %}")
    yetictl("template", "add", "broken", "t.txt")
    yetictl("export", "add", "other", "--template", "broken", "--include", "c2")

    both = yetictl("export", "run", "--all", status=1)

    assert "failed   other: template broken" in both.err


def test_what_cannot_be_released(wall, yetictl, listed, tmp_path):
    """One of our own assets is on it: no command is offered that would be refused, and it is refused."""
    (tmp_path / "ours.txt").write_text("192.0.2.0/24\n")
    yetictl("allow-list", "add", "ours", "ours.txt", "--own-assets")
    (tmp_path / "more.txt").write_text("192.0.2.1\n")
    yetictl("import", "more.txt", "--source", "another", "--tag", "c2")

    held = yetictl("export", "run", wall, status=3)

    assert "192.0.2.1" in held.err
    assert "to publish it all the same" not in held.err
    assert (
        "fire wall: consumers keep what they have; this cannot be released: mend it and run the export again"
        in held.err.splitlines()
    )
    refused = yetictl("export", "release", wall, "--reason", "so", status=1)
    assert re.match(r"yetictl: this cannot be released: .*192\.0\.2\.1.*; mend that and run .* again", refused.err)
    assert 100 == listed()


def test_the_way_out_of_own_assets(wall, yetictl, listed, tmp_path):
    """Of one that is published already, the command that takes it off at once; it works as printed."""
    (tmp_path / "ours.txt").write_text("198.51.100.7\n")
    yetictl("allow-list", "add", "ours", "ours.txt", "--own-assets")

    held = yetictl("export", "run", wall, status=3)

    (line,) = [line for line in held.err.splitlines() if "already" in line]
    assert (
        "fire wall: version 1, which is published, lists 198.51.100.7 already: "
        "yetictl observable withdraw 198.51.100.7 --reason TEXT takes it off every list" == line
    )
    command = shlex.split(line.partition(": yetictl ")[2].partition(" takes")[0])
    yetictl(*command)
    assert 99 == listed()
    assert "held" not in yetictl("export", "run", wall).err


def test_the_way_out_of_own_assets_for_one_export(wall, yetictl, listed, tmp_path):
    """Of one that a run would put on, what keeps it off all lists, or off this one besides what is kept off it now."""
    yetictl("export", "edit", wall, "--limit", "never=198.51.100.8")
    yetictl("export", "run", wall)
    (tmp_path / "ours.txt").write_text("192.0.2.0/24\n")
    yetictl("allow-list", "add", "ours", "ours.txt", "--own-assets")
    yetictl("observable", "add", "192.0.2.1", "--tag", "c2")

    held = yetictl("export", "run", wall, status=3)

    (line,) = [line for line in held.err.splitlines() if "never=" in line]
    assert (
        "fire wall: to keep one off: yetictl observable withdraw VALUE --reason TEXT, for every export; or "
        "yetictl export edit 'fire wall' --limit 'never=198.51.100.8 VALUE', for this one" == line
    )
    assert "already" not in held.err
    command = shlex.split(line.partition("; or yetictl ")[2].partition(", for this")[0])
    yetictl(*(part.replace("VALUE", "192.0.2.1") for part in command))
    assert "held" not in yetictl("export", "run", wall).err
    assert 99 == listed()


def test_a_preview_names_the_way_out_too(wall, yetictl, tmp_path):
    """Whoever looks before a run learns it there."""
    (tmp_path / "ours.txt").write_text("198.51.100.7\n")
    yetictl("allow-list", "add", "ours", "ours.txt", "--own-assets")

    seen = yetictl("export", "preview", wall)

    assert "a run would be held: own assets are on the list" in seen.err
    assert "to keep one off: yetictl observable withdraw VALUE --reason TEXT" in seen.err


# --- release ---------------------------------------------------------------------------------------------------


def test_release_for_programs(held, yetictl):
    """One object; what is said is said beside it."""
    done = yetictl("export", "release", "fire wall", "--reason", "so", "--json").json

    assert ("fire wall", 2, "replaced") == (done["export"], done["version"], done["files"][0]["outcome"])
    assert [] == done["notes"]


def test_another_candidate_is_not_released(held, listed, yetictl):
    """It says which is held by now."""
    wrong = yetictl("export", "release", "fire wall", "--candidate", "abc", "--reason", "so", status=1)

    assert re.search(r"what is held of 'fire wall' is [0-9a-f]{16}… by now, not abc", wrong.err)
    assert "" == wrong.out


def test_nothing_is_held(wall, yetictl):
    """It says how to make a candidate, in a command that works."""
    wrong = yetictl("export", "release", wall, "--reason", "so", status=1)

    assert "yetictl: nothing of 'fire wall' is held; yetictl export run 'fire wall' makes a new candidate\n" == (
        wrong.err
    )


@pytest.mark.parametrize("command", [("release", "fire wall"), ("rollback", "fire wall", "1")])
def test_a_reason_must_be_given(wall, yetictl, command):
    """Somebody will ask for it; blanks are none."""
    assert "Missing option '--reason'" in yetictl("export", *command, status=2).err
    assert "--reason must say why" in yetictl("export", *command, "--reason", " \t", status=2).err


# --- rollback and unpin ----------------------------------------------------------------------------------------


def test_a_rollback_and_its_end(wall, feed, yetictl, listed):
    """The old list is there again; runs say what they would do and exit 0; the printed command ends it."""
    feed(120)
    yetictl("export", "run", wall)
    assert 120 == listed()

    done = yetictl("export", "rollback", wall, "1", "--reason", "the feed was wrong")

    assert re.match(r"fire wall  version 3  replaced  [0-9a-f]{64}  /", done.out)
    assert [
        "fire wall: version 3 has the content of version 1",
        "fire wall: 120 entries → 100: 0 added, 20 removed, 0 changed",
        "fire wall: pinned; yetictl export unpin 'fire wall' lets runs publish again",
    ] == done.err.splitlines()
    pinned = yetictl("export", "run", wall)
    assert re.search(r"^fire wall +100 .* pinned, unchanged ", pinned.out, re.MULTILINE)
    assert re.search(
        rf"^fire wall: pinned to version 3 since {HOUR} by \S+: the feed was wrong; "
        "it would change it: 20 added, 0 removed, 0 changed$",
        pinned.err,
        re.MULTILINE,
    )
    assert 100 == listed()

    (unpin,) = [command for command in commands_in(done.err) if "unpin" in command]
    said = yetictl(*unpin[:3])
    assert (
        "fire wall is no longer pinned to version 3; yetictl export run 'fire wall' publishes what is due\n"
        == said.err
    )
    yetictl("export", "run", wall)
    assert 120 == listed()


def test_what_was_withdrawn_is_told(wall, feed, yetictl, listed):
    """How many were left out, and how they would be kept."""
    feed(120)
    yetictl("export", "run", wall)
    yetictl("observable", "withdraw", "198.51.100.7", "--reason", "ours")

    done = yetictl("export", "rollback", wall, "1", "--reason", "so")
    assert "fire wall: left out of it: 1 withdrawn" in done.err
    assert 99 == listed()

    exact = yetictl("export", "rollback", wall, "1", "--reason", "so", "--exact")
    assert "withdrawn" not in exact.err
    assert 100 == listed()


def test_a_rollback_to_what_is_published(wall, yetictl):
    """It says that nothing was to be published, and pins."""
    done = yetictl("export", "rollback", wall, "1", "--reason", "stay")

    assert "" == done.out
    assert "the content of version 1 is published already, as version 1" in done.err
    assert "pinned;" in done.err


def test_a_rollback_for_programs(wall, feed, yetictl):
    """One object on stdout."""
    feed(120)
    yetictl("export", "run", wall)

    done = yetictl("export", "rollback", wall, "1", "--reason", "so", "--json")

    assert ("fire wall", 3, 1, 0, []) == tuple(
        done.json[key] for key in ("export", "version", "of", "left_out", "notes")
    )
    assert (120, 100, {"added": 0, "removed": 20, "changed": 0}) == tuple(
        done.json[key] for key in ("entries_before", "entries", "changed")
    )
    assert "pinned" in done.err


def test_a_rollback_to_an_empty_version_has_to_be_meant(yetictl, feed):
    """A mistyped number wipes no list: it is refused, and the message says which option means it."""
    yetictl("export", "add", "x", "--format", "list", "--type", "ip")
    yetictl("export", "run", "x")
    feed(5)
    yetictl("export", "run", "x")

    refused = yetictl("export", "rollback", "x", "1", "--reason", "so", status=1)

    assert "" == refused.out
    assert (
        "yetictl: version 1 of 'x' is empty: that would take all 5 entries off the list; "
        "--exact publishes it all the same\n" == refused.err
    )
    meant = yetictl("export", "rollback", "x", "1", "--reason", "so", "--exact")
    assert "x: 5 entries → 0: 0 added, 5 removed, 0 changed" in meant.err.splitlines()


def test_it_is_seen_everywhere_that_it_is_pinned(wall, yetictl):
    """In `versions`, in `show`, in `list`, in the message of a run that is held: nobody wonders why nothing changes."""
    yetictl("export", "rollback", wall, "1", "--reason", "stay")
    said = rf"pinned +to version 1 since {HOUR} by \S+: stay"

    assert re.search(said, yetictl("export", "versions", wall).err)
    assert re.search(said, yetictl("export", "show", wall).out)
    pin = yetictl("export", "show", wall, "--json").json["pinned"]
    assert (1, "stay", False) == (pin["version"], pin["reason"], pin["exact"])
    assert pin == yetictl("export", "versions", wall, "--json").json["pinned"]
    assert yetictl("export", "list").out.rstrip().endswith("pinned")
    assert [pin] == [item["pinned"] for item in yetictl("export", "list", "--json").json]
    (found,) = [item for item in yetictl("doctor", "--json").json if item["check"] == "exports"]
    assert "warning" == found["status"]
    assert re.fullmatch(
        f"fire wall: {said.replace(' +', ' ')}; yetictl export unpin 'fire wall' lets runs publish again",
        found["detail"],
    )
    yetictl("export", "run", wall)
    assert yetictl("export", "list").out.rstrip().endswith("pinned")

    yetictl("export", "unpin", wall)
    assert yetictl("export", "list").out.rstrip().endswith("completed")
    assert None is yetictl("export", "show", wall, "--json").json["pinned"]
    assert not re.search("^pinned", yetictl("export", "show", wall).out, re.MULTILINE)


def test_a_run_that_is_held_says_that_it_is_pinned(wall, feed, yetictl):
    """The export is pinned and the run is held: both are told."""
    yetictl("export", "rollback", wall, "1", "--reason", "stay")
    feed(3)

    held = yetictl("export", "run", wall, status=3)

    assert re.search(rf"fire wall: pinned to version 1 since {HOUR} by \S+: stay\n", held.err)
    assert "fire wall: held: " in held.err
    assert yetictl("export", "list").out.rstrip().endswith("held, pinned")
    assert 2 == yetictl("doctor").out.count("warning  exports    fire wall: ")


def test_it_is_seen_everywhere_that_it_is_held(held, yetictl):
    """In `list`, in `show` and in `doctor`, which names the commands that help; and no longer when it was released."""
    said = rf"held since {HOUR}: the list would lose 97 of its 100 entries: more than 50%, and more than 20"

    assert yetictl("export", "list").out.rstrip().endswith("held")
    (found,) = [item["held"] for item in yetictl("export", "list", "--json").json]
    assert (3, "loss", True) == (found["entries"], found["reasons"][0]["rule"], found["can_be_released"])
    assert found == yetictl("export", "show", "fire wall", "--json").json["held"]
    assert re.search(said, yetictl("export", "show", "fire wall").out)
    checked = yetictl("doctor")
    (line,) = [line for line in checked.out.splitlines() if line.startswith("warning  exports")]
    assert re.search(said, line)
    assert ["export", "diff", "fire wall", "held"] in [command[:4] for command in commands_in(line)]
    (command,) = [command for command in commands_in(line) if command[1] == "release"]
    assert "nothing to mend, 1 warning\n" == checked.err

    yetictl(*command[: command.index("--reason")], "--reason", "so")

    assert None is yetictl("export", "show", "fire wall", "--json").json["held"]
    assert "all is well\n" == yetictl("doctor").err


def test_held_with_nothing_to_release(wall, yetictl, tmp_path):
    """What is published is what is wrong: `doctor` says so as long as the last run was held."""
    (tmp_path / "ours.txt").write_text("198.51.100.7\n")
    yetictl("allow-list", "add", "ours", "ours.txt", "--own-assets")
    yetictl("export", "run", wall, status=3)

    (found,) = [item for item in yetictl("doctor", "--json").json if item["check"] == "exports"]
    (listed,) = yetictl("export", "list", "--json").json

    assert "warning" == found["status"]
    assert re.match(
        r"fire wall: the last run was held: own assets are on the list .*; mend that, and run", found["detail"]
    )
    assert ("held", None) == (listed["last_run"]["status"], listed["held"])


# --- versions --------------------------------------------------------------------------------------------------


def test_versions_are_a_table_that_fits(wall, feed, yetictl, monkeypatch):
    """On a terminal of 80 columns: the newest first, which is current, what each changed, and who made it why."""
    feed(120)
    yetictl("export", "run", wall)
    yetictl("export", "rollback", wall, "1", "--reason", "so")
    monkeypatch.setattr(export_versions_command, "is_wide", lambda: False)

    head, *lines = yetictl("export", "versions", wall).out.splitlines()

    assert ["version", "made", "entries", "added", "removed", "changed", "by"] == head.split()
    assert [
        r"current 3  I      100      0       20        0  rollback to 1 by U: so",
        r"        2  I      120     20        0        0  run",
        r"        1  I      100    100        0        0  run",
    ] == [re.sub(r"by \S+:", "by U:", re.sub(HOUR, "I", line)) for line in lines]
    assert 80 >= max(len(line) for line in (head, *lines[1:]))


def test_with_room_there_are_digests(wall, yetictl):
    """Where nobody looks, or there is room, they are whole."""
    listed = yetictl("export", "versions", wall)
    digest = yetictl("export", "versions", wall, "--json").json["versions"][0]["files"][0]["sha256"]

    assert digest in listed.out


@pytest.mark.parametrize(
    ("columns", "is_tty", "is_wide"), [(80, True, False), (200, True, True), (80, False, True)]
)
def test_what_is_wide(monkeypatch, columns, is_tty, is_wide):
    """A terminal with much room, or no terminal."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_tty, raising=False)
    monkeypatch.setenv("COLUMNS", str(columns))

    assert is_wide == output.is_wide()


def test_what_is_held_is_told(held, yetictl):
    """Since when, how much, why, and how to see what it would change."""
    said = yetictl("export", "versions", "fire wall").err.splitlines()

    assert re.fullmatch(
        rf"held since {HOUR}: 3 entries; the list would lose 97 of its 100 entries: more than 50%, and more than 20",
        said[0],
    )
    assert "yetictl export diff 'fire wall' held shows what that would change" == said[1]


def test_versions_for_programs(held, yetictl):
    """Everything of the manifest that a program may want, of what is held too; instants are whole."""
    found = yetictl("export", "versions", "fire wall", "--json").json

    assert ("fire wall", 1, None) == (found["export"], found["current"], found["pinned"])
    (version,) = found["versions"]
    assert (1, "run", 100, {"added": 100, "removed": 0, "changed": 0}, 100, 0, None) == tuple(
        version[key]
        for key in (
            "version",
            "cause",
            "entries",
            "changed",
            "ipv4_addresses",
            "ipv6_addresses",
            "counter",
        )
    )
    assert re.fullmatch("[0-9a-f]{64}", version["manifest_sha256"])
    assert (None, 3, True) == (
        found["held"]["version"],
        found["held"]["entries"],
        found["held"]["verdict"]["held"],
    )


def test_no_versions_yet(yetictl):
    """It says how to make the first."""
    yetictl("export", "add", "fire wall", "--format", "list", "--type", "ip")

    assert (
        "no versions yet; yetictl export run 'fire wall' makes the first\n"
        == yetictl("export", "versions", "fire wall").err
    )
    assert [] == yetictl("export", "versions", "fire wall", "--json").json["versions"]
    wrong = yetictl("export", "rollback", "fire wall", "1", "--reason", "so", status=1).err
    assert "version 1 of 'fire wall' is not kept; there is none" in wrong


@pytest.mark.parametrize(
    "command",
    [
        ("versions", "nope"),
        ("release", "nope", "--reason", "so"),
        ("rollback", "nope", "1", "--reason", "so"),
        ("unpin", "nope"),
        ("verify", "nope"),
        ("run", "nope"),
    ],
)
def test_an_export_that_nobody_knows(yetictl, command):
    """One line, which says how to see those that there are."""
    wrong = yetictl("export", *command, status=1)

    begin = "failed   nope" if command[0] == "run" else "yetictl"
    assert ("", f"{begin}: there is no export 'nope'; yetictl export list shows them\n") == (wrong.out, wrong.err)


def test_versions_that_are_not_there(wall, yetictl):
    """What is there is told; a number that can be none is a mistake in typing."""
    for command in (("rollback", wall, "9", "--reason", "so"), ("verify", wall, "--version", "9")):
        assert "version 9 of 'fire wall' is not kept; there is 1" in yetictl("export", *command, status=1).err
    yetictl("export", "rollback", wall, "0", "--reason", "so", status=2)
    assert "'fire wall' is not pinned" in yetictl("export", "unpin", wall, status=1).err


# --- verify ----------------------------------------------------------------------------------------------------


def test_verify_says_that_all_is_well(held, yetictl):
    """Manifest, file and changes of version 1, file and changes of the candidate, the published file and its sums."""
    good = yetictl("export", "verify", "fire wall")

    assert ("", "fire wall: 7 of 7 manifests, objects and published files are as they should be\n") == (
        good.out,
        good.err,
    )
    only = yetictl("export", "verify", "fire wall", "--version", "1")
    assert "3 of 3" in only.err
    found = yetictl("export", "verify", "fire wall", "--json").json
    assert {("kept", 1): 3, ("held", None): 2, ("published", None): 2} == {
        key: [(item["state"], item["version"]) for item in found].count(key)
        for key in {(item["state"], item["version"]) for item in found}
    }
    assert {None} == {item["fault"] for item in found}


def test_verify_says_what_is_wrong(held, yetictl, tmp_path, published):
    """A line for each, which tells whose it is; exit 1."""
    versions = tmp_path / "home" / "versions"
    waiting = json.loads(yetictl("export", "versions", "fire wall", "--json").out)["held"]["files"][0]["sha256"]
    (candidate,) = versions.glob(f"*.{waiting}.file")
    candidate.write_text("")
    (manifest,) = versions.glob("*.v1.*.json")
    manifest.unlink()
    published.write_text("198.51.100.250\n")

    wrong = yetictl("export", "verify", "fire wall", status=1)

    assert [
        (f"version 1    {manifest}", "it is gone"),
        (f"held         {candidate}", "holds 0 bytes"),
        (f"published    {published}", "the next run puts it back"),
    ] == [
        (line.partition(": ")[0], text)
        for line, text in zip(
            wrong.out.splitlines(), ("it is gone", "holds 0 bytes", "the next run puts it back"), strict=True
        )
        if text in line
    ]
    assert "4 of 7 manifests, objects and published files are as they should be" in wrong.err
    faults = [
        item["fault"]
        for item in yetictl("export", "verify", "fire wall", "--json", status=1).json
        if item["fault"]
    ]
    assert 3 == len(faults)


def test_the_list_of_exports_says_what_consumers_have(held, yetictl):
    """A run that is held made three entries; a hundred are published."""
    heading, line = yetictl("export", "list").out.splitlines()

    at = heading.index("published")
    assert "100" == line[at : at + len("published")].strip()
