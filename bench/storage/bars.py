"""The bars: what ours has to keep to, as data, and whether it did."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from bench.storage.figures import Figures, Key
from bench.storage.subjects import LOCAL


class Bar(NamedTuple):
    """Ours may have at most so much of a figure: in its unit, or times what *against* has of it."""

    what: str
    place: str
    measure: str
    figure: str
    most: float
    against: str = ""
    subject: str = "ours"


@dataclass(frozen=True)
class Verdict:
    """A bar and how it came out; the word is ``met``, ``MISSED`` or, where it was not judged, ``-``."""

    what: str
    most: str
    found: str
    word: str


_UNITS = {"wall_s": (1000, "ms"), "wall_us": (1_000_000, "µs"), "peak_mib": (1, "MiB")}
_SERVERS = (("SeaweedFS", "seaweedfs"), ("sink", "sink"))
_FIGURES = (("wall", "wall_s"), ("CPU", "cpu_s"))

BARS = (
    *(
        Bar(f"{do} 1 KiB on {server}, {kind}", place, f"{do} 1 KiB", figure, 1.05, "boto3")
        for server, place in _SERVERS
        for do in ("put", "get")
        for kind, figure in _FIGURES
    ),
    Bar("text stream on SeaweedFS, wall", "seaweedfs", "text", "wall_s", 1.0, "boto3"),
    Bar("text stream on sink, wall", "sink", "text", "wall_s", 1.2, "boto3"),
    *(Bar(f"text stream on {server}, peak memory", place, "text", "peak_mib", 64) for server, place in _SERVERS),
    *(
        Bar(f"durable local put of {size}, wall", "local", f"put {size}", "wall_s", 1.1, "recipe", "ours-local")
        for size in ("1 KiB", "100 kB", "1 MiB", "300 MB")
    ),
    Bar("import of the package", "none", "import", "wall_s", 15),
    Bar("get_client of a local path", "local", "get_client", "wall_us", 50, subject="ours-local"),
)


def bars_for(names: Iterable[str], places: Iterable[str]) -> list[Bar]:
    """Return the bars that a run of these subjects on these servers has to measure."""
    here, there = {*names, *LOCAL, ""}, {*places, "local", "none"}
    return [bar for bar in BARS if "ours" in here and {bar.subject, bar.against} <= here and bar.place in there]


def judge(figures: Figures, bars: Iterable[Bar], is_judged: bool) -> list[Verdict]:
    """Return what became of each bar; what a full run did not measure is missed."""
    verdicts = [_verdict(figures, bar, is_judged) for bar in bars]
    if figures.vendors is not None:
        found = ", ".join(figures.vendors) or "none"
        word = ("MISSED" if figures.vendors else "met") if is_judged else "-"
        verdicts.append(Verdict("vendors' packages loaded by the import", "none", found, word))
    return verdicts


def _verdict(figures: Figures, bar: Bar, is_judged: bool) -> Verdict:
    key: Key = (bar.place, bar.measure, bar.subject)
    factor, unit = (1, "x") if bar.against else _UNITS[bar.figure]
    if bar.against:
        value = figures.ratio(key, bar.against, bar.figure)
        most = f"{bar.most:.2f} x {bar.against}"
    else:
        value = figures.value(key, bar.figure.replace("wall_us", "wall_s"))
        most = f"{bar.most:g} {unit}"
    if value is None:
        return Verdict(bar.what, most, "not measured", "MISSED" if is_judged else "-")
    value *= factor
    found = f"{value:.3f} x" if bar.against else f"{value:.1f} {unit}"
    return Verdict(bar.what, most, found, ("met" if value <= bar.most else "MISSED") if is_judged else "-")
