"""Tags that say more than a name: a TLP marking counts as one whichever way it comes in, a sticky tag says good."""

import json

import pytest


@pytest.fixture
def public(yetictl, tmp_path):
    """Run an export that anybody may fetch, and return the last numbers of the addresses in it."""
    yetictl("export", "add", "x", "--format", "list", "--type", "ip", "--public", "--limit", "allow=documentation")

    def published():
        yetictl("export", "run", "x")
        return "".join(line.rpartition(".")[2] for line in (tmp_path / "home/exports/x.txt").read_text().split())

    return published


def tlps(yetictl, value):
    """Return how every claim on a value is marked."""
    (row,) = yetictl("observable", "show", value, "--json").json
    return {item["tag"]: item.get("tlp") for item in row["assertions"]}


@pytest.mark.parametrize(
    ("tag", "level"),
    [
        ("tlp:red", "red"),
        ("TLP:AMBER+STRICT", "amber+strict"),
        ("tlp:amber", "amber"),
        ("Tlp: Green", "green"),
        ("tlp:clear", "clear"),
        ("tlp:white", "clear"),
    ],
)
def test_a_tag_that_is_a_marking_marks_what_is_added(yetictl, public, tag, level):
    """All that is claimed with it, in words of TLP 1 and 2; only what anybody may know is on a public list."""
    yetictl("observable", "add", "192.0.2.1", "--tag", "c2", "--tag", tag)
    yetictl("observable", "add", "192.0.2.2", "--tag", "c2")

    assert {level} == set(tlps(yetictl, "192.0.2.1").values())
    assert {None} == set(tlps(yetictl, "192.0.2.2").values())
    assert ("12" if level == "clear" else "2") == public()


@pytest.mark.parametrize("tag", ["tlp", "tlp:purple", "tlp:red:x", "not tlp:red", "red"])
def test_a_tag_that_is_no_marking_is_a_tag(yetictl, public, tag):
    """What only looks like one marks nothing."""
    yetictl("observable", "add", "192.0.2.1", "--tag", tag)

    assert {tag: None} == tlps(yetictl, "192.0.2.1")
    assert "1" == public()


def test_of_several_the_strictest_holds(yetictl, public):
    """In whichever order they are given."""
    yetictl("observable", "add", "192.0.2.1", "--tag", "tlp:clear", "--tag", "tlp:red", "--tag", "tlp:green")

    assert {"red"} == set(tlps(yetictl, "192.0.2.1").values())
    assert "" == public()


@pytest.mark.parametrize(("level", "tag", "expected"), [("clear", "tlp:red", "1"), ("red", "tlp:clear", "")])
def test_what_a_claim_says_itself_beats_its_tags(yetictl, public, level, tag, expected):
    """Whoever says --tlp means it, more or less strict than a tag."""
    yetictl("observable", "add", "192.0.2.1", "--tag", "c2", "--tag", tag, "--tlp", level)

    assert {"c2": level, tag: level} == tlps(yetictl, "192.0.2.1")
    assert expected == public()


@pytest.mark.parametrize("tag", ["tlp:red", "TLP:AMBER+STRICT"])
def test_a_value_cannot_be_tagged_with_a_marking(yetictl, public, tag):
    """It would say nothing of the claims there are: nothing is tagged, and the command that marks is said; it works."""
    yetictl("observable", "add", "192.0.2.1", "192.0.2.2", "--tag", "c2")

    refused = yetictl("observable", "tag", "192.0.2.1", "botnet", tag, status=1)

    assert f"{tag} is a marking" in refused.err
    assert "yetictl observable add 192.0.2.1 --source yetictl --tag TAG --tlp LEVEL" in refused.err
    assert {"c2": None} == tlps(yetictl, "192.0.2.1")
    assert "12" == public()

    yetictl("observable", "add", "192.0.2.1", "--source", "yetictl", "--tag", "c2", "--tlp", "red")
    assert {"c2": "red"} == tlps(yetictl, "192.0.2.1")
    assert "2" == public()


YETI = {
    "list.json": [{"name": "c2"}, {"name": "tlp:red"}, {"name": "apt"}],
    "object.json": {"c2": {"name": "c2"}, "TLP:RED": {"name": "TLP:RED"}, "apt": {"name": "apt"}},
    "names.json": ["c2", "apt", "tlp:red"],
}

FILES = {
    "tags.csv": 'value,type,tags\n192.0.2.1,ip,"c2,tlp:red"\n192.0.2.2,ip,c2\n192.0.2.3,ip,c2;tlp:clear\n',
    "column.csv": "value,type,tags,tlp\n192.0.2.1,ip,c2;tlp:clear,red\n192.0.2.2,ip,c2;tlp:red,clear\n192.0.2.3,ip,c2,\n",
    "rows.jsonl": '{"value": "192.0.2.1", "tags": ["c2", "tlp:red"]}\n{"value": "192.0.2.2", "tags": ["c2"]}\n'
    '{"value": "192.0.2.3", "tags": ["TLP:WHITE"]}\n',
} | {
    name: json.dumps(
        {
            "observables": [
                {
                    "type": "ipv4",
                    "value": "192.0.2.1",
                    "tags": tags,
                    "context": [{"source": "a"}, {"source": "b"}],
                },
                {"type": "ipv4", "value": "192.0.2.2", "tags": [{"name": "c2"}], "context": []},
                {"type": "ipv4", "value": "192.0.2.3", "tags": [{"name": "c2"}, {"name": "tlp:clear"}]},
            ],
            "total": 3,
        }
    )
    for name, tags in YETI.items()
}


