"""Sets of two files, of names and of addresses: what their readers share, written from the programs' documentation."""

from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import address_reading as reading
from name_readers import hostile, outermost, written

from core.exports.formats import Finding, Value, get_format, parse_options
from core.testing.formats import FormatConformance, Written

HALVES = [Value("cidr", half) for half in ("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1", "::fffe:0:0/95")]
"""All there is; the last one and ``::/1`` have the IPv4 addresses in them, as ``::ffff:192.0.2.1``."""


class Pair(FormatConformance):
    """Reads names and networks, none of which is in another.

    Attributes:
        suffix: Of both files.
        has_subdomains: Whether a name stands for all that is below it, so that none is below another.
    """

    suffix: ClassVar[str] = ""
    has_subdomains: ClassVar[bool] = True

    def name_of(self, line: str) -> str:
        """Return the name that a line has; raise on what the program would not take."""
        raise NotImplementedError

    def network_of(self, line: str) -> str:
        """Return the network that a line has; raise on what the program would not take."""
        return line

    def read(self, files: dict[str, bytes]) -> list[str]:
        """Return names and networks."""
        assert set(files) == {f"export-{what}{self.suffix}" for what in ("names", "addresses")}
        names, networks = (reading.lines(files[f"export-{what}{self.suffix}"]) for what in ("names", "addresses"))
        found = [self.name_of(line) for line in names]
        assert not self.has_subdomains or outermost(found) == set(found)
        networks = [self.network_of(line) for line in networks]
        for version in (4, 6):
            some = sorted(item for item in map(reading.network, networks) if item.version == version)
            assert not any(first.overlaps(second) for first, second in pairwise(some))
        return [*found, *networks]

    def entry(self, type: str, value: str) -> str:
        """Return the value, which for an address is one in its usual spelling."""
        return value if type == "hostname" else reading.one(type, value)

    def meaning(self, entries):
        """Return the names that are caught, and the addresses."""
        names = {entry for entry in entries if entry[-1].isalpha() and ":" not in entry}
        networks = reading.addresses(entry for entry in entries if entry not in names)
        return outermost(names) if self.has_subdomains else names, networks

    def put(self, made: Written, folder: Path) -> list[Path]:
        """Write the files of a set and return their paths in order: names, addresses."""
        folder.mkdir(exist_ok=True)
        paths = [folder / f"export-{what}{self.suffix}" for what in ("names", "addresses")]
        for path in paths:
            path.write_bytes(made.files[path.name])
        return paths


LONGEST_NAME = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 53, "example"])


def findings_of_extremes(name: str, kit: Pair, folder: Path) -> list[Finding]:
    """Return what the check of a format says of what is hostile, of nothing, and of every address and the longest name."""
    form = get_format(name)
    options = parse_options(form, kit.options)
    every = written(kit, [*HALVES, Value("hostname", LONGEST_NAME)], folder / "every")
    assert 4 == every.entries
    made = [hostile(kit, folder / "hostile"), written(kit, [], folder / "nothing"), every]
    paths = [kit.put(some, folder / f"files {number}") for number, some in enumerate(made)]
    return [finding for some in paths for finding in form.check(some, options)]


def findings_of_value(name: str, kit: Pair, value: str, folder: Path) -> list[Finding]:
    """Return what the check of a format says of a map whose names have that *value*."""
    form = get_format(name)
    kit.options = {"value": value}
    made = written(kit, [Value("ipv4", "192.0.2.1"), Value("hostname", "bad.example")], folder / "made")
    return form.check(kit.put(made, folder / "files"), parse_options(form, kit.options))
