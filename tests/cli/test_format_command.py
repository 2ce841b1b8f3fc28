"""``yetictl format`` and ``export preview --format``: what there is, who reads it, and how that is proven."""

import pytest

SHOUT = '''
"""Values in capitals."""

from core.exports.formats import Consumer, Option

NAME, MEANING, MEDIA_TYPE, SUFFIX = "shout", "one value a line, loud", "text/plain", ".txt"
TYPES = frozenset({"hostname"})
OPTIONS = {"end": Option("!", "what stands behind each")}
CONSUMERS = (Consumer("Deaf Firewall", "10 entries", "it reboots", "paste the URL", checker="no-such-checker"),)


def render_values(batches, out, options):
    file = out.open()
    for batch in batches:
        file.write("".join(f"{value.upper()}{options['end']}\\n" for value in batch.values), len(batch.values))
'''


@pytest.fixture
def shout(yetictl, tmp_path):
    """A format that somebody dropped in."""
    folder = tmp_path / "home" / "plugins" / "formats"
    folder.mkdir(parents=True)
    (folder / "shout.py").write_text(SHOUT)


@pytest.fixture
def export(yetictl, tmp_path):
    """An export of two names and an address."""
    (tmp_path / "in.csv").write_text("value\na.example\nb.example\n198.51.100.7\n")
    yetictl("import", "in.csv", "--tag", "c2")
    yetictl("export", "add", "x", "--format", "list")


def test_list_says_who_reads_each(shout, yetictl):
    """A table of formats with their consumers; dropped-in ones too."""
    done = yetictl("format", "list")

    line = next(line for line in done.out.splitlines() if line.startswith("shout"))
    assert "one value a line, loud" in line
    assert "Deaf Firewall" in line
    assert "format show NAME" in done.err


def test_list_names_what_cannot_be_used(shout, yetictl, tmp_path):
    """With the reason, and without losing the others."""
    (tmp_path / "home" / "plugins" / "formats" / "broken.py").write_text("import nosuchmodule\n")

    done = yetictl("format", "list")

    assert "shout" in done.out
    assert "nosuchmodule" in done.err


def test_show_says_how_it_is_proven_and_wired_up(shout, yetictl):
    """What nobody tested is unproven; a checker that is not there is said to be missing."""
    done = yetictl("format", "show", "shout")

    assert "takes         hostname" in done.out
    assert "--option end=!" in done.out
    for words in (
        ("proof", "unproven"),
        ("limits", "10 entries"),
        ("one bad entry", "it reboots"),
        ("setup", "paste the URL"),
        ("checker", "no-such-checker, not run: the format has no check"),
    ):
        assert any(all(word in line for word in words) for line in done.out.splitlines()), words


def test_a_checker_is_a_command_of_several_words(shout, yetictl, tmp_path):
    """The program is what is looked for, not the line; whether it is run before publishing is said."""
    path = tmp_path / "home" / "plugins" / "formats" / "shout.py"
    path.write_text(path.read_text() + "\n\ndef check(files, options):\n    return []\n")
    assert (
        "no-such-checker, not installed on this machine; run before pub" in yetictl("format", "show", "shout").out
    )

    path.write_text(path.read_text().replace('"no-such-checker"', '"sh -n"'))
    assert "sh -n, installed; run before publishing" in yetictl("format", "show", "shout").out


@pytest.mark.parametrize(
    ("name", "tool"),
    [("misp-feed", "pymisp"), ("stix", "stix2_validator"), ("rpz", "pdns_recursor"), ("jsonl", "jq")],
)
def test_what_only_tests_use_is_no_checker(yetictl, name, tool):
    """Libraries among them: none is looked for as a program, none is said to be run."""
    done = yetictl("format", "show", name)

    assert f"{tool}, in the tests of the format; not run before publishing" in done.out
    assert f"{tool}, not installed" not in done.out
    consumers = yetictl("format", "show", name, "--json").json["consumers"]
    assert tool in [item["tested_with"] for item in consumers]
    assert tool not in [item["checker"] for item in consumers]


def test_preview_shows_each_file_of_a_set(export, yetictl):
    """With its name, on the other stream; the first lines of each, and which is the first file as before."""
    done = yetictl("export", "preview", "x", "--format", "squid")

    assert {".a.example", "198.51.100.7"} <= {*done.out.split()}
    names = [line.removesuffix(":") for line in done.err.splitlines() if line.endswith(":")]
    assert 2 == len(names)
    assert "3 entries; above each file begins" in done.err

    found = yetictl("export", "preview", "x", "--format", "squid", "--json").json
    assert names == [file["name"] for file in found["files"]]
    assert found["first"] == found["files"][0]["first"]


def test_preview_of_one_file_shows_its_lines_alone(export, yetictl):
    """As before: nothing but the file on standard output."""
    done = yetictl("export", "preview", "x")

    assert {"a.example", "b.example", "198.51.100.7"} == {*done.out.splitlines()}
    assert "3 entries; above are its first lines" in done.err


def test_show_as_json_has_the_same(shout, yetictl):
    """For programs."""
    found = yetictl("format", "show", "shout", "--json").json

    assert ["hostname"] == found["types"]
    assert {"end": "!"} == found["defaults"]
    assert [("Deaf Firewall", "unproven")] == [(item["name"], item["proof"]) for item in found["consumers"]]


def test_show_of_an_unknown_format_names_the_nearest(yetictl):
    """One line."""
    done = yetictl("format", "show", "lst", status=1)

    assert "did you mean 'list'" in done.err


def test_every_format_has_a_phrase_and_can_be_shown(yetictl):
    """None of ours fails to be shown."""
    for item in yetictl("format", "list", "--json").json["formats"]:
        done = yetictl("format", "show", item["name"])

        assert done.out.startswith(f"{item['name']}: {item['meaning']}\n")


def test_preview_in_another_format(export, shout, yetictl):
    """What the other format can express is shown as it would be; the export stays what it is."""
    done = yetictl("export", "preview", "x", "--format", "shout", "--option", "end=?")

    assert ["A.EXAMPLE?", "B.EXAMPLE?"] == done.out.splitlines()
    assert "list" == yetictl("export", "show", "x", "--json").json["format"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--format", "shot"), "did you mean 'shout'"),
        (("--format", "shout", "--option", "ende=?"), "did you mean 'end'"),
        (("--format", "shout", "--option", "end"), "KEY=VALUE"),
        (("--option", "end=?"), "--format"),
    ],
)
def test_preview_in_what_is_not_there(export, shout, yetictl, words, message):
    """The message says what is meant."""
    done = yetictl("export", "preview", "x", *words, status=2 if words[0] == "--option" else 1)

    assert message in done.err


def test_preview_in_a_format_that_can_express_nothing_of_it(shout, yetictl, export):
    """It says what that format takes."""
    yetictl("export", "add", "ips", "--format", "list", "--type", "ip")

    done = yetictl("export", "preview", "ips", "--format", "shout", status=1)

    assert "it takes hostname" in done.err
