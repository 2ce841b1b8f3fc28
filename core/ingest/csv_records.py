"""The records of delimited text: found one by one, so that a stray quote costs its own line and no other."""

import csv
import re
from collections.abc import Iterator

from core.ingest.lines import MAX_LINE_CHARS, excerpt, lines
from core.ingest.reader import InputFile
from core.schemas.claim import Refusal

MAX_LINES_OF_A_CELL = 100
COMMENT = "#"

is_separator_hint = re.compile(r"sep=.", re.IGNORECASE).fullmatch
"""Match the line with which some programs tell a spreadsheet the delimiter; it is no row."""

# A cell is as long as its lines may be; by default the parser gives up on the whole file at 128 KiB.
csv.field_size_limit(2 * MAX_LINE_CHARS)


class Records:
    """Iterate over the rows of *file*.

    Attributes:
        line: Line on which the last row begins.
        problems: What was found wrong with it; the caller takes them out.
    """

    def __init__(self, file: InputFile, delimiter: str) -> None:
        """Prepare to read *file*, whose cells are parted by *delimiter*."""
        self.line = 0
        self.problems: list[Refusal] = []
        self._lines = lines(file)
        self._pushed: list[tuple[int, str | None]] = []
        self._delimiter = delimiter
        # Possessive: a long line that is not regular must not be tried in every way.
        cell = rf'\ *+(?:"[^"]*+"|[^"{re.escape(delimiter)}]*+)'
        self._is_regular = re.compile(rf"{cell}(?:{re.escape(delimiter)}{cell})*").fullmatch

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the cells of each row; empty lines and comments are left out."""
        return csv.reader(self._texts(), delimiter=self._delimiter, skipinitialspace=True)

    def _texts(self) -> Iterator[str]:
        while True:
            if self._pushed:
                number, text = self._pushed.pop()
            else:
                entry = next(self._lines, None)
                if entry is None:
                    return
                number, text = entry
            if text is None:
                self.problems.append(Refusal(number, "a line of more than a million characters"))
                continue
            if not text or text[0] == COMMENT or text.isspace() or (number == 1 and is_separator_hint(text)):
                continue
            self.line = number
            if '"' in text and self._is_open(text):
                text = self._whole(number, text)
            # A carriage return alone would end the row for the parser.
            yield text.replace("\r", " ")

    def _is_open(self, text: str) -> bool:
        """Tell whether a quote is open at the end of *text*."""
        if self._is_regular(text):
            return False
        # Whatever is open swallows the next line.
        probe = csv.reader(
            [text.replace("\r", " ") + "\n", "next"], delimiter=self._delimiter, skipinitialspace=True
        )
        return next(iter(probe), [""])[-1].endswith("\nnext")

    def _is_sound(self, text: str) -> bool:
        try:
            rows = list(
                csv.reader(
                    [text.replace("\r", " ")], delimiter=self._delimiter, skipinitialspace=True, strict=True
                )
            )
        except csv.Error:
            return False
        return len(rows) == 1

    def _whole(self, number: int, text: str) -> str:
        """Return the record that begins with *text*; only that line, its quotes dropped, if it never closes."""
        taken: list[tuple[int, str | None]] = []
        whole = text
        while len(taken) < MAX_LINES_OF_A_CELL:
            entry = self._pushed.pop() if self._pushed else next(self._lines, None)
            if entry is None:
                break
            taken.append(entry)
            if entry[1] is None:
                break
            if len(whole) + len(entry[1]) > MAX_LINE_CHARS:
                break
            whole = f"{whole}\n{entry[1]}"
            if '"' in entry[1] and not self._is_open(whole):
                if self._is_sound(whole):
                    return whole
                break
        self._pushed.extend(reversed(taken))
        self.problems.append(Refusal(number, "a quote that is never closed; read without it", excerpt(text)))
        return text.replace('"', "")
