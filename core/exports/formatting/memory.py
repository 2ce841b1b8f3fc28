"""What a format may know beyond the rows of its run: numbers that stay, and what has left the list."""

from collections.abc import Iterator, Sequence

from core.exports.formatting.contract import Gone, Numbered, Tried, Value

FIRST_NUMBER = 1


class Memory:
    """A memory that begins empty and ends with the object: of an export that is only looked at, and of tests.

    Attributes:
        key: What stands for the export for ever; empty of one that is not kept.
        export_id: Its row id; 0 of one that is not kept.
        tried: What the format's own check found bad when the files were written before, in the same run.
    """

    key = ""
    export_id = 0
    tried = Tried()

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, Value], tuple[Numbered, str]] = {}

    def numbers(self, kind: str, texts: Sequence[tuple[Value, str]]) -> list[Numbered]:
        """Return the number of each observable and the revision of its text; see ``Output.numbers``."""
        return [self._number(kind, value, text) for value, text in texts]

    def gone(self) -> Iterator[Gone]:
        """Yield what earlier versions had: nothing."""
        return iter(())

    def withdrawals(self) -> Iterator[Gone]:
        """Yield what was withdrawn from them: nothing."""
        return iter(())

    def _number(self, kind: str, value: Value, text: str) -> Numbered:
        known, last = self._numbers.get((kind, value), (None, ""))
        if known is None:
            known = Numbered(FIRST_NUMBER + len(self._numbers), 1)
        elif text != last:
            known = known._replace(revision=known.revision + 1)
        self._numbers[kind, value] = known, text
        return known
