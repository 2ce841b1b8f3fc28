"""How much a device takes: beyond it is told, or the run fails; no list is cut without a word."""

from dataclasses import replace

import pytest
from name_readers import written

from core.errors import RenderError
from core.exports.formats import get_format
from core.exports.formatting.device_limits import LimitedFile, Limits
from core.testing.formats import FormatConformance, Value

VALUES = {
    "addresses": [Value("ipv4", f"192.0.2.{number}") for number in range(1, 6)],
    "domains": [Value("hostname", f"h{number}.example") for number in range(5)],
    "urls": [Value("url", f"http://h{number}.example/") for number in range(5)],
    "hashes": [Value("sha256", f"{number:064x}") for number in range(5)],
}


@pytest.fixture
def notes(tmp_path, monkeypatch):
    """Write the values of a format for a device that takes so much, and return what was said."""

    def written_for(name, device, **limits):
        form = get_format(name)
        monkeypatch.setitem(form.DEVICES, device, replace(form.DEVICES[device], limits=Limits(**limits)))
        kit = FormatConformance()
        kit.format, kit.options = name, {"device": device}
        return written(kit, VALUES[name], tmp_path).notes

    return written_for


@pytest.mark.parametrize(
    ("name", "device", "limits"),
    [
        ("addresses", "fortigate", Limits(most_lines=300_000)),
        ("domains", "fortigate", Limits(most_lines=1_000_000, most_lines_of_largest=5_000_000)),
        ("urls", "fortigate", Limits(most_lines=150_000, most_lines_of_largest=2_000_000)),
        ("hashes", "fortigate", Limits(most_bytes_read=32_000_000, most_bytes_read_of_largest=128_000_000)),
        *((name, "fmc", Limits(most_bytes=500_000_000)) for name in ("addresses", "domains", "urls")),
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
    assert ("5 lines, and the device reads no more than 4 of a list",) == notes(name, "fortigate", most_lines=4)
    assert ("5 lines, and the device reads no more than 3 to 7,000, by model, of a list",) == notes(
        name, "fortigate", most_lines=3, most_lines_of_largest=7_000
    )


def test_a_file_of_hashes_that_a_device_does_not_read_is_told(notes):
    """Each algorithm has a file of its own, so that what counts is its size and not that of all."""
    size = 5 * len("0" * 64 + " export\n")

    assert () == notes("hashes", "fortigate", most_bytes_read=size, most_bytes_read_of_largest=9_000_000)
    assert ("0.0 MB, and the device reads no more than 0 to 9 MB, by model, of a list",) == notes(
        "hashes", "fortigate", most_bytes_read=size - 1, most_bytes_read_of_largest=9_000_000
    )


@pytest.mark.parametrize("name", ["addresses", "domains", "urls"])
def test_a_list_that_a_device_would_refuse_fails(notes, name):
    """Rather than to be published and never used."""
    assert () == notes(name, "fmc", most_bytes=1_000)
    with pytest.raises(RenderError, match="larger than the 0 MB that the device takes"):
        notes(name, "fmc", most_bytes=40)


def test_sizes_are_told_in_megabytes():
    """As vendors do."""

    class Out(list):
        note = list.append

    class File:
        def write(self, text, entries):
            """Take it."""

    said = Out()
    file = LimitedFile(File(), Limits(most_bytes_read=32_000_000, most_bytes_read_of_largest=128_000_000))
    file.write("x" * 33_400_000, 1)
    file.finish(said)

    assert ["33.4 MB, and the device reads no more than 32 to 128 MB, by model, of a list"] == said