@pytest.mark.parametrize("name", FILES)
def test_a_tag_that_is_a_marking_marks_what_is_imported(yetictl, public, tmp_path, name):
    """From a column, an array or an observable of Yeti; every tag of the row is so marked."""
    (tmp_path / name).write_text(FILES[name])
    yetictl("import", name, "--source", "feed")

    assert {"red"} == set(tlps(yetictl, "192.0.2.1").values())
    assert "23" == public()


@pytest.mark.parametrize("name", ["feed.txt", "tags.csv", "list.json"])
def test_a_marking_for_a_whole_import(yetictl, public, tmp_path, name):
    """``import --tag tlp:red`` marks everything that does not say otherwise itself."""
    (tmp_path / name).write_text("192.0.2.1\n192.0.2.2\n" if name == "feed.txt" else FILES[name])

    yetictl("import", name, "--source", "feed", "--tag", "c2", "--tag", "tlp:red")

    assert {"red"} == set(tlps(yetictl, "192.0.2.2").values())
    assert "" == public()


def test_a_marking_that_is_taken_back_is_gone(yetictl, public, tmp_path):
    """The feed says the row again without it: what it says now counts."""
    for tags in ("c2;tlp:red", "c2"):
        (tmp_path / "feed.csv").write_text(f"value,type,tags\n192.0.2.1,ip,{tags}\n")
        yetictl("import", "feed.csv", "--source", "feed", "--snapshot")

    assert "1" == public()


# --- sticky tags ------------------------------------------------------------------------------------------


def kinds(yetictl, value):
    """Return what every claim on a value is."""
    (row,) = yetictl("observable", "show", value, "--json").json
    return {item["tag"]: item["kind"] for item in row["assertions"]}


GOOD = ["benign", "false-positive", "False_Positive", "allowlist", "whitelist"]


@pytest.mark.parametrize("tag", GOOD)
def test_a_value_that_is_tagged_as_good_leaves(yetictl, public, tag):
    """The claim is that it is good, and the next run leaves it out; whoever else claims it goes on doing so."""
    yetictl("observable", "add", "192.0.2.1", "192.0.2.2", "--tag", "c2", "--source", "feed")
    assert "12" == public()

    yetictl("observable", "tag", "192.0.2.1", tag)

    assert "malicious" == kinds(yetictl, "192.0.2.1")["c2"]
    assert ["benign"] == [kind for name, kind in kinds(yetictl, "192.0.2.1").items() if name != "c2"]
    assert "2" == public()


@pytest.mark.parametrize("tag", GOOD)
def test_a_value_that_is_added_as_good_is_on_no_list(yetictl, public, tag):
    """Also where a feed claims it later."""
    yetictl("observable", "add", "192.0.2.1", "--tag", tag)
    yetictl("observable", "add", "192.0.2.1", "192.0.2.2", "--tag", "c2", "--source", "feed")

    assert {"benign", "malicious"} == set(kinds(yetictl, "192.0.2.1").values())
    assert "2" == public()


def test_tags_of_both_sorts_are_claims_of_both_kinds(yetictl, public):
    """The sticky tag is a claim that it is good, the other that it is not; what is good is on no list."""
    yetictl("observable", "add", "192.0.2.1", "192.0.2.2", "--tag", "c2", "--source", "feed")
    yetictl("observable", "tag", "192.0.2.1", "botnet", "benign", "botnet")

    assert {"c2": "malicious", "botnet": "malicious", "benign": "benign"} == kinds(yetictl, "192.0.2.1")
    assert "2" == public()


def test_whoever_says_the_kind_means_it(yetictl, public):
    """``--kind malicious`` claims just that, under whichever tag."""
    yetictl("observable", "add", "192.0.2.1", "--tag", "benign", "--kind", "malicious")

    assert {"benign": "malicious"} == kinds(yetictl, "192.0.2.1")
    assert "1" == public()


def test_what_was_made_sticky_says_good_and_what_was_not_does_not(yetictl, public):
    """As `tag set` has it, not the word alone."""
    yetictl("observable", "add", "192.0.2.9", "--tag", "ours", "--tag", "benign", "--kind", "info")
    yetictl("tag", "set", "ours", "--exclusion", "sticky")
    yetictl("tag", "set", "benign", "--exclusion", "lapses")

    yetictl("observable", "add", "192.0.2.1", "--tag", "ours")
    yetictl("observable", "add", "192.0.2.2", "--tag", "benign")

    assert {"ours": "benign"} == kinds(yetictl, "192.0.2.1")
    assert {"benign": "malicious"} == kinds(yetictl, "192.0.2.2")
    assert "2" == public()


def test_a_marking_beside_a_sticky_tag_is_a_marking(yetictl):
    """It says how far both may go, and that the value is bad it does not say."""
    yetictl("observable", "add", "192.0.2.1", "--tag", "benign", "--tag", "tlp:red")
    yetictl("observable", "add", "192.0.2.2", "--tag", "benign", "--tag", "c2", "--tag", "tlp:red")

    assert {"benign"} == set(kinds(yetictl, "192.0.2.1").values())
    assert {"red"} == set(tlps(yetictl, "192.0.2.1").values()) == set(tlps(yetictl, "192.0.2.2").values())
    assert ("benign", "malicious") == (kinds(yetictl, "192.0.2.2")["benign"], kinds(yetictl, "192.0.2.2")["c2"])
