"""Lists of hashes, read back as each device is documented to read them."""

import re

import pytest
from real_hashes import real_hashes

from core.errors import DefinitionError
from core.exports.formats import Value, get_format, hashes, parse_options
from core.exports.formatting.hash_check import EMPTY_FILE
from core.testing.format_values import GOOD
from core.testing.formats import FormatConformance

BY_DIGITS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
OF_NOTHING = {
    "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
}
SOME = [Value("md5", "0a" * 16), Value("sha1", "0b" * 20), Value("sha256", "0c" * 32), Value("sha512", "0d" * 64)]


def lines(content):
    """Return the lines of a file, each ended by a line feed."""
    text = content.decode("ascii")
    assert not text or text.endswith("\n")
    return text.split("\n")[:-1]


def algorithm(text):
    """Return the algorithm that bare hex is of; raise if it is no hash, or that of nothing."""
    assert re.fullmatch("[0-9a-f]+", text)
    assert text not in OF_NOTHING
    return BY_DIGITS[len(text)]


class Hashes(FormatConformance):
    """What all lists share: what is written is the hash itself, of the algorithm that its type says."""

    format = "hashes"

    def entry(self, type, value):
        if type != algorithm(value):
            raise ValueError(value)
        return value


class TestGeneric(Hashes):
    """One hash a line, nothing else."""

    def read(self, files):
        (content,) = files.values()
        found = lines(content)
        for line in found:
            algorithm(line)
        return found


class TestSplit(Hashes):
    """A file for each algorithm, there even if it is empty."""

    options = {"algorithm": "split"}

    def read(self, files):
        assert {f"export-{name}.txt" for name in BY_DIGITS.values()} == set(files)
        found = [(name, line) for name, content in files.items() for line in lines(content)]
        for name, line in found:
            assert name == f"export-{algorithm(line)}.txt"
        return [line for _, line in found]


class TestSha256(TestGeneric):
    """One algorithm; the others are refused."""

    options = {"algorithm": "sha256"}
    refuses = frozenset(value for name in ("md5", "sha1", "sha512") for value in GOOD[name])


class TestFortiGate(Hashes):
    """FortiGate: hash, blank, description; a hash that runs on is no entry, and kinds do not mix."""

    options = {"device": "fortigate"}
    refuses = frozenset(GOOD["sha512"])

    def read(self, files):
        assert {"export-md5.txt", "export-sha1.txt", "export-sha256.txt"} == set(files)
        found = []
        for name, content in files.items():
            for line in lines(content):
                entry, blank, description = line.partition(" ")
                assert (" ", "export") == (blank, description)
                assert name == f"export-{algorithm(entry)}.txt"
                found.append(entry)
        return found


class TestCisco(Hashes):
    """FMC: SHA-256, comma, description of 256 characters without a comma that is not escaped."""

    options = {"device": "cisco-file-list"}
    most_entries = 10_000
    refuses = frozenset(value for name in ("md5", "sha1", "sha512") for value in GOOD[name])

    def read(self, files):
        (content,) = files.values()
        found = []
        for line in lines(content):
            entry, description = line.split(",")
            assert "sha256" == algorithm(entry)
            assert 0 < len(description) <= 256
            assert description.isprintable()
            found.append(entry)
        return found


def _written(tmp_path, observables=SOME, **options):
    kit = TestGeneric()
    kit.options = options
    return kit.write(get_format("hashes"), observables, tmp_path)


def test_a_description_of_your_own(tmp_path):
    """It stands beside each hash."""
    files = _written(tmp_path, device="fortigate", algorithm="sha1", description="c2.botnet").files

    assert {"export.txt": b"0b" * 20 + b" c2.botnet\n"} == files


def test_a_file_list_of_cisco(tmp_path):
    """Without one, the name of the export is the description."""
    written = _written(tmp_path, device="cisco-file-list")

    assert {"export.txt": b"0c" * 32 + b",export\n"} == written.files
    assert {
        "MD5, which the device does not take",
        "SHA-1, which the device does not take",
        "SHA-512, which the device does not take",
    } == set(written.refused.values())


@pytest.mark.parametrize(
    ("name", "text"), [("täglich, neu\n", "t_glich__neu_"), ("a" * 300, "a" * 256), ("", "yeti")]
)
def test_the_name_of_an_export_breaks_no_line(name, text):
    """Nothing of it is a separator."""

    class Out:
        export = name

    options = parse_options(get_format("hashes"), {"device": "cisco-file-list"})

    assert f",{text}\n" == hashes._end(Out(), options)


@pytest.mark.parametrize("value", sorted(OF_NOTHING))
def test_the_hash_of_an_empty_file_is_refused(value, tmp_path):
    """It would catch a file on every system; what stands beside it is written."""
    empty = Value(BY_DIGITS[len(value)], value)

    written = _written(tmp_path, [*SOME, empty])

    assert {empty: EMPTY_FILE} == written.refused
    assert SOME == written.accepted


def test_more_than_a_file_list_takes_is_said(tmp_path):
    """With the limit that cuts it."""
    some = [Value("sha256", f"{number:064x}") for number in range(1, 10_002)]

    assert () == _written(tmp_path, some[:-1], device="cisco-file-list").notes
    (tmp_path / "more").mkdir()
    assert (
        "10,001 lines, and the device takes no more than 10,000: the limit budget-entries=10000 cuts them",
    ) == _written(tmp_path / "more", some, device="cisco-file-list").notes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "fortgate"}, "did you mean 'fortigate'?"),
        ({"algorithm": "sha-256"}, "did you mean 'sha256'?"),
        ({"device": "fortigate", "algorithm": "sha512"}, "fortigate takes no SHA-512; known: md5, sha1, sha256"),
        ({"device": "fortigate", "algorithm": "all"}, "fortigate takes one algorithm a list"),
        ({"device": "cisco-file-list", "algorithm": "md5"}, "cisco-file-list takes no MD5; known: sha256"),
        ({"device": "cisco-file-list", "description": "a,b"}, "description is for"),
        ({"device": "cisco-file-list", "description": "a" * 257}, "256 at most"),
        ({"description": "c2"}, "description is for fortigate and cisco-file-list"),
    ],
)
def test_an_option_that_cannot_be(options, message):
    """It is said when the export is defined, not when the device reads it."""
    with pytest.raises(DefinitionError, match=re.escape(message)):
        parse_options(get_format("hashes"), options)


@pytest.mark.intel
@pytest.mark.parametrize("reader", [TestGeneric, TestSplit, TestFortiGate, TestCisco])
def test_real_hashes(reader, intel, tmp_path):
    """What is real is listed as it is; of what the device does not take, nothing."""
    kit, real = reader(), real_hashes(intel)

    written = kit.write(get_format("hashes"), real, tmp_path)

    assert [item for item in real if item.type == "sha256"] == [
        item for item in written.accepted if item.type == "sha256"
    ]
    kit.check(written)
