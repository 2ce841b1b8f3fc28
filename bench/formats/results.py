"""What was measured, and the bars."""

from dataclasses import asdict, dataclass, field

from bench.formats.beside import Beside
from bench.formats.cases import Case
from bench.formats.making import Made

LIST_BAR_S = 3.0
ALL_BAR_S = 60.0
MEMORY_BAR_MIB = 300
STIX_BAR = 50
"""How many times as fast as the ``stix2`` library."""

JUDGED_ROWS = 1_000_000
"""The bars of time are for a million observables; a quick look may be had on a busy machine."""

COMPARED_ROWS, LEAST_RATIO = 10_000, 10
"""From so many rows on the bar beside the ``stix2`` library is this, which no busy machine makes it miss; below, what is
compared is mostly the beginning."""


@dataclass(slots=True)
class Results:
    """Figures of one run.

    Attributes:
        rows: Observables of each store.
        cpus: Of the machine.
        lists: One list format each, of a store of one kind.
        tables: One format each that says more than values, of observables of all types.
        all_of_them: How many seconds all formats took together, by two processes; ``None`` if not measured.
        beside: What was measured beside libraries.
    """

    rows: int
    cpus: int
    lists: dict[Case, Made] = field(default_factory=dict)
    tables: dict[Case, Made] = field(default_factory=dict)
    all_of_them: float | None = None
    beside: list[Beside] = field(default_factory=list)

    @property
    def are_judged(self) -> bool:
        """Whether bars of time count."""
        return self.rows >= JUDGED_ROWS

    @property
    def missed(self) -> list[str]:
        """What missed its bar, each one line."""
        found = [
            f"{case.title} ({case.store}): {made.seconds:.2f} s; bar {LIST_BAR_S:g} s"
            for case, made in self.lists.items()
            if self.are_judged and made.seconds > LIST_BAR_S
        ]
        found += [
            f"{case.title} ({case.store}): {made.peak_mib:.0f} MiB; bar {MEMORY_BAR_MIB} MiB"
            for case, made in (self.lists | self.tables).items()
            if made.peak_mib > MEMORY_BAR_MIB
        ]
        if self.are_judged and self.all_of_them is not None and self.all_of_them > ALL_BAR_S:
            found.append(f"all formats: {self.all_of_them:.1f} s; bar {ALL_BAR_S:g} s")
        for one in self.beside:
            bar = STIX_BAR if self.are_judged else LEAST_RATIO
            if one.name == "stix" and one.rows >= COMPARED_ROWS and one.ratio < bar:
                found.append(f"stix: {one.ratio:.0f} times as fast as {one.library}; bar {bar}")
            if not one.is_valid:
                found.append(f"{one.name}: {one.library} does not take what was made")
        return found

    @property
    def are_good(self) -> bool:
        """Whether every bar was met."""
        return not self.missed

    def plain(self) -> dict[str, object]:
        """Return the same as JSON can hold it."""
        return {
            "rows": self.rows,
            "cpus": self.cpus,
            "lists": [case._asdict() | asdict(made) for case, made in self.lists.items()],
            "tables": [case._asdict() | asdict(made) for case, made in self.tables.items()],
            "all_of_them_s": self.all_of_them,
            "beside": [asdict(one) | {"ratio": one.ratio} for one in self.beside],
            "missed": self.missed,
        }
