"""The words of the contract between a format and the engine; ``core.exports.formats`` tells it as a whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from core.store.entry_numbers import EntryNumber as Numbered
from core.store.ledger.gone import Gone

__all__ = [
    "COUNTER_MARK",
    "BadEntry",
    "Consumer",
    "Finding",
    "Format",
    "Gone",
    "NotChecked",
    "Numbered",
    "Option",
    "Output",
    "OutputFile",
    "Tried",
    "Value",
    "Values",
]

COUNTER_MARK = "\ue000publish counter\ue000"
"""Stands in a file where its publish counter belongs."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a format: its default as text, and what it means."""

    default: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Consumer:
    """What reads a format, and what whoever runs it has to know; each a phrase or a sentence for people.

    Attributes:
        name: Product, and the part of it that reads the list.
        limits: How many entries, how long, which kinds; what it does beyond.
        one_bad_entry: What one entry that it does not understand does to the list.
        setup: One line of how to wire it up: address, refresh, authentication.
        checker: The program of the consumer that ``check`` runs before anything is published, as it is called;
            empty where there is none.
        options: The options that this consumer needs, as ``KEY=VALUE`` words; empty is the defaults.
        tested_with: The program or library with which this project's tests alone read the format.
    """

    name: str
    limits: str
    one_bad_entry: str
    setup: str
    checker: str = ""
    options: str = ""
    tested_with: str = ""

    @property
    def given(self) -> dict[str, str]:
        """The options by their keys."""
        return dict(word.split("=", 1) for word in self.options.split())


@dataclass(frozen=True, slots=True)
class BadEntry:
    """A finding about one entry: the files are written once more without it.

    Attributes:
        key: What ``render`` knows the entry by; see `Tried`.
        reason: What the program said, one phrase.
    """

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class NotChecked:
    """A finding that says nothing of the files: what of them was not looked at, and why; one phrase."""

    reason: str


Finding = str | BadEntry | NotChecked
"""What a check finds; a text is a fault of the files as a whole."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What the check found bad when the files were written before, in the same run.

    Attributes:
        bad: The key of a `BadEntry` -> its reasons, the first found first: more than one where another entry of the
            same key took the place of the first, and was bad, too.
        is_last: Nothing may take the place of what is bad, so that what is written now is part of what was checked.
    """

    bad: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_last: bool = False


class Value(NamedTuple):
    """One observable without anything else that is known of it."""

    type: str
    value: str


class Values(NamedTuple):
    """Many observables of one type without anything else that is known of them, in order."""

    type: str
    values: list[str]


class OutputFile(Protocol):
    """A file that is being made."""

    def write(self, text: str, entries: int) -> None:
        """Add *text*, which holds so many entries."""


class Refusing(Protocol):
    """Where it is said what cannot be expressed."""

    def refuse(self, row: Any, reason: str) -> None:
        """Say that *row*, anything with a ``type`` and a ``value``, cannot be expressed, and why.

        The reason is one phrase without the value.
        """


class Output(Refusing, Protocol):
    """Where a format writes to."""

    file_name: str
    """The name that the export is published under."""

    export: str
    """The name of the export."""

    key: str
    """What stands for the export wherever something is made from it for ever: it stays when the export is renamed."""

    instant: int
    """The instant of the run, in microseconds UTC."""

    @property
    def tried(self) -> Tried:
        """What the format's own check found bad when these files were written before."""

    def open(self, name: str = "", media_type: str = "") -> OutputFile:
        """Begin a file of the set; without a name it is the export's own."""

    def refuse_all(self, rows: Sequence[Any], reason: str) -> None:
        """Refuse many for one reason: it takes a third of the time."""

    def note(self, text: str) -> None:
        """Say one line to whoever runs the export, such as that entries were put together."""

    def numbers(self, kind: str, texts: Sequence[tuple[Value, str]]) -> list[Numbered]:
        """Return the number of each observable, the same for ever, and the revision of its text.

        Args:
            kind: What is numbered; the same observable has a number for each kind.
            texts: Each observable with the text that has a revision: another text, another revision.
        """

    def gone(self) -> Iterator[Gone]:
        """Yield what earlier versions had and the selection of this run does not take, in order."""

    def withdrawals(self) -> Iterator[Gone]:
        """Yield what was withdrawn from earlier versions, each time, also what is on the list again, in order."""


class Format(Protocol):
    """A format, as the module that holds it; it has ``render`` or ``render_values``."""

    NAME: str
    MEANING: str
    MEDIA_TYPE: str
    SUFFIX: str
    TYPES: frozenset[str] | None
    OPTIONS: Mapping[str, Option]

    def render(self, rows: Iterator[list[Any]], out: Output, options: Any) -> None:
        """Write the files of the export."""
