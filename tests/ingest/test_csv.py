"""Tables: delimiter, header, what the columns mean, and rows that are broken."""

import csv

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parsed_files import parse_file

from core.errors import DefinitionError, UnreadableFile
from core.schemas.claim import TLP
from core.values.characters import cleaned
from core.values.dates import instant

HEADER = "value,type,tags,first_seen,last_seen,confidence,tlp,source,comment\n"


def test_columns_are_known_by_name(parse):
    """A row is one claim with all that its columns say."""
    row = (
        'evil[.]example,domain,"c2;South Korea",2024-01-02,2024-02-03T04:05:06Z,85,TLP:AMBER+STRICT,CERT,"a, b"\n'
    )
    parsed = parse(HEADER + row, "feed.csv")

    assert parsed.format == "csv"
    claim = parsed.claims[0]
    assert (claim.type, claim.value) == ("hostname", "evil.example")
    assert claim.tags == ("c2", "South Korea")
    assert (claim.first_seen, claim.last_seen) == (instant("2024-01-02"), instant("2024-02-03T04:05:06Z"))
    assert (claim.confidence, claim.tlp, claim.source) == (85, TLP.AMBER_STRICT, "CERT")
    assert (claim.context, claim.line) == ({"comment": "a, b"}, 2)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Indicator;Type", "192.0.2.1;IP"),
        ("IOC\tentity_type", "192.0.2.1\tipaddress"),
        ("ioc_value|indicator_type", "192.0.2.1|IPv4"),
        ("\ufeffValue,Type", "192[.]0[.]2[.]1,ip-dst"),
        ("ip", "192.0.2.1"),
        ('"IP Address" , "Country"', '"192.0.2.1", "NL"'),
        ("Source IP,x", "192.0.2.1,y"),
        ("C2,Family", "192.0.2.1,emotet"),
        ("name,score", "192.0.2.1,7"),
        ("name,port", "192.0.2.1:443,x"),
        ("# first_seen,ip,malware", "2024-01-01,192.0.2.1,emotet"),
        ("wholly,unknown", "x,192.0.2.1"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_spellings_of_headers_and_delimiters(parse, header, row, end):
    """Delimiter, byte order mark, line ends and the usual names of columns are found without being told."""
    parsed = parse(header + end + row + end, "feed.csv")

    assert parsed.found == [("ipv4", "192.0.2.1")]
    assert parsed.refusals == []


def test_a_table_without_header(parse):
    """Without a header, values, types and dates are found by what stands in the columns."""
    parsed = parse(
        "2024-01-02 03:04:05,evil.example,hostname,x\n2024-01-03 00:00:00,192.0.2.1,ipaddress,y\n", "a.csv"
    )

    assert parsed.found == [("hostname", "evil.example"), ("ipv4", "192.0.2.1")]
    assert parsed.claims[0].first_seen == instant("2024-01-02T03:04:05Z")
    assert parsed.claims[0].context == {"column 4": "x"}


def test_a_table_is_known_without_its_suffix(parse):
    """Comma-separated text is a table whatever it is called; one column of addresses is a list."""
    assert parse("value,type\n192.0.2.1,ip\n", "download").format == "csv"
    assert parse("192.0.2.1\n192.0.2.2\n", "download").format == "text"
    assert parse("192.0.2.1\t7\n192.0.2.2\t3\n", "download").format == "text"


def test_the_user_says_what_columns_are(parse):
    """``--map`` names columns by header or number; the others keep their meaning."""
    text = "when,bad thing,who\n2024-01-02,192.0.2.1,CERT\n"
    claim = parse(text, "a.csv", columns={"value": "Bad Thing", "first_seen": "1", "source": "who"}).claims[0]

    assert (claim.value, claim.first_seen, claim.source) == ("192.0.2.1", instant("2024-01-02"), "CERT")


def test_a_mapped_value_is_the_only_value(parse):
    """Where the user says which column is the value, the other ones are facts."""
    parsed = parse("ip,domain\n192.0.2.1,evil.example\n", "a.csv", columns={"value": "domain"})

    assert parsed.found == [("hostname", "evil.example")]
    assert parsed.claims[0].context == {"ip": "192.0.2.1"}


def test_a_mapping_that_does_not_fit_is_refused(parse):
    """A column that is not there and a role that does not exist are named."""
    with pytest.raises(UnreadableFile, match="no column 'nope'; the columns are: ip, domain"):
        parse("ip,domain\n192.0.2.1,evil.example\n", "a.csv", columns={"value": "nope"})
    with pytest.raises(DefinitionError, match="unknown role 'colour'"):
        parse("ip,domain\n192.0.2.1,evil.example\n", "a.csv", columns={"colour": "ip"})


def test_the_named_source_beats_the_column(parse):
    """``--source`` says who says so; what the table says is kept as a fact."""
    claim = parse("ip,source\n192.0.2.1,CERT\n", "a.csv", source="Ours").claims[0]

    assert (claim.source, claim.context) == ("Ours", {"listed_source": "CERT"})


def test_one_row_of_several_values(parse):
    """Hashes and name of one sample are a claim each, with the row's tags."""
    parsed = parse(f"md5,sha1,sha256,filename,family\n{'a' * 32},{'B' * 40},,drop per.exe,emotet\n", "a.csv")

    assert parsed.found == [("md5", "a" * 32), ("sha1", "b" * 40), ("file", "drop per.exe")]
    assert {claim.tags for claim in parsed.claims} == {("emotet",)}


@pytest.mark.parametrize("separator", [",", "; ", " ", "\n", "|"])
def test_several_hashes_in_one_cell(parse, separator):
    """A cell that lists the hashes of one sample gives each of them."""
    cell = separator.join(("a" * 32, "b" * 40, "c" * 64))
    parsed = parse(f'value,type\n"{cell}",file\n192.0.2.1,ip\n', "a.csv")

    assert parsed.found == [("md5", "a" * 32), ("sha1", "b" * 40), ("sha256", "c" * 64), ("ipv4", "192.0.2.1")]


def test_a_broken_part_of_a_cell_costs_that_part(parse):
    """Of several hashes in a cell the sound ones go in."""
    parsed = parse(f'value,type\n"{"a" * 32},{"b" * 39}",file\n', "a.csv")

    assert parsed.found == [("md5", "a" * 32)]
    assert parsed.refused == [(2, "a part of the cell is not a value")]


@pytest.mark.parametrize(
    ("word", "cell", "found"),
    [
        ("IPAddress", "192.0.2.1:443", ("ipv4", "192.0.2.1")),
        ("ip", "192.0.2.9/24", ("cidr", "192.0.2.0/24")),
        ("FQDN", "Evil.Example.", ("hostname", "evil.example")),
        ("domain-name", "*.evil.example", ("hostname", "evil.example")),
        ("domain", "evil.example/x", ("url", "http://evil.example/x")),
        ("URL", "hxxp://evil[.]example", ("url", "http://evil.example")),
        ("FileHash-SHA256", "A" * 64, ("sha256", "a" * 64)),
        ("hash", "a" * 40, ("sha1", "a" * 40)),
        ("filename", "sc[.]exe", ("file", "sc[.]exe")),
        ("email-src", "x[at]evil.example", ("email", "x@evil.example")),
        ("BTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", ("wallet", "btc:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")),
        ("user-agent", "evil/1.0", ("user_agent", "evil/1.0")),
        ("Service name", "ntssrv", ("generic", "ntssrv")),
        ("C2 @ somewhere", "evil.example:80", ("hostname", "evil.example")),
    ],
)
def test_words_for_types(parse, word, cell, found):
    """The type column's word is understood in many spellings; an unknown word loses no value."""
    parsed = parse(f"value,type\n{cell},{word}\n203.0.113.1,ip\n", "a.csv")

    assert parsed.found[0] == found
    assert parsed.refusals == []


def test_what_was_taken_off_a_value_is_kept(parse):
    """Port, host bits, an unknown word for the type and cells beyond the header stay as facts."""
    parsed = parse(
        "value,type\n192.0.2.1:443,ip\n192.0.2.9/24,ip\nntssrv,Service name\n192.0.2.2,ip,more,cells\n", "a.csv"
    )

    assert [claim.context for claim in parsed.claims] == [
        {"port": 443},
        {"as_listed": "192.0.2.9/24"},
        {"listed_type": "Service name"},
        {"more": ["more", "cells"]},
    ]


def test_an_impossible_date_costs_the_date(parse):
    """The row goes in without a date that does not exist; the refusal names the column."""
    parsed = parse("ip,First Seen,Valid Until\n192.0.2.1,2024-02-30,2024-03-01\n", "a.csv")

    assert parsed.refused == [(2, "First Seen: there is no such day or time")]
    assert (parsed.claims[0].first_seen, parsed.claims[0].valid_until) == (None, instant("2024-03-01"))


def test_a_window_that_ends_before_it_begins_is_no_window(parse):
    """An end that is not later than the beginning is refused with it."""
    parsed = parse("ip,valid_from,valid_until\n192.0.2.1,2024-03-01,2024-03-01\n", "a.csv")

    assert (parsed.claims[0].valid_from, parsed.claims[0].valid_until) == (None, None)
    assert parsed.refused == [(2, "valid until not later than valid from")]


def test_day_and_month_are_told_by_the_column(parse):
    """Slashed dates are read if one of the table tells the order, else refused; never guessed."""
    told = parse("ip,date\n192.0.2.1,1/2/2024\n192.0.2.2,1/13/2024\n", "a.csv")
    untold = parse("ip,date\n192.0.2.1,1/2/2024\n", "a.csv")

    assert told.claims[0].first_seen == instant("2024-01-02")
    assert untold.claims[0].first_seen is None
    assert "two days" in untold.refused[0][1]


def test_empty_cells_say_nothing(parse):
    """N/A, dashes and such are no values, tags or dates; a row of nothing else is refused."""
    parsed = parse("sha256,c2,malware,first_seen\nN/A,192.0.2.1,None,-\nN/A,-,x,\n", "a.csv")

    assert parsed.found == [("ipv4", "192.0.2.1")]
    assert (parsed.claims[0].tags, parsed.claims[0].first_seen) == ((), None)
    assert parsed.refused == [(3, "no value in it")]


def test_short_rows_and_repeated_headers(parse):
    """A row may be shorter than the header; the header may come again; comments and empty lines are skipped."""
    parsed = parse("value,type,note\n192.0.2.1\n\n# comment\nvalue,type,note\n192.0.2.2,ip\n", "a.csv")

    assert parsed.found == [("ipv4", "192.0.2.1"), ("ipv4", "192.0.2.2")]
    assert [claim.line for claim in parsed.claims] == [2, 6]


def test_quoted_cells(parse):
    """Commas, quotes and line breaks in quoted cells stay in them; line numbers stay right."""
    parsed = parse('value,comment\n192.0.2.1,"a, ""b""\nc"\r\n192.0.2.2,x\n', "a.csv")

    assert [(claim.value, claim.context, claim.line) for claim in parsed.claims] == [
        ("192.0.2.1", {"comment": 'a, "b"\nc'}, 2),
        ("192.0.2.2", {"comment": "x"}, 4),
    ]


@pytest.mark.parametrize("later", ["", '192.0.2.4,"quoted"\n', '192.0.2.4,x"\n'])
def test_a_stray_quote_costs_no_neighbour(parse, later):
    """A quote that is never closed is said, and takes no later row with it."""
    rows = "".join(f"192.0.2.{number},x\n" for number in range(5, 200))
    parsed = parse(f'value,comment\n192.0.2.1,"open\n192.0.2.2,x\n192.0.2.3,x\n{later}{rows}', "a.csv")

    values = [claim.value for claim in parsed.claims]
    assert values[:3] == ["192.0.2.1", "192.0.2.2", "192.0.2.3"] or later.endswith('x"\n')
    assert len(values) >= 195
    assert values[-1] == "192.0.2.199"


def test_a_table_without_values_is_no_table(parse):
    """Where no column holds values, the columns are named for ``--map``."""
    with pytest.raises(UnreadableFile, match="--map value=COLUMN; the first row is: colour, size"):
        parse("colour,size\nred,1\nblue,2\n", "a.csv")


def test_a_mapping_may_name_a_header_that_is_not_known(parse):
    """If the user names a cell of the first row, that row is the header."""
    parsed = parse("colour,size\nred,1\n", "a.csv", format="csv", columns={"generic": "colour"})

    assert parsed.found == [("generic", "red")]


CELLS = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n"), max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(CELLS, min_size=1, max_size=6),
    st.sampled_from(",;\t|"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_a_csv_writer_wrote_is_read_back(tmp_path, cells, delimiter, quoting):
    """Whatever stands in quoted cells, each row gives its value and its cell."""
    path = tmp_path / "a.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter=delimiter, quoting=quoting)
        writer.writerow(["value", "type", "note"])
        writer.writerows([f"192.0.2.{at}", "ip", cell] for at, cell in enumerate(cells))
    parsed = parse_file(path)

    assert [claim.value for claim in parsed.claims] == [f"192.0.2.{at}" for at in range(len(cells))]
    assert [(claim.context or {"note": ""})["note"] for claim in parsed.claims] == [
        cleaned(cell) for cell in cells
    ]


def test_a_cell_does_not_reach_over_a_hundred_lines(parse):
    """Two stray quotes far from each other are two stray quotes, not one cell with all rows between them."""
    rows = "".join(f"192.0.2.{number},x\n" for number in range(2, 152))
    parsed = parse(f'value,comment\n192.0.2.1,"open\n{rows}192.0.2.200,x"\n', "a.csv")

    assert len({claim.value for claim in parsed.claims}) == 152
    assert [line for line, _ in parsed.refused] == [2]


def test_a_link_to_a_report_is_no_value(parse):
    """Where columns are told by what stands in them, only the first of values is one; others are facts."""
    parsed = parse("192.0.2.1,https://cert.example/report/1\n192.0.2.2,https://cert.example/report/2\n", "a.csv")

    assert parsed.found == [("ipv4", "192.0.2.1"), ("ipv4", "192.0.2.2")]
    assert parsed.claims[0].context == {"column 2": "https://cert.example/report/1"}


def test_a_huge_cell_costs_nobody_his_value(parse):
    """A cell of a megabyte is kept in part; its row and the rows behind it go in."""
    parsed = parse(f"ip,note\n192.0.2.1,{'x' * 1_000_000}\n192.0.2.2,ok\n", "a.csv")

    assert parsed.refusals == []
    assert parsed.found == [("ipv4", "192.0.2.1"), ("ipv4", "192.0.2.2")]
    assert len(parsed.claims[0].context["note"]) == 2000


def test_the_hint_of_a_spreadsheet_is_no_row(parse):
    """``sep=;`` before the header is passed over."""
    parsed = parse("sep=;\r\nindicator;type;seen\r\n192.0.2.1;ip;x\r\n", "a.csv")

    assert parsed.refusals == []
    assert [(claim.value, claim.context, claim.line) for claim in parsed.claims] == [
        ("192.0.2.1", {"seen": "x"}, 3)
    ]


def test_messages_quote_a_hostile_header_in_part(parse):
    """Cells in a message are short and printable, whatever the file holds."""
    with pytest.raises(UnreadableFile) as caught:
        parse(f"a\x1b[31m;b;{'c' * 10_000}\nword;word;word\n", "a.csv", format="csv")

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
