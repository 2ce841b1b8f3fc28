"""Response policy zones: read by a strict parser, and byte for byte."""

import pytest
from name_readers import lines_of, written
from rpz_reader import Drop, Rpz

from core.errors import DefinitionError
from core.exports.formats import COUNTER_MARK, get_format, parse_options
from core.testing.formats import Value


class TestRpz(Rpz):
    """With a wildcard for each name."""


class TestDrop(Drop):
    """Names alone, with another action, in a zone of a long name."""


# --- what it writes ---------------------------------------------------------------------------------------------


def records(folder, *values, **options):
    """Return the records of a zone with these observables, and what was refused."""
    kit = Rpz()
    kit.options = options
    made = written(kit, values, folder)
    return lines_of({"": made.files["export.zone"].replace(COUNTER_MARK.encode(), b"1")})[3:], made


def test_a_zone_byte_for_byte(tmp_path):
    """Head, addresses, then names as they read from the right."""
    values = [Value("hostname", "b.example"), Value("ipv4", "192.0.2.7"), Value("cidr", "2001:db8:7::/48")]

    (content,) = written(Rpz(), values, tmp_path).files.values()

    assert (
        "$TTL 300\n"
        f"@ IN SOA localhost. hostmaster.localhost. {COUNTER_MARK} 3600 600 604800 300\n"
        "@ IN NS localhost.\n"
        "48.zz.7.db8.2001.rpz-ip CNAME .\n"
        "32.7.2.0.192.rpz-ip CNAME .\n"
        "b.example CNAME .\n"
        "*.b.example CNAME .\n"
    ) == content.decode()


@pytest.mark.parametrize(
    ("value", "owner"),
    [
        ("2001:db8::1", "128.1.zz.db8.2001"),
        ("2001:db8:0:1:1:1:1:1", "128.1.1.1.1.1.0.db8.2001"),
        ("2001::1:0:0:1:1", "128.1.1.0.0.1.zz.2001"),
        ("2001:db8:0:1::", "128.zz.1.0.db8.2001"),
        ("::5:1", "128.1.5.zz"),
        ("::1.2.3.4", None),
        ("::102:304", "128.304.102.zz"),
        ("::ffff:c000:209", None),
        ("::", None),
    ],
)
def test_ipv6_owners(tmp_path, value, owner):
    """Words from the end, ``zz`` where the canonical text has ``::``."""
    found, made = records(tmp_path, Value("ipv6", value))

    assert [f"{owner}.rpz-ip CNAME ."] * bool(owner) == found
    assert (not owner) == bool(made.refused)


@pytest.mark.parametrize("value", ["192.0.2.1/24", "2001:db8::1/64", "0.0.0.0/0", "::/0", "192.0.2.1/32"])
def test_what_resolvers_would_ignore_is_refused(tmp_path, value):
    """Host bits, everything there is, and a network that is an address."""
    found, made = records(tmp_path, Value("cidr", value))

    assert [] == found
    assert [value] == [item.value for item in made.refused]


@pytest.mark.parametrize("word", ["rpz-ip", "rpz-nsip", "rpz-client-ip", "rpz-nsdname", "rpz-passthru"])
def test_no_name_becomes_an_order_of_another_kind(tmp_path, word):
    """A stranger's ``24.0.2.0.192.rpz-ip`` is a canonical name, and would be a network here."""
    name = f"24.0.2.0.192.{word}"

    found, made = records(tmp_path, Value("hostname", name), Value("hostname", "rpz-ip.example"))

    assert ["rpz-ip.example CNAME .", "*.rpz-ip.example CNAME ."] == found
    assert {Value("hostname", name): "a name that is an order of another kind in a policy zone"} == made.refused


@pytest.mark.parametrize(("subdomains", "longest"), [("yes", 241), ("no", 243)])
def test_a_name_fits_together_with_the_zone(tmp_path, subdomains, longest):
    """No more than 253 characters, the wildcard among them; one more is refused."""
    fits = ("a" * 49 + ".") * 4 + "b" * (longest - 208) + ".example"
    assert longest == len(fits)
    values = Value("hostname", fits), Value("hostname", "c" + fits)

    found, made = records(tmp_path, *values, subdomains=subdomains, zone="rpz.local")

    assert f"{fits} CNAME ." in found
    assert 253 == max(len(record.removesuffix(" CNAME .") + ".rpz.local") for record in found)
    assert {values[1]: "together with the name of the zone longer than 253 characters"} == made.refused


def test_what_is_below_a_name_is_counted(tmp_path):
    """It is on the list, and whoever runs the export is told."""
    _, made = records(tmp_path, *(Value("hostname", name) for name in ("a.example", "x.a.example", "b.example")))

    assert 3 == made.entries
    assert ("1 names are below another on the list, which covers them: no line of their own",) == made.notes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"action": "nxdomains"}, "did you mean 'nxdomain'"),
        ({"ttl": "2147483648"}, "the option ttl is a number of 0 to 2,147,483,647"),
        ({"ttl": "-1"}, "the option ttl is a number"),
        ({"zone": "rpz local"}, "the option zone is a domain name"),
        ({"zone": "a." * 110 + "example"}, "of at most 202 characters"),
        ({"subdomains": "maybe"}, "the option subdomains is yes or no"),
    ],
)
def test_other_options_are_refused(options, message):
    """With what there is."""
    with pytest.raises(DefinitionError, match=message):
        parse_options(get_format("rpz"), options)


# --- the serial -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "second", "serial"),
    [
        (None, 1_790_000_000, 1_790_000_000),
        (None, 0, 1),
        (None, 2**32 + 5, 2**32 - 1),
        (1_789_000_000, 1_790_000_000, 1_790_000_000),
        (1_790_000_000, 1_790_000_000, 1_790_000_001),
        (1_790_000_005, 1_700_000_000, 1_790_000_006),
        (4_100_000_000, 1_790_000_000, 4_100_000_001),
        (1, 2**31, 2**31),
        (1, 2**31 + 1, 2),
        (2**32 - 2, 2**33, 2**32 - 1),
        (2**32 - 1, 2**33, 1),
        (1, 2**33, 2),
    ],
)
def test_the_serial_rises(last, second, serial):
    """By the clock, or by one where the clock is behind; in the sense of RFC 1982, and never to what is no serial."""
    found = get_format("rpz").next_counter(last, second * 1_000_000)

    assert serial == found
    assert 1 <= found <= 2**32 - 1
    assert last is None or 0 < (found - last) % 2**32 < 2**31
