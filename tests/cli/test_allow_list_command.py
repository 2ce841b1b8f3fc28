"""``yetictl allow-list``: what is on a list, what is done about it, and what comes of that."""

import json

import pytest

AMAZON = {
    "name": "List of known Amazon AWS IP address ranges",
    "version": 20,
    "description": "Amazon's",
    "type": "cidr",
    "matching_attributes": ["ip-src", "ip-dst"],
    "list": ["52.0.0.0/8", "no network"],
}


@pytest.fixture
def amazon(yetictl, tmp_path):
    """A list of MISP's form that was imported, and its name."""
    (tmp_path / "list.json").write_text(json.dumps(AMAZON))
    yetictl("import", "list.json")
    return AMAZON["name"]


@pytest.fixture
def ours(yetictl, tmp_path):
    """A list of the user's own."""
    (tmp_path / "ours.txt").write_text("# ours\n9.9.9.0/29\nours.example.net  # web\n")
    yetictl("allow-list", "add", "ours", "ours.txt")


def does(yetictl):
    """What each list does."""
    return {item["name"]: item["does"] for item in yetictl("allow-list", "list", "--json").json}


def test_what_is_there_without_any_import(yetictl):
    """The carried lists, which block; each has a family and entries."""
    found = yetictl("allow-list", "list", "--json").json

    assert {"special-purpose: private-use", "public suffixes: icann"} <= {item["name"] for item in found}
    assert {"block"} == {item["does"] for item in found}
    assert all(item["carried"] and item["count"] and item["version"] for item in found)
    table = yetictl("allow-list", "list").out.splitlines()
    assert table[0].split() == ["allow-list", "does", "type", "entries", "family"]
    assert len(table) == len(found) + 1


def test_set(yetictl, amazon, ours):
    """An action, and the default again; own assets hold."""
    assert (does(yetictl)[amazon], does(yetictl)["ours"]) == ("inform", "block")
    told = yetictl("allow-list", "set", amazon, "--action", "block").err
    assert "what is on it is kept off every export; the next run" in told
    yetictl("allow-list", "set", "ours", "--own-assets")
    assert (does(yetictl)[amazon], does(yetictl)["ours"]) == ("block", "hold")
    yetictl("allow-list", "set", amazon, "--action", "default")
    yetictl("allow-list", "set", "ours", "--action", "off")
    assert (does(yetictl)[amazon], does(yetictl)["ours"]) == ("inform", "off")
    yetictl("allow-list", "set", "ours", "--action", "inform", "--no-own-assets")
    yetictl("allow-list", "set", "public suffixes: private", "--action", "off")
    assert (does(yetictl)["public suffixes: private"], does(yetictl)["ours"]) == ("off", "inform")

    assert "say what to set" in yetictl("allow-list", "set", "ours", status=2).err


def test_a_list_that_comes_again_keeps_what_was_set(yetictl, amazon, ours, tmp_path):
    """Its entries are new, whatever was said of it stays."""
    yetictl("allow-list", "set", amazon, "--action", "block")
    yetictl("allow-list", "set", "ours", "--own-assets", "--action", "inform")
    (tmp_path / "list.json").write_text(json.dumps(AMAZON | {"list": ["52.0.0.0/9"], "version": 21}))
    yetictl("import", "list.json")
    (tmp_path / "ours.txt").write_text("9.9.9.9\n")
    yetictl("allow-list", "add", "ours", "ours.txt")

    assert (does(yetictl)[amazon], does(yetictl)["ours"]) == ("block", "hold")
    assert yetictl("allow-list", "show", amazon, "--json").json["entries"] == ["52.0.0.0/9"]
    assert yetictl("allow-list", "show", "ours", "--json").json["entries"] == ["9.9.9.9"]


