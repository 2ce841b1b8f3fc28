"""What is proven of each format: written by the tests that prove it.

A test carries ``@pytest.mark.proof("rpz", "BIND 9", "asked", tool="named")``: the format, the consumer as the format
names it, how it is proven, and by which program.  Tests of the conformance kit prove ``format-checked`` for every
consumer whose options are those of the test class.  A test of the kinds above that has the mark ``intel``, too, proves
that there were ``real`` values among those that the consumer took; without one the table says that there were none.
``pytest --proofs`` writes ``core/exports/formats/proofs.json``, ``--proofs-check`` fails if the file says more or less
than the tests, but for what this machine lacks the program for; versions of programs are written, not compared.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import consumer_tools
import pytest

FILE = Path(__file__).parents[1] / "core" / "exports" / "formats" / "proofs.json"
HOW = ("format-checked", "loaded", "asked")
"""Read back by a strict parser of ours · taken by the consumer's own program · and asked: what is listed is caught,
what is not passes."""
REAL = "real"
"""Beside one of the latter two: real values were among those that were taken."""

_PROPERTY = "format proof"
Key = tuple[str, str, str]


@dataclass
class Outcome:
    """What the tests said about one format, consumer and way."""

    tests: set[str] = field(default_factory=set)
    tools: set[str] = field(default_factory=set)
    has_failed: bool = False
    was_skipped: bool = False

    @property
    def is_proven(self) -> bool:
        """Whether tests passed and none failed."""
        return bool(self.tests) and not self.has_failed


class Proofs:
    """Collects what the tests say; a plug-in of pytest."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.outcomes: dict[Key, Outcome] = defaultdict(Outcome)
        self.problem = ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Write on each test what it proves."""
        for item in items:
            item.user_properties += [(_PROPERTY, list(proof)) for proof in proofs_of(item)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take down one outcome."""
        if report.when != "call" and not report.failed and not report.skipped:
            return
        if report.skipped and _does_not_apply(str(report.longrepr)):
            return
        for format_, consumer, how, tool in [
            value for name, value in map(tuple, report.user_properties) if name == _PROPERTY
        ]:
            outcome = self.outcomes[format_, consumer, how]
            outcome.has_failed |= report.failed
            outcome.was_skipped |= report.skipped
            if report.passed:
                outcome.tests.add(report.nodeid.partition("[")[0])
                outcome.tools |= {tool} - {""}

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the file, or compare it."""
        if hasattr(self.config, "workerinput"):
            return
        if self.config.option.proofs:
            if any(outcome.was_skipped or outcome.has_failed for outcome in self.outcomes.values()):
                self.problem = "a proof failed or was skipped: proofs.json was not written"
            else:
                FILE.write_text(text_of(self.outcomes), "utf-8")
        elif self._said() != self._kept() - self._skipped():
            more, less = self._said() - self._kept(), self._kept() - self._skipped() - self._said()
            self.problem = (
                "core/exports/formats/proofs.json is not what these tests say: make proofs; "
                + "; ".join(
                    [f"proven but not there: {key}" for key in sorted(more)]
                    + [f"there but not proven: {key}" for key in sorted(less)]
                )
            )
        if self.problem and not session.exitstatus:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter) -> None:
        """Say what is wrong with the file."""
        if self.problem:
            terminalreporter.write_line(self.problem, red=True)

    def _said(self) -> set[Key]:
        return {key for key, outcome in self.outcomes.items() if outcome.is_proven}

    def _skipped(self) -> set[Key]:
        """What this machine lacks the program for, which is said and counted at the end of the run."""
        return {
            key
            for key, outcome in self.outcomes.items()
            if outcome.was_skipped and not outcome.is_proven and not outcome.has_failed
        }

    def _kept(self) -> set[Key]:
        if not FILE.is_file():
            return set()
        return {(item["format"], item["consumer"], item["how"]) for item in json.loads(FILE.read_text("utf-8"))}


def text_of(outcomes: dict[Key, Outcome]) -> str:
    """Return the text of the file that these outcomes make."""
    found: list[dict[str, Any]] = [
        {
            "format": format_,
            "consumer": consumer,
            "how": how,
            "tools": {tool: consumer_tools.version(tool) for tool in sorted(outcome.tools)},
            "tests": sorted(outcome.tests),
        }
        for (format_, consumer, how), outcome in sorted(outcomes.items())
        if outcome.is_proven
    ]
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _does_not_apply(reason: str) -> bool:
    """Say whether a test was skipped because there was nothing to prove."""
    from core.testing.formats import DOES_NOT_APPLY  # not above: a fault is put into the code before it is loaded

    return DOES_NOT_APPLY in reason


def proofs_of(item: pytest.Item) -> list[tuple[str, str, str, str]]:
    """Return format, consumer, way and tool of everything that a test proves."""
    found = [_checked(item, *mark.args, **mark.kwargs) for mark in item.iter_markers("proof")]
    if item.get_closest_marker("intel"):
        found += [(format_, consumer, REAL, "") for format_, consumer, how, _ in found if how != HOW[0]]
    kit = getattr(item, "cls", None)
    if kit is not None and hasattr(kit, "refuses") and getattr(kit, "format", ""):
        found += [(kit.format, name, "format-checked", "") for name in _consumers(kit.format, kit.options)]
    return found


def _checked(
    item: pytest.Item, format_: str, consumer: str, how: str, tool: str = ""
) -> tuple[str, str, str, str]:
    from core.exports.formats import get_format

    known = {consumer.name for consumer in getattr(get_format(format_), "CONSUMERS", ())}
    if consumer not in known or how not in HOW:
        raise pytest.UsageError(f"{item.nodeid} proves what is not: {format_}, {consumer}, {how}")
    return format_, consumer, how, tool


def _consumers(format_: str, options: dict[str, str]) -> list[str]:
    from core.exports.formats import get_format

    return [
        consumer.name for consumer in getattr(get_format(format_), "CONSUMERS", ()) if consumer.given == options
    ]
