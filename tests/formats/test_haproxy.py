"""A map and a list of HAProxy: read by a parser of its manual, checked by HAProxy, and asked by requests."""

from contextlib import contextmanager

import address_reading as reading
import pytest
from list_pairs import Pair, findings_of_extremes, findings_of_value
from name_readers import between, checked, written
from ports import free_port
from real_names import real_names
from web_programs import LISTED, PASSED, running, statuses

from core.errors import DefinitionError
from core.exports.formats import get_format, parse_options
from core.testing.formats import Value

CONSUMER = "HAProxy, map_str and src -f"
WITH_SUBDOMAINS = "HAProxy, map_end and src -f"
CONFIGURATION = """
defaults
    mode http
    timeout connect 20s
    timeout client 20s
    timeout server 20s
frontend yeti
    bind 127.0.0.1:{port}
    http-request set-src req.hdr(x-address) if {{ req.hdr(x-address) -m found }}
    http-request deny if {{ src -f {addresses} }}
    http-request set-var(txn.host) req.hdr(host),field(1,:),lower
    http-request deny if {{ {names} -m found }}
    http-request return status 200
"""
ALONE, BELOW = "var(txn.host),map_str({names})", "str(.),concat(,txn.host),map_end({names})"


class TestHaproxy(Pair):
    """A name, a space, and a value; an address or a network."""

    format = "haproxy"
    suffix = ".map"
    has_subdomains = False

    def name_of(self, line):
        return checked(line.removesuffix(" yeti")) if line.endswith(" yeti") else checked("")


class TestWithSubdomains(TestHaproxy):
    """A name with a dot before it, below no other."""

    options = {"subdomains": "yes"}
    has_subdomains = True

    def name_of(self, line):
        return checked(between(line, ".", " yeti"))


def test_what_is_written(tmp_path):
    """A value for each name; the fewest networks."""
    kit = TestHaproxy()
    kit.options = {"value": "c2", "subdomains": "yes"}
    some = [Value("ipv4", "192.0.2.0"), Value("ipv4", "192.0.2.1"), Value("hostname", "bad.example")]
    found = written(kit, some, tmp_path)

    assert {"export-names.map": b".bad.example c2\n", "export-addresses.map": b"192.0.2.0/31\n"} == found.files


def test_a_value_that_is_no_word_is_refused():
    """It would be another map."""
    for value in ("", "a b", "x\ny", "#"):
        with pytest.raises(DefinitionError, match="value is a word"):
            parse_options(get_format("haproxy"), {"value": value})


@pytest.mark.proof("haproxy", CONSUMER, "loaded", tool="haproxy")
@pytest.mark.parametrize("value", [".", "-", "_", "1.5", "a_b-c.d"])
def test_every_word_can_be_a_value(value, tmp_path):
    """The same words that other formats take."""
    assert [] == findings_of_value("haproxy", TestHaproxy(), value, tmp_path)


@pytest.mark.parametrize("kit", [TestHaproxy, TestWithSubdomains])
@pytest.mark.proof("haproxy", CONSUMER, "loaded", tool="haproxy")
@pytest.mark.proof("haproxy", WITH_SUBDOMAINS, "loaded", tool="haproxy")
def test_it_is_checked_before_it_is_published(tmp_path, kit):
    """``haproxy -c`` takes what is hostile, also nothing and every address, and the longest name."""
    assert [] == findings_of_extremes("haproxy", kit(), tmp_path)


@pytest.mark.parametrize("line", ["192.0.2.0-192.0.2.9", "bad.example", "192.0.2.1 # c2", "192.0.2.0/33"])
@pytest.mark.proof("haproxy", CONSUMER, "loaded", tool="haproxy")
def test_the_check_finds_what_haproxy_would(tmp_path, line):
    """A range, a name, a remark, a network that is none."""
    paths = TestHaproxy().put(written(TestHaproxy(), [], tmp_path / "made"), tmp_path / "files")
    paths[1].write_text(f"192.0.2.1\n{line}\n")

    assert "ALERT" in "".join(get_format("haproxy").check(paths, parse_options(get_format("haproxy"), {})))


def _proof(kit, tmp_path, intel):
    names, real = real_names(intel), reading.real(intel)
    made = written(kit, [*names.listed, *real], tmp_path / "made")
    paths = kit.put(made, tmp_path / "files")
    listed = {value.value for value in made.accepted}
    caught = names.caught_by(made.accepted) if kit.has_subdomains else sorted({*names.some} & listed)
    passing = [*names.passing, *([] if kit.has_subdomains else names.below)]
    addresses, others = reading.asked(real, 150)

    with haproxy(tmp_path, paths, BELOW if kit.has_subdomains else ALONE) as port:
        assert [LISTED] * len(caught) == statuses(port, [("/", {"Host": name.upper()}) for name in caught])
        assert [PASSED] * len(passing) == statuses(port, [("/", {"Host": name}) for name in passing])
        assert [LISTED] * len(addresses) == statuses(port, [("/", {"X-Address": text}) for text in addresses])
        assert [PASSED] * len(others) == statuses(port, [("/", {"X-Address": text}) for text in others])


@pytest.mark.intel
@pytest.mark.proof("haproxy", CONSUMER, "asked", tool="haproxy")
def test_haproxy_turns_listed_requests_away(tmp_path, intel):
    """403 for a listed host or client, in capital letters, too; not for a name below: real names and addresses."""
    _proof(TestHaproxy(), tmp_path, intel)


@pytest.mark.intel
@pytest.mark.proof("haproxy", WITH_SUBDOMAINS, "asked", tool="haproxy")
def test_haproxy_turns_what_is_below_away(tmp_path, intel):
    """With subdomains=yes also for a name below, not for one that only ends alike."""
    _proof(TestWithSubdomains(), tmp_path, intel)


@contextmanager
def haproxy(folder, paths, lookup):
    """Run a HAProxy with two files; give its port."""
    port, configuration = free_port(), folder / "haproxy.cfg"
    names, addresses = paths
    configuration.write_text(
        CONFIGURATION.format(port=port, addresses=addresses, names=lookup.format(names=names))
    )
    with running("haproxy", ["-db", "-f", configuration], folder, port):
        yield port
