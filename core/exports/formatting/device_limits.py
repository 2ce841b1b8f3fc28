"""How much of a list a device takes: what is more is told, or fails, where the device would say nothing.

FortiGate since FortiOS 7.4.4, by class of models (Fortinet, "External resource entry limit enhancements 7.4.4"):

=================== =========== ========= =========
type of feed        entry-level mid-range high-end
=================== =========== ========= =========
category: entries   150,000     300,000   2,000,000
IP address: entries 300,000     300,000   300,000
domain: entries     1,000,000   3,000,000 5,000,000
each: MB of a file  32          64        128
=================== =========== ========= =========

Entries are those of all feeds of that type together; the feeds that were added last lose what is beyond.  For malware
hashes no number is stated.  Technical tip 378964 says something else: 300,000 of each type on any model up to FortiOS
7.6.2.

A list is told of when it is too much for the smallest models, with what the largest take beside it.  A MB is taken for
a million bytes.
"""

from dataclasses import dataclass

from core.errors import RenderError
from core.exports.formatting.contract import Output, OutputFile

_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a device takes; 0 is no such limit.

    Attributes:
        most_lines: So many lines the smallest model reads of all its lists of this kind.
        most_lines_of_largest: So many the largest, where that is another number.
        most_bytes_read: So many bytes the smallest model reads of one file.
        most_bytes_read_of_largest: So many the largest.
        most_bytes: A larger file is refused by every model.
    """

    most_lines: int = 0
    most_lines_of_largest: int = 0
    most_bytes_read: int = 0
    most_bytes_read_of_largest: int = 0
    most_bytes: int = 0


def _fortigate(most_lines: int = 0, most_lines_of_largest: int = 0) -> Limits:
    return Limits(
        most_lines, most_lines_of_largest, most_bytes_read=32 * _MB, most_bytes_read_of_largest=128 * _MB
    )


ANY = Limits()
FMC = Limits(most_bytes=500 * _MB)
FORTIGATE_ADDRESSES = _fortigate(300_000)
FORTIGATE_DOMAINS = _fortigate(1_000_000, 5_000_000)
FORTIGATE_URLS = _fortigate(150_000, 2_000_000)
FORTIGATE_HASHES = _fortigate()


class LimitedFiles:
    """The files of an export for a device, of ASCII; say when they are more than the device takes."""

    def __init__(self, out: Output, limits: Limits) -> None:
        self._out, self._limits = out, limits
        self._files: list[LimitedFile] = []

    def open(self, name: str = "") -> "LimitedFile":
        """Begin a file; without a name it is the export's own."""
        file = LimitedFile(self, self._out.open(name), name)
        self._files.append(file)
        return file

    def finish(self) -> None:
        """Say what the device would not read."""
        limits, lines = self._limits, sum(file.lines for file in self._files)
        if limits.most_lines and lines > limits.most_lines:
            most = _by_model(f"{limits.most_lines:,}", limits.most_lines_of_largest, "")
            self._out.note(
                f"{lines:,} lines, and the device reads no more than {most} of all its lists of this kind"
            )
        for file in self._files:
            if limits.most_bytes_read and file.size_bytes > limits.most_bytes_read:
                most = _by_model(
                    f"{limits.most_bytes_read // _MB}", limits.most_bytes_read_of_largest // _MB, " MB"
                )
                which = f"{file.name} has " if self._are_several else ""
                self._out.note(
                    f"{which}{file.size_bytes:,} bytes, and the device reads no more than {most} of a file"
                )

    def look_at(self, file: "LimitedFile") -> None:
        """Fail if the device would refuse *file*.

        Raises:
            RenderError: It would.
        """
        most = self._limits.most_bytes
        if most and file.size_bytes > most:
            which = file.name if self._are_several else "the list"
            raise RenderError(f"{which} is larger than the {most // _MB} MB that the device takes")

    @property
    def _are_several(self) -> bool:
        return len(self._files) > 1


class LimitedFile:
    """One of them; has how much was written.

    Attributes:
        name: Its name; empty is the export's own.
        lines: How many lines it has.
        size_bytes: How large it is.
    """

    def __init__(self, files: LimitedFiles, file: OutputFile, name: str) -> None:
        self._files, self._file, self.name = files, file, name
        self.lines = self.size_bytes = 0

    def write(self, text: str, entries: int) -> None:
        """Add *text*, whole lines which hold so many entries.

        Raises:
            RenderError: The device would refuse the file.
        """
        self.lines += text.count("\n")
        self.size_bytes += len(text)
        self._files.look_at(self)
        self._file.write(text, entries)


def _by_model(smallest: str, largest: int, unit: str) -> str:
    return f"{smallest} to {largest:,}{unit}, by model," if largest else f"{smallest}{unit}"
