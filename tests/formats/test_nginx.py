"""A map and a geo of nginx: read by a parser of its documentation, tested by nginx, and asked by requests."""

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

CONSUMER = "nginx, map hostnames and geo"
CONFIGURATION = """
pid {folder}/pid;
error_log stderr;
daemon off;
master_process off;
worker_rlimit_nofile 1024;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/temporary;
    proxy_temp_path {folder}/temporary;
    fastcgi_temp_path {folder}/temporary;
    uwsgi_temp_path {folder}/temporary;
    scgi_temp_path {folder}/temporary;
    map_hash_bucket_size 512;
    map_hash_max_size 1048576;
    map $host $yeti_name {{ hostnames; include {names}; }}
    geo $http_x_address $yeti_address {{ include {addresses}; }}
    server {{
        listen 127.0.0.1:{port};
        server_name _;
        if ($yeti_name) {{ return 403; }}
        if ($yeti_address) {{ return 403; }}
        location / {{ return 200; }}
    }}
}}
"""


class TestNginx(Pair):
    """A name with a dot before it or a network, a space, a value and a semicolon."""

    format = "nginx"
    suffix = ".conf"

    def name_of(self, line):
        return checked(between(line, ".", " 1;"))

    def network_of(self, line):
        assert line.endswith(" 1;")
        return line.removesuffix(" 1;")


class TestNamesAlone(TestNginx):
    """A name without a dot is itself alone."""

    options = {"subdomains": "no"}
    has_subdomains = False

    def name_of(self, line):
        return checked(self.network_of(line))


def test_what_is_written(tmp_path):
    """A value for each name and each of the fewest networks."""
    kit = TestNginx()
    kit.options = {"value": "c2"}
    some = [Value("ipv4", "192.0.2.0"), Value("ipv4", "192.0.2.1"), Value("hostname", "bad.example")]
    found = written(kit, some, tmp_path)

    assert {
        "export-names.conf": b".bad.example c2;\n",
        "export-addresses.conf": b"192.0.2.0/31 c2;\n",
    } == found.files


def test_a_value_that_is_no_word_is_refused():
    """It would be another configuration."""
    for value in ("", "a b", "1; }", "$host", "x\ny"):
        with pytest.raises(DefinitionError, match="value is a word"):
            parse_options(get_format("nginx"), {"value": value})


@pytest.mark.proof("nginx", CONSUMER, "loaded", tool="nginx")
@pytest.mark.parametrize("value", [".", "-", "_", "1.5", "a_b-c.d"])
def test_every_word_can_be_a_value(value, tmp_path):
    """The same words that other formats take."""
    assert [] == findings_of_value("nginx", TestNginx(), value, tmp_path)


@pytest.mark.parametrize("kit", [TestNginx, TestNamesAlone])
@pytest.mark.proof("nginx", CONSUMER, "loaded", tool="nginx")
def test_it_is_checked_before_it_is_published(tmp_path, kit):
    """``nginx -t`` takes what is hostile, also nothing and every address, and the longest name."""
    assert [] == findings_of_extremes("nginx", kit(), tmp_path)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (0, ".bad.example 1;\n.bad.example 2;"),
        (0, "ev*il.example 1;"),
        (0, "bad.example;"),
        (1, "192.0.2.1/24 1;"),
        (1, "bad.example 1;"),
        (1, "192.0.2.1 1"),
    ],
)
@pytest.mark.proof("nginx", CONSUMER, "loaded", tool="nginx")
def test_the_check_finds_what_nginx_would(tmp_path, place, line):
    """What is there twice, a wildcard inside, no value, host bits, a name among addresses, no semicolon."""
    paths = TestNginx().put(written(TestNginx(), [], tmp_path / "made"), tmp_path / "files")
    paths[place].write_text(f"{line}\n")

    assert "[" in "".join(get_format("nginx").check(paths, parse_options(get_format("nginx"), {})))


@pytest.mark.intel
@pytest.mark.parametrize("kit", [TestNginx, TestNamesAlone])
@pytest.mark.proof("nginx", CONSUMER, "asked", tool="nginx")
def test_nginx_turns_listed_requests_away(tmp_path, intel, kit):
    """403 for a listed host, in capital letters, too, or client; not for others: real names and addresses."""
    names, real = real_names(intel), reading.real(intel)
    made = written(kit(), [*names.listed, *real], tmp_path / "made")
    paths = kit().put(made, tmp_path / "files")
    listed = {value.value for value in made.accepted}
    caught = names.caught_by(made.accepted) if kit.has_subdomains else sorted({*names.some} & listed)
    passing = [*names.passing, *([] if kit.has_subdomains else names.below)]
    addresses, others = reading.asked(real, 150)

    with nginx(tmp_path, paths) as port:
        assert [LISTED] * len(caught) == statuses(port, [("/", {"Host": name.upper()}) for name in caught])
        assert [PASSED] * len(passing) == statuses(port, [("/", {"Host": name}) for name in passing])
        assert [LISTED] * len(addresses) == statuses(port, [("/", {"X-Address": text}) for text in addresses])
        assert [PASSED] * len(others) == statuses(port, [("/", {"X-Address": text}) for text in others])


@contextmanager
def nginx(folder, paths):
    """Run an nginx with two files; give its port."""
    port, configuration = free_port(), folder / "nginx.conf"
    names, addresses = paths
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, names=names, addresses=addresses))
    with running("nginx", ["-e", "stderr", "-p", folder, "-c", configuration], folder, port):
        yield port
