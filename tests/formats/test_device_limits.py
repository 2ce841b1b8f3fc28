"""How much a device takes: beyond it is told, or the run fails; no list is cut without a word."""

from dataclasses import replace

import pytest
from name_readers import written

from core.errors import RenderError
from core.exports.formats import get_format
from core.exports.formatting.device_limits import LimitedFiles, Limits
from core.testing.formats import FormatConformance, Value

MB = 1_000_000
VALUES = {
    "addresses": [
        *(Value("ipv4", f"192.0.2.{number}") for number in range(1, 4)),
        *(Value("ipv6", f"2001:db8::{number}") for number in range(1, 3)),
    ],
    "domains": [Value("hostname", f"h{number}.example") for number in range(5)],
    "urls": [Value("url", f"http://h{number}.example/") for number in range(5)],
    "hashes": [
        *(Value("md5", f"{number:032x}") for number in range(3)),
        *(Value("sha1", f"{number:040x}") for number in range(3)),
        *(Value("sha256", f"{number:064x}") for number in range(5)),
    ],
}
BYTES = {
    "addresses": 3 * len("192.0.2.1\n") + 2 * len("2001:db8::1\n"),
    "domains": 5 * len("h0.example\n"),
    "urls": 5 * len("http://h0.example/\n"),
}
BYTES_OF_SHA256 = 5 * len("0" * 64 + " export\n")


@pytest.fixture
def notes(tmp_path, monkeypatch):
    """Write the values of a format for a device that takes so much, and return what was said."""

    def written_for(name, device, options=(), **limits):
        form = get_format(name)
        monkeypatch.setitem(form.DEVICES, device, replace(form.DEVICES[device], limits=Limits(**limits)))
        kit = FormatConformance()
        kit.format, kit.options = name, {"device": device, **dict(options)}
        return written(kit, VALUES[name], tmp_path).notes

    return written_for


OF_A_FILE = {"most_bytes_read": 32 * MB, "most_bytes_read_of_largest": 128 * MB}


@pytest.mark.parametrize(
    ("name", "device", "limits"),
    [
        ("addresses", "fortigate", Limits(most_lines=300_000, **OF_A_FILE)),
        ("domains", "fortigate", Limits(most_lines=1_000_000, most_lines_of_largest=5_000_000, **OF_A_FILE)),
        ("urls", "fortigate", Limits(most_lines=150_000, most_lines_of_largest=2_000_000, **OF_A_FILE)),
        ("hashes", "fortigate", Limits(**OF_A_FILE)),
        *((name, "fmc", Limits(most_bytes=500 * MB)) for name in ("addresses", "domains", "urls")),
        *((name, "generic", Limits()) for name in ("addresses", "domains", "hashes")),
    ],
)
def test_what_vendors_state_is_looked_after(name, device, limits):
    """Fortinet since FortiOS 7.4.4, from the smallest model on; Cisco for every feed."""
    assert limits == get_format(name).DEVICES[device].limits


@pytest.mark.parametrize("name", ["addresses", "domains", "urls"])
def test_lines_that_a_device_does_not_read_are_told(notes, name):
    """With what the largest model reads, where models differ."""
    assert () == notes(name, "fortigate", most_lines=5)
    assert ("5 lines, and the device reads no more than 4 of all its lists of this kind",) == notes(
        name, "fortigate", most_lines=4
    )
    assert (
        "5 lines, and the device reads no more than 3 to 7,000, by model, of all its lists of this kind",
    ) == notes(name, "fortigate", most_lines=3, most_lines_of_largest=7_000)


def test_lines_of_several_files_are_counted_together(notes):
    """The device has one number for all its lists of a kind, however many files they are."""
    split = {"family": "split"}

    assert () == notes("addresses", "fortigate", split, most_lines=5)
    assert ("5 lines, and the device reads no more than 4 of all its lists of this kind",) == notes(
        "addresses", "fortigate", split, most_lines=4
    )


@pytest.mark.parametrize("name", ["addresses", "domains", "urls"])
def test_bytes_that_a_device_does_not_read_are_told(notes, name):
    """To the byte, since one too many is too many."""
    size = BYTES[name]

    assert () == notes(name, "fortigate", most_bytes_read=size)
    assert (f"{size} bytes, and the device reads no more than 0 MB of a file",) == notes(
        name, "fortigate", most_bytes_read=size - 1
    )


def test_a_file_of_hashes_that_a_device_does_not_read_is_told(notes):
    """Each algorithm has a file of its own, so that what counts is its size and not that of all; it is named."""
    most = {"most_bytes_read_of_largest": 9 * MB}

    assert () == notes("hashes", "fortigate", most_bytes_read=BYTES_OF_SHA256, **most)
    assert (
        "export-sha256.txt has 360 bytes, and the device reads no more than 0 to 9 MB, by model, of a file",
    ) == notes("hashes", "fortigate", most_bytes_read=BYTES_OF_SHA256 - 1, **most)


@pytest.mark.parametrize("name", ["addresses", "domains", "urls"])
def test_a_list_that_a_device_would_refuse_fails(notes, name):
    """Rather than to be published and never used."""
    assert () == notes(name, "fmc", most_bytes=1_000)
    with pytest.raises(RenderError, match=r"^the list is larger than the 0 MB that the device takes"):
        notes(name, "fmc", most_bytes=40)


def test_of_two_lists_that_which_a_device_would_refuse_is_named(notes):
    """Each is a list of its own to such a device."""
    split = {"family": "split"}

    assert () == notes("addresses", "fmc", split, most_bytes=30)
    with pytest.raises(RenderError, match=r"^export-ipv4\.txt is larger than the 0 MB that the device takes"):
        notes("addresses", "fmc", split, most_bytes=29)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (32 * MB, []),
        (32 * MB + 1, ["32,000,001 bytes, and the device reads no more than 32 to 128 MB, by model, of a file"]),
    ],
)
def test_a_limit_is_told_as_vendors_do(size, said):
    """And what is beyond so that one sees that it is."""

    class Out(list):
        note = list.append

        def open(self, name):
            """Begin a file."""
            return File()

    class File:
        def write(self, text, entries):
            """Take it."""

    out = Out()
    files = LimitedFiles(out, Limits(**OF_A_FILE))
    files.open().write("x" * size, 1)
    files.finish()

    assert said == out
