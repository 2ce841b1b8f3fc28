"""Sets of two files, one of host names and one of addresses, for programs that look them up in different ways."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Network
from pathlib import Path
from posixpath import splitext
from tempfile import TemporaryDirectory

from core.exports.formatting.addresses import Addresses, counted
from core.exports.formatting.contract import Output, OutputFile, Value, Values
from core.exports.formatting.name_lines import lines_of, write_outermost
from core.exports.formatting.names import BYTES_PER_NAME, OutermostNames, listed_names
from core.values import types

NAMES, ADDRESSES = "names", "addresses"
TYPES = frozenset({types.HOSTNAME, types.IPV4, types.IPV6, types.CIDR})
MEMORY_BYTES_PER_ENTRY = BYTES_PER_NAME
"""What names take, which are more than what addresses take."""

HAS_IPV4 = "an IPv6 network with every IPv4 address in it, in the form that programs give them"

_AROUND_IPV4 = frozenset(str(IPv6Network(("::ffff:0:0", length), strict=False)) for length in range(1, 97))


@dataclass(frozen=True, slots=True)
class WithValue:
    """What a table says of each entry, and whether a name stands for all that is below it."""

    value: str
    has_subdomains: bool

    def line_of_name(self, end: str = "") -> str:
        """Return the line of a name, which stands where it has ``{0}``; *end* is what ends it."""
        return f"{'.' if self.has_subdomains else ''}{{0}} {self.value}{end}\n"


def open_both(out: Output) -> tuple[OutputFile, OutputFile]:
    """Open the file of names and that of addresses, ``lists/c2-names.txt`` and ``lists/c2-addresses.txt``."""
    root, suffix = splitext(out.file_name)
    names, addresses = (out.open(f"{root}-{what}{suffix}") for what in (NAMES, ADDRESSES))
    return names, addresses


def write_both(
    batches: Iterator[Values],
    out: Output,
    files: tuple[OutputFile, OutputFile],
    *,
    name: str,
    address: str,
    is_reduced: bool = False,
) -> None:
    """Write a line for each name, and for each of the fewest networks; refuse what is not canonical.

    Args:
        batches: Of types that are in `TYPES`.
        out: Where refusals and notes go.
        files: That of names and that of addresses.
        name: The line of a name, which stands where it has ``{0}``.
        address: The line of an address or a network.
        is_reduced: Leave out what is below another name of the list, since the consumer takes that for both.
    """
    outermost, collected = OutermostNames(), Addresses()
    names, text_of = files[0], lines_of(name)
    for batch in batches:
        if batch.type != types.HOSTNAME:
            collected.add(_without_ipv4(batch, out), out)
        elif is_reduced:
            outermost.add(listed_names(batch, out))
        else:
            listed = listed_names(batch, out)
            names.write(text_of(listed), len(listed))
    write_outermost(outermost, names, out, name)
    _write_addresses(collected, files[1], out, address)


def _write_addresses(addresses: Addresses, file: OutputFile, out: Output, pattern: str) -> None:
    lines, text_of = 0, lines_of(pattern)
    for version, entries in addresses.entries.items():
        for texts in addresses.networks(version):
            file.write(text_of(texts), 0)
            lines += len(texts)
        file.write("", entries)
    if lines:
        out.note(counted(sum(addresses.entries.values()), lines))


@contextmanager
def beside(files: list[Path], configuration: str) -> Iterator[Path]:
    """Give a folder that holds finished files as ``names`` and ``addresses``, and a ``configuration``.

    That is to call them so: a path may have spaces.
    """
    with TemporaryDirectory(dir=files[0].parent) as name:
        folder = Path(name)
        for what, path in zip((NAMES, ADDRESSES), files, strict=True):
            (folder / what).symlink_to(path.absolute())
        (folder / "configuration").write_text(configuration, "utf-8")
        yield folder


def _without_ipv4(batch: Values, out: Output) -> Values:
    """Refuse IPv6 networks in which programs would find all IPv4 addresses, in their IPv6 form."""
    if batch.type != types.CIDR or _AROUND_IPV4.isdisjoint(batch.values):
        return batch
    for value in filter(_AROUND_IPV4.__contains__, batch.values):
        out.refuse(Value(batch.type, value), HAS_IPV4)
    return Values(batch.type, [value for value in batch.values if value not in _AROUND_IPV4])
