"""Signatures for ClamAV, read back as it is documented to read them, and by itself."""

import hashlib
import re

import pytest
from clamscan_program import scan
from real_hashes import real_hashes

from core.errors import DefinitionError
from core.exports.formats import Value, get_format, parse_options
from core.store.rows import Row, RowAssertion
from core.testing.format_values import GOOD, TEXTS
from core.testing.formats import FormatConformance

TYPES = ("md5", "sha1", "sha256")
HOSTILE = [Value(type_, text) for type_ in TYPES for text in (*GOOD[type_], *TEXTS)]
DIGITS = {".hdb": {32: "md5"}, ".hsb": {40: "sha1", 64: "sha256"}}
HEAD = b"# Yeti Exports\n"
CONSUMER = "ClamAV, clamd and clamscan"


class TestClamav(FormatConformance):
    """``hash:size:name:level``, a size that is not known from level 73 on; neither an empty file nor a blank line."""

    format = "clamav"

    def read(self, files):
        assert {"export.hdb", "export.hsb"} == set(files)
        found = []
        for name, content in files.items():
            text = content.decode("ascii")
            assert text.endswith("\n")
            lines = text.split("\n")[:-1]
            assert all(lines)
            for line in lines:
                if not line.startswith("#"):
                    digest, size, signature, level = line.split(":")
                    assert ("*", True) == (size, int(level) >= 73)
                    assert re.fullmatch(r"Yeti\.[A-Za-z0-9_.-]{1,64}", signature)
                    assert re.fullmatch("[0-9a-f]+", digest)
                    assert len(digest) in DIGITS[name.removeprefix("export")]
                    found.append(digest)
        return found

    def entry(self, type, value):
        names = {name: digits for kinds in DIGITS.values() for digits, name in kinds.items()}
        if len(value) != names[type]:
            raise ValueError(value)
        return value


@pytest.fixture
def nothing(tmp_path):
    """A folder without files."""
    folder = tmp_path / "nothing"
    folder.mkdir()
    return folder


@pytest.fixture
def place(tmp_path):
    """A folder for the database."""
    folder = tmp_path / "database"
    folder.mkdir()
    return folder


def _written(tmp_path, observables, **parts):
    folder = tmp_path / "spool"
    folder.mkdir()
    return TestClamav().write(get_format("clamav"), observables, folder, **parts)


def _named(tmp_path, tags):
    """Return the name that a hash with assertions *tags* has."""
    kit = TestClamav()
    row = Row("md5", "0a" * 16, 0, 0, tags, "[]")
    rendered = kit._rendered(get_format("clamav"), iter([[row]]), tmp_path)
    found = re.fullmatch(rb"# Yeti Exports\n(?:0a){16}:\*:(.*):73\n", rendered.files[0].path.read_bytes())
    return found[1].decode()


def test_each_hash_in_its_file(tmp_path):
    """MD5 in the one, SHA-1 and SHA-256 in the other."""
    some = [Value("md5", "0a" * 16), Value("sha1", "0b" * 20), Value("sha256", "0c" * 32)]

    expected = {
        "export.hdb": HEAD + b"0a" * 16 + b":*:Yeti.botnet:73\n",
        "export.hsb": HEAD + b"0b" * 20 + b":*:Yeti.botnet:73\n" + b"0c" * 32 + b":*:Yeti.botnet:73\n",
    }
    assert expected == _written(tmp_path, some).files


def test_nothing_is_a_comment(tmp_path):
    """An empty file would be refused, and ClamAV with it."""
    assert {"export.hdb": HEAD, "export.hsb": HEAD} == _written(tmp_path, []).files


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("c2", "Yeti.c2"),
        ("a:73:b", "Yeti.a_73_b"),
        ("täg lich", "Yeti.t_g_lich"),
        ("a\nb", "Yeti.a_b"),
        ("...", "Yeti.Listed"),
        ("вирус", "Yeti.Listed"),
        ("x" * 300, "Yeti." + "x" * 64),
    ],
)
def test_the_tag_is_in_the_name(tag, name, tmp_path):
    """Without whatever would cut it."""
    assert name == _named(tmp_path, [RowAssertion(tag, "feed", "malicious", fresh=True)])