def test_what_a_list_that_informs_says_when_it_comes(yetictl, amazon, tmp_path):
    """Once, and for many in one line; a list that blocks says nothing."""
    assert f"the allow-list {amazon!r} keeps nothing off" in yetictl("import", "list.json").err
    (tmp_path / "other.json").write_text(json.dumps(AMAZON | {"name": "Other"}))
    assert "2 of 2 allow-lists keep nothing off" in yetictl("import", "list.json", "other.json").err
    yetictl("allow-list", "set", amazon, "--action", "block")
    assert "nothing off" not in yetictl("import", "list.json").err


def test_show(yetictl, amazon):
    """The facts, the entries, what cannot be used, and how many observables are on it."""
    yetictl("observable", "add", "52.1.2.3", "8.8.8.8", "52.0.0.0/8")
    shown = yetictl("allow-list", "show", amazon)
    assert "does:       inform, by its family" in shown.out
    assert "about:      ip-src, ip-dst" in shown.out
    assert "met by:     2 observables: equal 1, inside 1" in shown.out
    assert "\n52.0.0.0/8\n" in shown.out
    assert "nothing can be on 'no network': neither an address nor a network" in shown.err

    found = yetictl("allow-list", "show", amazon, "--json", "--limit", "1").json
    assert (found["met"], found["entries"], found["count"]) == ({"equal": 1, "inside": 1}, ["52.0.0.0/8"], 2)
    assert [item["entry"] for item in found["unusable"]] == ["no network"]
    assert "there are 1 more; --limit 2" in yetictl("allow-list", "show", amazon, "--limit", "1").err


def test_add(yetictl, tmp_path):
    """Any form that import reads; what is no value is told with its line, and the rest is kept."""
    (tmp_path / "own.txt").write_text("hxxp://a[.]example/x\n*.corp.example\n1.2.3.0-1.2.3.255\nsome words here\n")
    result = yetictl("allow-list", "add", "own", "own.txt", "--action", "inform", "--own-assets", status=1)
    assert "refused  own.txt:4  not a value: some words here" in result.err
    assert "allow-list own: 3 entries; a run that would list any of it is held" in result.err
    assert yetictl("allow-list", "show", "own", "--json").json["entries"] == [
        "http://a.example/x",
        "corp.example",
        "1.2.3.0/24",
    ]

    (tmp_path / "own.csv").write_text("value,type\n9.9.9.9,ip\n")
    yetictl("allow-list", "add", "table", "own.csv")
    (tmp_path / "own.json").write_text('["9.9.9.9", "b.example", "a word"]')
    yetictl("allow-list", "add", "array", "own.json")
    (tmp_path / "list.json").write_text(json.dumps(AMAZON))
    yetictl("allow-list", "add", "theirs", "list.json")
    kinds = {item["name"]: (item["type"], item["family"]) for item in yetictl("allow-list", "list", "--json").json}
    assert (kinds["table"], kinds["array"], kinds["theirs"]) == (
        ("values", "plain"),
        ("values", "plain"),
        ("cidr", "misp"),
    )
    assert AMAZON["name"] not in kinds


@pytest.mark.parametrize(("text", "reason"), [("", "is empty"), ("# nothing\n", "there is no value in it")])
def test_a_file_without_a_value_is_no_list(yetictl, ours, tmp_path, text, reason):
    """The list that is there stays as it is."""
    (tmp_path / "none.txt").write_text(text)

    assert f"none.txt: {reason}" in yetictl("allow-list", "add", "ours", "none.txt", status=1).err
    assert "missing.txt: " in yetictl("allow-list", "add", "ours", "missing.txt", status=1).err
    assert yetictl("allow-list", "show", "ours", "--json").json["count"] == 2


@pytest.mark.parametrize("name", ["carved out", "Special-Purpose:  teredo", "public suffixes: mine"])
def test_names_of_the_program(yetictl, tmp_path, name):
    """Neither by hand nor by an import is such a list replaced; the rest of an import goes in."""
    (tmp_path / "own.txt").write_text("9.9.9.9\n")
    assert "is kept by the program" in yetictl("allow-list", "add", name, "own.txt", status=1).err
    (tmp_path / "bad.json").write_text(json.dumps(AMAZON | {"name": name}))
    (tmp_path / "good.json").write_text(json.dumps(AMAZON))

    result = yetictl("import", "bad.json", "good.json")
    assert "bad.json" in result.err
    assert "is kept by the program" in result.err
    assert AMAZON["name"] in does(yetictl)
    assert name not in does(yetictl)


