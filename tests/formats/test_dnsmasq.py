"""Domains of dnsmasq: read by a parser of dnsmasq(8), and by dnsmasq."""

import time

import consumer_tools
import pytest
from dns_query import Answer
from dns_servers import UNLISTED, dnsmasq, upstream
from name_readers import between, checked, hostile, lines_of, outermost, put, written
from real_names import real_names

from core.errors import DefinitionError
from core.exports.formats import get_format, parse_options
from core.testing.formats import FormatConformance, Value

FILE = "dnsmasq, a file of its configuration"
SERVERS_FILE = "dnsmasq, a servers-file"


class TestDnsmasq(FormatConformance):
    """A keyword, and a name between slashes."""

    format = "dnsmasq"
    keyword = "address"

    def read(self, files):
        assert "#" not in "".join(lines_of(files))
        return [checked(between(line, f"{self.keyword}=/", "/")) for line in lines_of(files)]


class TestServersFile(TestDnsmasq):
    """The same with the other keyword."""

    options = {"keyword": "server"}
    keyword = "server"


class TestAddresses(FormatConformance):
    """A line of each address; what is below another is not there."""

    format = "dnsmasq"
    options = {"address": "0.0.0.0,::", "reduce": "yes"}

    def read(self, files):
        lines = lines_of(files)
        names = [checked(between(line, "address=/", "/0.0.0.0")) for line in lines[::2]]
        assert [f"address=/{name}/::" for name in names] == lines[1::2]
        assert outermost(names) == set(names)
        return names

    def meaning(self, entries):
        return outermost(entries)


def of(consumer, how, *values):
    """Return parameters of a test that prove something of one consumer."""
    return pytest.param(*values, marks=pytest.mark.proof("dnsmasq", consumer, how, tool="dnsmasq"))


@pytest.mark.parametrize(
    "kit",
    [of(FILE, "loaded", TestDnsmasq), of(FILE, "loaded", TestAddresses), TestServersFile],
)
def test_it_is_checked_before_it_is_published(tmp_path, kit):
    """dnsmasq's own checker takes what is hostile, also nothing, and finds a bad address.

    It reads a servers-file as a file of the configuration, which is no proof of how dnsmasq reads that.
    """
    consumer_tools.need("dnsmasq")
    options = parse_options(get_format("dnsmasq"), kit.options)
    path = put(hostile(kit(), tmp_path / "made").files, tmp_path / "list.conf")
    nothing = put(written(kit(), [], tmp_path / "nothing").files, tmp_path / "nothing.conf")

    assert [] == get_format("dnsmasq").check([path], options)
    assert [] == get_format("dnsmasq").check([nothing], options)

    path.write_text(path.read_text() + "address=/bad.example/300.0.0.1\n")
    assert get_format("dnsmasq").check([path], options)


@pytest.mark.proof("dnsmasq", SERVERS_FILE, "loaded", tool="dnsmasq")
def test_a_servers_file_is_read_without_a_complaint(tmp_path):
    """dnsmasq starts whatever stands in it, and tells of each bad line: of what is hostile, of none."""
    made = hostile(TestServersFile(), tmp_path / "made")
    path = put(made.files, tmp_path / "list.servers")
    names = [value.value for value in made.accepted]

    with upstream(tmp_path / "upstream") as behind, dnsmasq(tmp_path, behind, f"--servers-file={path}") as server:
        for name in names:
            assert Answer("NXDOMAIN", ()) == server.ask(name), name
            assert Answer("NXDOMAIN", ()) == server.ask(f"x.{name}"), name
        assert Answer("NOERROR", (UNLISTED,)) == server.ask("example")
        assert Answer("NOERROR", (UNLISTED,)) == server.ask(f"x{names[0]}")
        assert f" of {path}" not in server.log.read_text()

        path.write_text(path.read_text() + "server=/bad.example\n")
        server.reload()
        server.wait_for_log(f" at line {len(names) + 1} of {path}")


@pytest.mark.intel
@pytest.mark.parametrize("reduce", ["yes", "no"])
@pytest.mark.parametrize(
    ("keyword", "word"),
    [of(FILE, "asked", "address", "--conf-file"), of(SERVERS_FILE, "asked", "server", "--servers-file")],
)
def test_dnsmasq_answers_for_listed_names_and_below(tmp_path, intel, keyword, word, reduce):
    """And for no other."""
    names = real_names(intel)
    kit = TestDnsmasq()
    kit.options = {"keyword": keyword, "reduce": reduce}
    made = written(kit, names.listed, tmp_path / "made")
    path = put(made.files, tmp_path / "list.conf")
    caught = names.caught_by(made.accepted)

    with upstream(tmp_path / "upstream") as behind, dnsmasq(tmp_path, behind, f"{word}={path}") as server:
        for name in caught:
            assert Answer("NXDOMAIN", ()) == server.ask(name), name
        for name in names.passing:
            assert Answer("NOERROR", (UNLISTED,)) == server.ask(name), name


@pytest.mark.proof("dnsmasq", FILE, "asked", tool="dnsmasq")
def test_addresses_are_answered_for_both_kinds(tmp_path):
    """An IPv4 address for A, an IPv6 address for AAAA, also below the name."""
    kit = TestAddresses()
    path = put(written(kit, [Value("hostname", "bad.example")], tmp_path / "made").files, tmp_path / "list.conf")

    with upstream(tmp_path / "upstream") as behind, dnsmasq(tmp_path, behind, f"--conf-file={path}") as server:
        for name in ("bad.example", "x.bad.example"):
            assert ("0.0.0.0",) == server.ask(name).addresses
            assert ("::",) == server.ask(name, "AAAA").addresses
        assert (UNLISTED,) == server.ask("notbad.example").addresses


@pytest.mark.proof("dnsmasq", SERVERS_FILE, "asked", tool="dnsmasq")
def test_a_servers_file_is_read_again_at_a_signal(tmp_path):
    """Without a new start: what is new on the list is caught, what has left it passes."""
    first, second = (
        written(TestServersFile(), [Value("hostname", name)], tmp_path / name).files
        for name in ("old.example", "new.example")
    )
    path = put(first, tmp_path / "list.servers")

    with upstream(tmp_path / "upstream") as behind, dnsmasq(tmp_path, behind, f"--servers-file={path}") as server:
        assert "NXDOMAIN" == server.ask("x.old.example").code
        assert "NOERROR" == server.ask("x.new.example").code
        put(second, path)
        server.reload()
        end = time.monotonic() + 20
        while server.ask("x.new.example").code != "NXDOMAIN" and time.monotonic() < end:
            time.sleep(0.05)

        assert "NXDOMAIN" == server.ask("x.new.example").code
        assert "NOERROR" == server.ask("x.old.example").code


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"address": "#"}, "not an IPv4 address"),
        ({"keyword": "server", "address": "0.0.0.0"}, "it would be a server to ask"),
        ({"keyword": "local"}, "the option keyword has no value 'local'"),
    ],
)
def test_options_that_would_mean_something_else_are_refused(options, message):
    """``#`` is no address, and what stands behind a server is asked."""
    with pytest.raises(DefinitionError, match=message):
        parse_options(get_format("dnsmasq"), options)
