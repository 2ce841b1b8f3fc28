"""Tables of Postfix: read by a parser of its manual pages, and looked up by postmap."""

import re
import subprocess

import address_reading as reading
import consumer_tools
import pytest
from list_pairs import HALVES, Pair
from name_readers import checked, hostile, written
from real_names import real_names

from core.errors import DefinitionError
from core.exports.formats import get_format, parse_options
from core.testing.formats import Value

CONSUMER = "Postfix, access and cidr tables"


class TestPostfix(Pair):
    """A key that is no comment, a space, an action; keys in lower case."""

    format = "postfix"
    suffix = ".table"
    has_subdomains = False

    def name_of(self, line):
        key = self.network_of(line)
        local, at, domain = key.rpartition("@")
        assert bool(local) == bool(at)
        checked(domain)
        assert key == key.lower()
        return key

    def network_of(self, line):
        key, action = line.split(" ")
        assert "REJECT" == action
        assert not key.startswith("#")
        assert '"' not in key
        return key

    def entry(self, type, value):
        return value.lower() if type == "email" else super().entry(type, value)


def test_what_is_written(tmp_path):
    """Names and senders, these in lower case and once; the fewest networks."""
    kit = TestPostfix()
    kit.options = {"action": "550 5.7.1 Listed: c2"}
    some = [
        Value("email", "A.B@bad.example"), Value("email", "a.b@bad.example"), Value("hostname", "bad.example"),
        Value("ipv4", "192.0.2.0"), Value("ipv4", "192.0.2.1"),
    ]  # fmt: skip
    found = written(kit, some, tmp_path)

    names = b"a.b@bad.example 550 5.7.1 Listed: c2\nbad.example 550 5.7.1 Listed: c2\n"
    assert {
        "export-names.table": names,
        "export-addresses.table": b"192.0.2.0/31 550 5.7.1 Listed: c2\n",
    } == found.files
    assert 5 == found.entries


@pytest.mark.parametrize(
    "value", ["#a@bad.example", "a@Bad.example", "ä@bad.example", "a b@bad.example", "@bad.example"]
)
def test_a_sender_that_is_no_key_is_refused(tmp_path, value):
    """``#`` would be a comment."""
    found = written(TestPostfix(), [Value("email", value), Value("email", "a#b@bad.example")], tmp_path)

    assert {Value("email", value): "a mail address that is no key of a table"} == found.refused
    assert b"a#b@bad.example REJECT\n" == found.files["export-names.table"]


@pytest.mark.parametrize("action", ["", " REJECT", "REJECT\nx OK", "REJECT ", "{0}", "REJECT ü"])
def test_an_action_that_is_none_is_refused(action):
    """It would be another table."""
    with pytest.raises(DefinitionError, match="action is one line"):
        parse_options(get_format("postfix"), {"action": action})


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("x", "the option action has no value 'x'"),
        ("REJCT no", "did you mean 'REJECT'?"),
        ("550", "access(5) has no action '550'"),
        ("650 no", "the option action has no value '650'"),
        ("OK then", "access(5) has no action 'OK then'"),
        ("REDIRECT", "access(5) has no action 'REDIRECT'"),
        ("REDIRECT nobody", "access(5) has no action 'REDIRECT nobody'"),
        ("FILTER smtp", "access(5) has no action 'FILTER smtp'"),
        ("PREPEND X-Listed", "access(5) has no action 'PREPEND X-Listed'"),
        ("BCC a@b c", "access(5) has no action 'BCC a@b c'"),
    ],
)
def test_an_action_that_postfix_has_not_is_refused(action, message):
    """``postmap`` takes any: only smtpd would find out, with each mail."""
    with pytest.raises(DefinitionError, match=re.escape(message)):
        parse_options(get_format("postfix"), {"action": action})


@pytest.mark.parametrize(
    "action",
    [
        "REJECT", "reject Listed", "DEFER_IF_PERMIT", "DISCARD", "DUNNO", "OK", "HOLD", "421 4.7.1 Later", "521 No",
        "REDIRECT postmaster@a.example", "FILTER smtp:", "FILTER smtp:[192.0.2.1]:10025", "PREPEND X-Listed: yes",
    ],
)  # fmt: skip
def test_actions_of_postfix_are_taken_as_they_are(action):
    """As access(5) has them."""
    assert action == parse_options(get_format("postfix"), {"action": action})


@pytest.mark.proof("postfix", CONSUMER, "loaded", tool="postmap")
def test_it_is_checked_before_it_is_published(tmp_path):
    """``postmap`` has no word about what is hostile, nothing, and every address."""
    kit = TestPostfix()
    for number, made in enumerate(
        [
            hostile(kit, tmp_path / "hostile"),
            written(kit, [], tmp_path / "nothing"),
            written(kit, HALVES, tmp_path / "halves"),
        ]
    ):
        assert [] == get_format("postfix").check(kit.put(made, tmp_path / f"files {number}"), "REJECT")


@pytest.mark.parametrize(
    ("place", "line", "fault"),
    [
        (0, "bad.example", "ignoring this line"),
        (0, "bad.example REJECT\nbad.example DUNNO", "duplicate entry"),
        (1, "192.0.2.1/24 REJECT", "skipping this rule"),
        (1, "192.0.2.0/24", "skipping this rule"),
        (1, "bad.example REJECT", "skipping this rule"),
    ],
)
@pytest.mark.proof("postfix", CONSUMER, "loaded", tool="postmap")
def test_the_check_finds_what_postfix_would_skip(tmp_path, place, line, fault):
    """No action, a key that is there twice, host bits, a name among addresses."""
    paths = TestPostfix().put(written(TestPostfix(), [], tmp_path / "made"), tmp_path / "files")
    paths[place].write_text(f"{line}\n")

    assert fault in "".join(get_format("postfix").check(paths, "REJECT"))


@pytest.mark.intel
@pytest.mark.proof("postfix", CONSUMER, "asked", tool="postmap")
def test_postmap_finds_what_is_listed(tmp_path, intel):
    """And not what is not: real names and addresses, and senders of these names."""
    names, real = real_names(intel), reading.real(intel)
    senders = [Value("email", f"Some.One+{number}@{name.value}") for number, name in enumerate(names.listed[:300])]
    made = written(TestPostfix(), [*names.listed, *senders, *real], tmp_path / "made")
    table, addresses = TestPostfix().put(made, tmp_path / "files")
    listed = {value.value for value in made.accepted}
    caught = sorted({*names.some} & listed) + [value.value for value in senders if value.value in listed]
    inside, outside = reading.asked(real, 300)
    (tmp_path / "main.cf").write_text("compatibility_level = 3.6\n")

    assert "" == postmap(tmp_path, [f"hash:{table}"], "")
    assert caught == found(postmap(tmp_path, ["-q", "-", f"hash:{table}"], lines([*caught, *names.passing])))
    assert inside == found(postmap(tmp_path, ["-q", "-", f"cidr:{addresses}"], lines([*inside, *outside])))


def lines(texts):
    """Return what postmap reads its keys from."""
    return "".join(f"{text}\n" for text in texts)


def found(text):
    """Return the keys that were found, each with the action."""
    rows = [line.split("\t") for line in text.splitlines()]
    assert {"REJECT"} == {action for _, action in rows}
    return [key for key, _ in rows]


def postmap(folder, words, text):
    """Return what postmap prints; it has nothing to complain of."""
    ended = subprocess.run(
        [consumer_tools.need("postmap"), "-c", folder, *words], input=text, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert "" == ended.stderr
    return ended.stdout
