"""Local zones of Unbound: read by a parser of unbound.conf(5), and by Unbound."""

import pytest
from dns_query import Answer
from dns_servers import UNLISTED, unbound, upstream
from name_readers import between, checked, hostile, lines_of, outermost, put, written
from real_names import real_names

from core.errors import DefinitionError
from core.exports.formats import get_format, parse_options
from core.testing.formats import FormatConformance, Value

UNBOUND = "Unbound, local zones"


class TestUnbound(FormatConformance):
    """The clause, then zones in quotes, each with a dot at its end."""

    format = "unbound"

    def read(self, files):
        first, *lines = lines_of(files)
        assert "server:" == first
        return [checked(between(line, 'local-zone: "', '." always_nxdomain')) for line in lines]


class TestWithoutClause(FormatConformance):
    """For inside of the clause; what is below another is not there."""

    format = "unbound"
    options = {"clause": "no", "action": "drop", "reduce": "yes"}

    def read(self, files):
        names = [checked(between(line, 'local-zone: "', '." always_deny')) for line in lines_of(files)]
        assert outermost(names) == set(names)
        return names

    def meaning(self, entries):
        return outermost(entries)


@pytest.mark.proof("unbound", UNBOUND, "loaded", tool="unbound-checkconf")
@pytest.mark.parametrize("kit", [TestUnbound, TestWithoutClause])
def test_it_is_checked_before_it_is_published(tmp_path, kit):
    """Unbound's own checker takes what is hostile, and finds a label that is too long."""
    made = hostile(kit(), tmp_path / "made")
    path = put(made.files, tmp_path / "list.conf")
    options = parse_options(get_format("unbound"), kit.options)

    assert [] == get_format("unbound").check([path], options)

    path.write_text(path.read_text() + f'local-zone: "{"a" * 64}.example." always_nxdomain\n')
    assert get_format("unbound").check([path], options)


@pytest.mark.proof("unbound", UNBOUND, "loaded", tool="unbound-checkconf")
@pytest.mark.parametrize("kit", [TestUnbound, TestWithoutClause])
def test_unbound_takes_nothing(tmp_path, kit):
    """The empty form."""
    path = put(written(kit(), [], tmp_path / "made").files, tmp_path / "list.conf")

    assert [] == get_format("unbound").check([path], parse_options(get_format("unbound"), kit.options))


@pytest.mark.intel
@pytest.mark.proof("unbound", UNBOUND, "asked", tool="unbound")
@pytest.mark.parametrize("reduce", ["yes", "no"])
def test_unbound_answers_for_listed_names_and_below(tmp_path, intel, reduce):
    """And for no other."""
    names = real_names(intel)
    kit = TestUnbound()
    kit.options = {"reduce": reduce}
    made = written(kit, names.listed, tmp_path / "made")
    path = put(made.files, tmp_path / "list.conf")
    caught = names.caught_by(made.accepted)

    with upstream(tmp_path / "upstream") as behind, unbound(tmp_path, behind, f'include: "{path}"') as server:
        for name in caught:
            assert Answer("NXDOMAIN", ()) == server.ask(name), name
        for name in names.passing:
            assert Answer("NOERROR", (UNLISTED,)) == server.ask(name), name


@pytest.mark.proof("unbound", UNBOUND, "asked", tool="unbound")
@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ("nxdomain", Answer("NXDOMAIN", ())),
        ("nodata", Answer("NOERROR", ())),
        ("null", Answer("NOERROR", ("0.0.0.0",))),
        ("refuse", Answer("REFUSED", ())),
        ("drop", None),
    ],
)
def test_each_action_is_what_it_says(tmp_path, action, answer):
    """For a name and below it, whatever it is and whether or not there is a clause."""
    kit = TestUnbound()
    kit.options = {"action": action, "clause": "no"}
    path = put(written(kit, [Value("hostname", "bad.example")], tmp_path / "made").files, tmp_path / "list.conf")
    text = f'server:\n    include: "{path}"'

    with upstream(tmp_path / "upstream") as behind, unbound(tmp_path, behind, text) as server:
        assert answer == server.ask("bad.example", timeout_s=0.5 if answer is None else 5)
        assert answer == server.ask("x.y.bad.example", timeout_s=0.5 if answer is None else 5)
        assert (UNLISTED,) == server.ask("notbad.example").addresses


def test_an_unknown_action_is_refused():
    """With the nearest."""
    with pytest.raises(DefinitionError, match="did you mean 'nxdomain'"):
        parse_options(get_format("unbound"), {"action": "nxdomian"})
