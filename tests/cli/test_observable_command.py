"""``yetictl observable``: look at, add, tag and withdraw."""


def test_value_may_be_typed_as_it_stands_in_a_report(yetictl):
    """Defanged and mixed-case values find and make the same observable."""
    yetictl("observable", "add", "hxxps://C2[.]Example[.]org/a", "--tag", "c2")

    (row,) = yetictl("observable", "show", "https://c2.example.org/a", "--json").json

    assert ("url", "https://c2.example.org/a") == (row["type"], row["value"])
    assert ["c2"] == [item["tag"] for item in row["assertions"]]
    assert row == yetictl("observable", "show", "hxxps://c2[.]example.org/a", "--json").json[0]


def test_refused_value_is_said_and_the_others_go_in(yetictl):
    """One value that is none costs no other; the exit status is 1."""
    done = yetictl("observable", "add", "300.1.1.1", "192.0.2.1", "--type", "ipv4", "--tag", "c2", status=1)

    assert "'300.1.1.1'" in done.err
    assert {"ipv4": 1} == yetictl("observable", "count", "--json").json


def test_withdrawn_value_stays_away_until_reinstated(yetictl, tmp_path):
    """What is withdrawn leaves the exports and no later import brings it back; ``reinstate`` does."""
    (tmp_path / "list.txt").write_text("192.0.2.1\n192.0.2.2\n")
    yetictl("import", "list.txt", "--tag", "c2")
    yetictl("export", "add", "x", "--format", "list")
    published = tmp_path / "home/exports/x.txt"

    yetictl("observable", "withdraw", "192.0.2.1", "--reason", "our own proxy")
    yetictl("import", "list.txt", "--tag", "c2")
    yetictl("export", "run", "x")
    assert "192.0.2.2\n" == published.read_text()

    yetictl("observable", "reinstate", "192.0.2.1")
    yetictl("export", "run", "x")
    assert "192.0.2.1\n192.0.2.2\n" == published.read_text()


def test_list_filters_and_says_when_there_is_more(yetictl):
    """Type, tag, source and text narrow the list; a cut list says so."""
    yetictl("observable", "add", "192.0.2.1", "192.0.2.2", "--tag", "c2", "--source", "a")
    yetictl("observable", "add", "c2.example.org", "--type", "domain", "--tag", "apt", "--source", "b")

    def values(*options):
        return [row["value"] for row in yetictl("observable", "list", *options, "--json").json]

    assert ["c2.example.org", "192.0.2.1", "192.0.2.2"] == values()
    assert ["192.0.2.1", "192.0.2.2"] == values("--type", "ip")
    assert ["c2.example.org"] == values("--tag", "APT")
    assert ["192.0.2.1", "192.0.2.2"] == values("--source", "a")
    assert ["192.0.2.2"] == values("--contains", "2.2")
    assert "there are more" in yetictl("observable", "list", "--limit", "1").err


def test_tag_is_added_under_its_own_source(yetictl):
    """A tag given by hand is an assertion of its own; the importing source's stays."""
    yetictl("observable", "add", "192.0.2.1", "--tag", "c2", "--source", "feed")

    yetictl("observable", "tag", "192.0.2.1", "botnet")

    (row,) = yetictl("observable", "show", "192.0.2.1", "--json").json
    assert {("c2", "feed"), ("botnet", "yetictl")} == {(item["tag"], item["source"]) for item in row["assertions"]}


def test_long_value_is_cut_in_messages(yetictl):
    """A refused value of any length takes one line of a terminal or two, not the whole of it."""
    done = yetictl("observable", "add", "a" * 100_000, status=1)

    assert "of no type that is recognised" in done.err
    assert len(done.err) < 300
    assert len(yetictl("observable", "show", "a" * 100_000, status=1).err) < 300
