"""Domain names, one a line, for devices that take a name for different things."""

import pytest
from name_readers import between, checked, hostile, lines_of, outermost, written

from core.errors import DefinitionError
from core.exports.formats import get_format, parse_options
from core.testing.formats import FormatConformance, Value

FAMILY = [Value("hostname", name) for name in ("a.b.example", "b.example", "c.example", "x-b.example")]


class TestGeneric(FormatConformance):
    """Read as names, one a line."""

    format = "domains"

    def read(self, files):
        return [checked(line) for line in lines_of(files)]


class TestPanOs(TestGeneric):
    """No scheme, no slash, no dot at the end; no more than 255 characters."""

    options = {"device": "pan-os"}


class TestFortigate(TestGeneric):
    """A name a line."""

    options = {"device": "fortigate"}


class TestPfblockerng(TestGeneric):
    """Fewer than 255 characters of letters, digits, dots, underscores and hyphens, a dot among them."""

    options = {"device": "pfblockerng"}


class TestWithWildcards(FormatConformance):
    """Two lines for a name, since the wildcard does not match the name."""

    format = "domains"
    options = {"device": "pan-os", "subdomains": "yes"}

    def read(self, files):
        lines = lines_of(files)
        assert all(len(line) <= 255 for line in lines)
        names, wildcards = lines[::2], lines[1::2]
        assert [f"*.{name}" for name in names] == wildcards
        assert outermost(names) == set(names)
        return [checked(name) for name in names]

    def meaning(self, entries):
        return outermost(entries)


class TestFmc(FormatConformance):
    """A name matches what is below it, so that nothing below another is there."""

    format = "domains"
    options = {"device": "fmc"}

    def read(self, files):
        names = [checked(line) for line in lines_of(files)]
        assert outermost(names) == set(names)
        return names

    def meaning(self, entries):
        return outermost(entries)


class TestAdblock(TestFmc):
    """``||name^`` is the name and all that is below it."""

    options = {"device": "adblock"}

    def read(self, files):
        names = [checked(between(line, "||", "^")) for line in lines_of(files)]
        assert outermost(names) == set(names)
        return names


class TestAdblockUnreduced(TestGeneric):
    """With a rule for each."""

    options = {"device": "adblock", "reduce": "no"}

    def read(self, files):
        return [checked(between(line, "||", "^")) for line in lines_of(files)]


def of(folder, **options):
    """Return what the format makes of the family."""
    kit = TestGeneric()
    kit.options = options
    return written(kit, FAMILY, folder)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "a.b.example\nb.example\nc.example\nx-b.example\n"),
        ({"device": "pan-os", "subdomains": "yes", "reduce": "no"}, None),
        ({"device": "generic", "reduce": "yes"}, "b.example\nx-b.example\nc.example\n"),
        ({"device": "fmc"}, "b.example\nx-b.example\nc.example\n"),
        ({"device": "adblock"}, "||b.example^\n||x-b.example^\n||c.example^\n"),
    ],
)
def test_each_device_gets_its_own_lines(tmp_path, options, text):
    """Byte for byte; a reduced list is ordered as its names read from the right."""
    found = of(tmp_path, **options)

    wanted = text or "".join(f"{name}\n*.{name}\n" for _, name in FAMILY)
    assert {"export.txt": wanted.encode()} == found.files
    assert 4 == found.entries


def test_what_is_covered_is_counted(tmp_path):
    """Whoever runs the export is told how many names have no line of their own."""
    assert () == of(tmp_path / "a").notes
    assert ("1 names are below another on the list, which covers them: no line of their own",) == of(
        tmp_path / "b", device="fmc"
    ).notes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "panos"}, "did you mean 'pan-os'"),
        ({"device": "pan-os", "reduce": "yes"}, "a name is itself alone"),
        ({"device": "fortigate", "reduce": "yes"}, "a name is itself alone"),
        ({"device": "fmc", "subdomains": "yes"}, "has no lines for what is below"),
        ({"reduce": "perhaps"}, "the option reduce has no value 'perhaps'"),
        ({"subdomains": "some"}, "the option subdomains is yes or no"),
    ],
)
def test_options_that_would_lose_names_are_refused(options, message):
    """Leaving out what is below a name needs a device that blocks that all the same."""
    with pytest.raises(DefinitionError, match=message):
        parse_options(get_format("domains"), options)


def test_nothing_broad_is_ever_listed(tmp_path):
    """No public suffix, no single label, no wildcard of a stranger's."""
    refused = hostile(TestGeneric(), tmp_path).refused

    assert {"com", "*", "*.com", "*.example", "localhost", ".", "", "#"} <= {value.value for value in refused}