def test_remove(yetictl, ours):
    """A list of the user's goes; one of the program's is switched off instead."""
    yetictl("allow-list", "remove", "ours")
    assert "ours" not in does(yetictl)
    result = yetictl("allow-list", "remove", "special-purpose: teredo", status=1)
    assert "--action off" in result.err
    assert (
        "comes with the program"
        in yetictl("allow-list", "set", "special-purpose: teredo", "--own-assets", status=1).err
    )


@pytest.mark.parametrize("command", [("show",), ("set", "--action", "off"), ("remove",)])
def test_a_name_that_is_nearly_right(yetictl, amazon, command):
    """The nearest one is told, whatever the case; where nothing is near, where to look."""
    verb, *options = command
    near = yetictl("allow-list", verb, "list of known amazon AWS addresses", *options, status=1)
    assert f"did you mean {amazon!r}?" in near.err
    assert "yetictl allow-list list" in yetictl("allow-list", verb, "zzz", *options, status=1).err


def test_check(yetictl, amazon, ours):
    """What a value meets, whether it is known or not, what does most first."""
    yetictl("allow-list", "set", "ours", "--own-assets")
    found = yetictl("allow-list", "check", "9[.]9.9.8/30", "--json").json
    assert (found["type"], found["value"], found["lists"]) == ("cidr", "9.9.9.8/30", [])
    assert "cidr  9.9.9.8/30 meets no allow-list" in yetictl("allow-list", "check", "9.9.9.8/30").err
    found = yetictl("allow-list", "check", "0.0.0.0/1", "--json").json["lists"]
    assert found[0] == {
        "name": "ours",
        "does": "hold",
        "relation": "contains",
        "entry": "9.9.9.0/29",
        "class": None,
    }
    assert found[-1] == {
        "name": amazon,
        "does": "inform",
        "relation": "contains",
        "entry": "52.0.0.0/8",
        "class": None,
    }
    assert {"private-use", "loopback", "this-network"} <= {item["class"] for item in found}
    table = yetictl("allow-list", "check", "www.ours.example.net").out.splitlines()
    assert table[1].split() == ["ours", "hold", "inside", "ours.example.net"]
    assert "of no type that is recognised" in yetictl("allow-list", "check", "no value", status=1).err


def test_what_comes_of_it(yetictl, amazon, ours, tmp_path):
    """From the file of a feed to the published list: what blocks is kept off, what informs is told, own assets hold."""
    (tmp_path / "feed.txt").write_text("52.1.2.3\n10.0.0.6\n8.8.4.4\n7.7.7.7\n7.7.7.8\n")
    yetictl("import", "feed.txt")
    limits = ("--limit", "dropped=off")
    yetictl("export", "add", "x", "--format", "list", "--type", "ip", *limits)
    told = yetictl("export", "run", "x").err

    def published():
        return (tmp_path / "home/exports/x.txt").read_text().splitlines()

    assert published() == ["52.1.2.3", "7.7.7.7", "7.7.7.8", "8.8.4.4"]
    assert f"on allow-lists that only inform: {amazon} 1;" in told
    yetictl("allow-list", "set", amazon, "--action", "block")
    yetictl("export", "run", "x")
    assert published() == ["7.7.7.7", "7.7.7.8", "8.8.4.4"]

    (tmp_path / "ours.txt").write_text("7.7.7.8\n")
    yetictl("allow-list", "add", "ours", "ours.txt", "--own-assets")
    held = yetictl("export", "run", "x", status=3)
    assert "7.7.7.8 (ours: 7.7.7.8)" in held.out + held.err
    assert published() == ["7.7.7.7", "7.7.7.8", "8.8.4.4"]
