"""Names and addresses out of the folder of real intelligence: those that a list has, and those that it has not."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from core.errors import RefusedValue
from core.testing.formats import Value
from core.values import canonical

NAME_FILES = (
    "blackbook/blackbook.txt",
    "disposable-email-domains/disposable_email_blocklist.conf",
    "shadowwhisperer/Lists/Dynamic",
    "amnesty/2021-07-18_nso/domains.txt",
)
ADDRESS_FILES = ("ipsum/levels/5.txt", "maltrail-cidr/trails/static/mass_scanner_cidr.txt")
ASKED = 300


class Names(NamedTuple):
    """Names that a list has, some of them, some that are below those, and some that the list does not catch."""

    listed: list[Value]
    some: list[str]
    below: list[str]
    passing: list[str]

    def caught_by(self, accepted: list[Value]) -> list[str]:
        """Return what is caught where a name on the list, which are *accepted*, stands for all below it."""
        names = {value.value for value in accepted}
        return [name for name in (*self.some, *self.below) if names & {name, *parents(name)}]


def real_names(intel: Path) -> Names:
    """Return every other name of real lists as listed; of the rest pass those that are not below one of them.

    So does what only ends like one of them, without a dot before.
    """
    some = random.Random(1)
    every = sorted(
        {value.value for file in NAME_FILES for value in _values(intel, file) if value.type == "hostname"}
    )
    some.shuffle(every)
    half = len(every) // 2
    listed = set(every[:half])
    ends_alike = [f"x{name}" for name in every[:ASKED] if name.index(".") < 62]
    passing = [
        name
        for others in (every[half:], ends_alike)
        for name in [other for other in others if _passes(other, listed)][: ASKED // 2]
    ]
    below = [f"x{number}.y.{name}" for number, name in enumerate(every[:ASKED])]
    return Names(
        [Value("hostname", name) for name in sorted(listed)],
        every[:ASKED],
        [name for name in below if len(name) < 230],
        passing,
    )


def real_addresses(intel: Path) -> list[Value]:
    """Return addresses and networks of real lists."""
    return sorted({value for file in ADDRESS_FILES for value in _values(intel, file) if value.type != "hostname"})


def parents(name: str) -> Iterator[str]:
    """Yield the names above a name."""
    while name := name.partition(".")[2]:
        yield name


def _passes(name: str, listed: set[str]) -> bool:
    # Resolvers answer themselves for what is below ``onion`` (RFC 7686): that passes nowhere.
    return not listed & {name, *parents(name)} and not name.endswith(".onion") and len(name) < 230


def _values(intel: Path, file: str) -> Iterator[Value]:
    for line in (intel / "lists" / file).read_text("utf-8").splitlines():
        word = line.partition("#")[0].strip()
        try:
            yield Value(*canonical.classify("hostname", word))
        except RefusedValue:
            continue
