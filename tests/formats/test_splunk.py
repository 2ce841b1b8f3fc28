"""Collections of Splunk Enterprise Security: read by a strict reader of RFC 4180 and the headers of the manual."""

import re

import pytest
from name_readers import hostile
from real_names import real_names
from table_reading import rows_of, strict_rows

from core.errors import DefinitionError
from core.exports.formats import Value, get_format, parse_options
from core.testing.format_values import GOOD
from core.testing.formats import FormatConformance

HEADERS = {
    "ip_intel": "description,ip,weight",
    "domain": "description,domain,weight",
    "http_intel": "description,http_referrer,http_user_agent,url,weight",
    "file_intel": "description,file_hash,file_name,weight",
}
COLUMNS = {
    "ip_intel": {"ipv4": "ip", "ipv6": "ip", "cidr": "ip"},
    "domain": {"hostname": "domain"},
    "http_intel": {"url": "url", "user_agent": "http_user_agent"},
    "file_intel": {
        **dict.fromkeys(("md5", "sha1", "sha256", "sha512"), "file_hash"),
        "file": "file_name",
    },
}
EVERY_TYPE = {type_ for types in COLUMNS.values() for type_ in types}


class Splunk(FormatConformance):
    """What the collections have in common."""

    format = "splunk"
    collection = "ip_intel"

    def __init_subclass__(cls):
        super().__init_subclass__()
        cls.refuses = frozenset(
            value for type_ in EVERY_TYPE - set(COLUMNS[cls.collection]) for value in GOOD[type_]
        )

    def read(self, files):
        (content,) = files.values()
        header, *rows = strict_rows(content)
        assert HEADERS[self.collection] == ",".join(header)
        found = []
        for row in rows:
            assert len(row) == len(header)
            cells = dict(zip(header, row, strict=True))
            assert cells["description"].isprintable()
            assert 1 <= int(cells["weight"]) <= 100
            (entry,) = [
                (column, text)
                for column, text in cells.items()
                if text and column not in ("description", "weight")
            ]
            assert entry[1].isprintable()
            assert "*" not in entry[1]
            found.append(" ".join(entry))
        return found

    def entry(self, type, value):
        return f"{COLUMNS[self.collection][type]} {value}"


class TestIpIntel(Splunk):
    """Addresses and networks."""


class TestDomain(Splunk):
    """Names."""

    collection = "domain"
    options = {"collection": "domain"}


class TestHttpIntel(Splunk):
    """URLs and user agents."""

    collection = "http_intel"
    options = {"collection": "http_intel"}


class TestFileIntel(Splunk):
    """Hashes and names of files."""

    collection = "file_intel"
    options = {"collection": "file_intel"}


@pytest.mark.parametrize(
    ("confidence", "options", "weight"),
    [(None, {}, "60"), (None, {"weight": "5"}, "5"), (0, {}, "1"), (1, {}, "1"), (80, {}, "80"), (100, {}, "100")],
)
def test_weight_is_confidence(confidence, options, weight):
    """From 1 to 100, and 60 where nobody states one."""
    (_, row) = rows_of("splunk", Value("ipv4", "192.0.2.1"), options, confidence=confidence)

    assert ["c2 (feed)", "192.0.2.1", weight] == row


def test_a_file_name_stands_in_its_own_column(tmp_path):
    """The line, to the letter."""
    rows = rows_of("splunk", Value("file", 'a, "b".exe'), {"collection": "file_intel"}, tag="a,b")

    assert [["description", "file_hash", "file_name", "weight"], ["a,b (feed)", "", 'a, "b".exe', "60"]] == rows


def as_wired(collection, content):
    """Return the rows that Splunk finds by the expression and the fields of the setup line, but for the header."""
    wanted = {} if collection == "ip_intel" else {"collection": collection}
    (setup,) = [item.setup for item in get_format("splunk").CONSUMERS if item.given == wanted]
    (expression, fields) = re.findall(r"`([^`]+)`", setup)
    names = dict(field.split(":$") for field in fields.split(","))
    assert HEADERS[collection].split(",") == list(names)
    # Whoever divides at line feeds alone has a carriage return at the end of each line.
    lines = content.decode().split("\n")[1:-1]
    found = [re.search(expression, line) for line in lines]
    return [[match[int(number)] for number in names.values()] for match in found]


@pytest.mark.parametrize("kit", [TestIpIntel, TestDomain, TestHttpIntel, TestFileIntel])
def test_the_expression_of_the_setup_finds_every_cell(kit, tmp_path):
    """Also where a cell is in quotes, and has commas; a quote inside it stays doubled."""
    (content,) = hostile(kit(), tmp_path).files.values()

    wanted = [[cell.replace('"', '""') for cell in row] for row in strict_rows(content)[1:]]
    assert wanted == as_wired(kit.collection, content)


def test_a_tag_with_a_comma_shifts_nothing(tmp_path):
    """It would, where lines are split at commas."""
    kit = TestHttpIntel()
    url = "http://a.example/?q=a,b"

    made = kit.write(get_format("splunk"), [Value("url", url)], tmp_path, tags=("Emotet, epoch 4", "c2"))

    (content,) = made.files.values()
    assert [["Emotet, epoch 4;c2 (Emotet, epoch 4;feed)", "", "", url, "80"]] == as_wired("http_intel", content)


@pytest.mark.parametrize("weight", ["0", "101", "x", ""])
def test_a_weight_is_from_1_to_100(weight):
    """As the manual has it."""
    with pytest.raises(DefinitionError, match="a number of 1 to 100"):
        parse_options(get_format("splunk"), {"weight": weight})


@pytest.mark.intel
def test_real_names_are_a_collection(intel, tmp_path):
    """Thousands of them, each as it is."""
    names = real_names(intel).listed

    made = TestDomain().write(get_format("splunk"), names, tmp_path)

    TestDomain().check(made)
    assert made.entries > len(names) * 0.99
