"""How much of a list a device takes: what is more is told, or fails, where the device would say nothing.

Fortinet states one number for each class of models, since FortiOS 7.4.4 (technical tip 378964): it is told from the
smallest on, with the largest beside it.
"""

from dataclasses import dataclass

from core.errors import RenderError
from core.exports.formatting.contract import Output, OutputFile

_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a device takes of a file; 0 is no such limit.

    Attributes:
        most_lines: The smallest model reads no more lines; the last ones are cut off.
        most_lines_of_largest: The same of the largest model, where they differ.
        most_bytes_read: The smallest model reads no more bytes.
        most_bytes_read_of_largest: The same of the largest model.
        most_bytes: It refuses a larger file.
    """

    most_lines: int = 0
    most_lines_of_largest: int = 0
    most_bytes_read: int = 0
    most_bytes_read_of_largest: int = 0
    most_bytes: int = 0


ANY = Limits()
FMC = Limits(most_bytes=500 * _MB)
FORTIGATE_ADDRESSES = Limits(most_lines=300_000)
FORTIGATE_DOMAINS = Limits(most_lines=1_000_000, most_lines_of_largest=5_000_000)
FORTIGATE_URLS = Limits(most_lines=150_000, most_lines_of_largest=2_000_000)
FORTIGATE_HASHES = Limits(most_bytes_read=32 * _MB, most_bytes_read_of_largest=128 * _MB)


class LimitedFile:
    """A file for a device, of ASCII; says when it is more than the device takes."""

    def __init__(self, file: OutputFile, limits: Limits) -> None:
        self._file, self._limits = file, limits
        self._lines = self._bytes = 0

    def write(self, text: str, entries: int) -> None:
        """Add *text*, whole lines which hold so many entries.

        Raises:
            RenderError: The device would refuse the file.
        """
        self._lines += text.count("\n")
        self._bytes += len(text)
        most = self._limits.most_bytes
        if most and self._bytes > most:
            raise RenderError(f"the list is larger than the {most // _MB} MB that the device takes")
        self._file.write(text, entries)

    def finish(self, out: Output) -> None:
        """Say what the device would not read."""
        limits = self._limits
        if limits.most_lines and self._lines > limits.most_lines:
            most = _by_model(f"{limits.most_lines:,}", limits.most_lines_of_largest, "")
            out.note(f"{self._lines:,} lines, and the device reads no more than {most} of a list")
        if limits.most_bytes_read and self._bytes > limits.most_bytes_read:
            most = _by_model(f"{limits.most_bytes_read // _MB}", limits.most_bytes_read_of_largest // _MB, " MB")
            out.note(f"{self._bytes / _MB:,.1f} MB, and the device reads no more than {most} of a list")


def _by_model(smallest: str, largest: int, unit: str) -> str:
    return f"{smallest} to {largest:,}{unit}, by model," if largest else f"{smallest}{unit}"
