"""What was measured as a page of docs/reference."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import datetime

from bench.services.tables import Table
from bench.storage.environments import ROOT
from bench.storage.pages import markdown

PAGE = ROOT / "docs" / "reference" / "service-benchmarks.md"

_INTRODUCTION = """\
# Services, measured

<!-- Written by `python -m bench.services --page`. -->

`make soak` measures them again in some ten minutes; `make soak ARGS=--quick` is for a look.
It fails if a run is lost or doubled, if a file is torn, or if an error has no reason.

Measured {when} on {cpus} cores, {kernel}, Python {python}, over the loopback interface: whoever asks, whoever
answers, the database and the storage share these cores.
{versions}.
"""

_MEANT = {
    "load": """\
## Load

`wrk` asks the two processes of `api` for one published file: 32 connections whether it changed, which it did not,
and 4 for all of it, after some seconds that do not count; nginx serves the same file from the same disk beside it.
Memory is that of the largest process of the server.
""",
    "due": """\
## Exports due at once

All are due at one instant, while the workers begin; each has entries of its own, and publishes them to a folder.
""",
    "faults": """\
## Faults

PostgreSQL, SeaweedFS, each `tasks` and each `api` are killed in turn (SIGKILL), and begun again after some seconds,
over and over, while exports run every five seconds, observables come in, and files are read from `api` and from the
bucket all the time; then all is left alone until each export has run once more.

Lost is an export that did not, and a job that was given up or that nobody has; doubled are two runs of one export at
once, whatever became of them, two for one due time, and a version that is there twice; torn is what was read whole and
is no version, or not what its ETag says, and what was there and was not any more.
Every run that failed, every line of a log that warns or worse, and every request in vain is an error; it has a reason
if it is of a known kind, and what it needs had died.
""",
}


def page(found: Mapping[str, Sequence[Table] | str], versions: Mapping[str, str], now: datetime) -> str:
    """Return the page: of each step its tables, or why it could not be measured."""
    lines = [
        _INTRODUCTION.format(
            when=f"{now:%Y-%m-%d}",
            cpus=os.cpu_count(),
            kernel=platform.system(),
            python=platform.python_version(),
            versions=", ".join(f"{name} {version}" for name, version in versions.items()),
        )
    ]
    for step, tables in found.items():
        lines.append(_MEANT[step])
        if isinstance(tables, str):
            lines.append(f"Not measured: {tables}.\n")
            continue
        for table in tables:
            lines += [f"### {table.heading[0].upper()}{table.heading[1:]}\n", *markdown(table.rows), ""]
    return "\n".join(lines)