def test_the_order_of_tags_does_not_change_a_name(tmp_path):
    """It is the first by name of those that count: what is over counts where nothing is fresh, withdrawn never does."""
    fresh = [RowAssertion(tag, "feed", "malicious", fresh=True) for tag in ("c2", "botnet")]
    over = RowAssertion("ancient", "feed", "malicious")
    withdrawn = RowAssertion("a", "feed", "malicious", withdrawn_at="2026-09-01T00:00:00Z")
    found = []
    for number, tags in enumerate(([*fresh, over], [over, *fresh[::-1]], [over, withdrawn], [withdrawn])):
        folder = tmp_path / str(number)
        folder.mkdir()
        found.append(_named(folder, tags))

    assert ["Yeti.botnet", "Yeti.botnet", "Yeti.ancient", "Yeti.Listed"] == found


@pytest.mark.parametrize("prefix", ["", "a:b", "a\n", "1", "a" * 33, "a b"])
def test_a_prefix_that_cannot_be(prefix):
    """It is said when the export is defined."""
    with pytest.raises(DefinitionError, match="prefix is a word"):
        parse_options(get_format("clamav"), {"prefix": prefix})


@pytest.mark.proof("clamav", CONSUMER, "loaded", tool="clamscan")
def test_hostile_values_load(tool, nothing, place, tmp_path):
    """What the format took of them, ClamAV takes."""
    assert {} == scan(tool, _written(tmp_path, HOSTILE).files, nothing, place)


@pytest.mark.proof("clamav", CONSUMER, "loaded", tool="clamscan")
@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_hostile_tags_load(tool, number, nothing, place, tmp_path):
    """A tag is a text of strangers."""
    written = _written(tmp_path, [Value("md5", "0a" * 16)], tags=(TEXTS[number] or "c2", "zz"))

    assert {} == scan(tool, written.files, nothing, place)


@pytest.mark.proof("clamav", CONSUMER, "loaded", tool="clamscan")
def test_the_empty_form_loads(tool, nothing, place, tmp_path):
    """A list without entries stops no ClamAV."""
    assert {} == scan(tool, _written(tmp_path, []).files, nothing, place)


@pytest.mark.proof("clamav", CONSUMER, "asked", tool="clamscan")
def test_what_is_listed_is_found(tool, place, tmp_path):
    """By each of the three hashes; files beside them are OK."""
    folder = tmp_path / "files"
    folder.mkdir()
    contents = {f"{type_}-{number}": f"{type_} {number}".encode() * 9 for type_ in TYPES for number in range(20)}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        (folder / f"other-{name}").write_bytes(content + b"!")
    listed = [
        Value(type_, hashlib.new(type_, content).hexdigest())
        for name, content in contents.items()
        for type_ in [name.partition("-")[0]]
    ]

    written = _written(tmp_path, [*HOSTILE, *listed], tags=("c2", "c2"))

    assert dict.fromkeys(contents, "Yeti.c2") == scan(tool, written.files, folder, place)


@pytest.mark.intel
@pytest.mark.proof("clamav", CONSUMER, "asked", tool="clamscan")
def test_real_hashes(tool, intel, place, tmp_path):
    """All real ones load, and catch none of the files that they came in but the one that is listed beside them."""
    real = real_hashes(intel)
    folder = intel / "lists" / "eset-malware-ioc" / "turla"
    one = next(path for path in sorted(folder.rglob("*")) if path.suffix == ".md5")
    more = Value("sha256", hashlib.sha256(one.read_bytes()).hexdigest())

    written = _written(tmp_path, [*real, more])

    assert {} == written.refused
    assert {one.name: "Yeti.botnet"} == scan(tool, written.files, folder, place)


@pytest.mark.proof("clamav", CONSUMER, "loaded", tool="clamscan")
def test_it_is_checked_before_it_is_published(tmp_path):
    """A database without fault has no finding; of one that ClamAV would not load it is said why."""
    form = get_format("clamav")
    good, bad = tmp_path / "0.part", tmp_path / "1.part"
    good.write_bytes(_written(tmp_path, HOSTILE).files["export.hdb"])
    bad.write_bytes(HEAD + b"0b" * 20 + b":*:Yeti.c2\n")

    assert [] == form.check([good, good], "Yeti")
    findings = form.check([good, bad], "Yeti")
    assert any("Minimum FLEVEL" in finding for finding in findings)


@pytest.mark.proof("clamav", CONSUMER, "loaded", tool="clamscan")
def test_an_empty_file_is_a_finding(tmp_path):
    """ClamAV would not start with it."""
    empty = tmp_path / "0.part"
    empty.touch()

    assert get_format("clamav").check([empty, empty], "Yeti")
