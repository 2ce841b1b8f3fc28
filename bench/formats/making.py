"""Make the files of one format from a store, in a process of its own: ``python -m bench.formats.making …``.

It prints one JSON object: seconds from opening the store to the last finished file, entries, bytes, and the most
memory that the process had.
"""

import json
import resource
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.formats.cases import Case, words_of
from bench.store import LATER, settings_of, store_of
from core.exports.candidate import job_of
from core.exports.formats import get_format
from core.exports.kept_memory import KeptMemory
from core.exports.render import render
from core.schemas.export import ExportDefinition


@dataclass(frozen=True, slots=True)
class Made:
    """What it took."""

    seconds: float
    entries: int
    refused: int
    size_bytes: int
    peak_mib: float


def make(folder: Path, case: Case, times: int) -> Made:
    """Make the files as often as that, and return what the fastest took."""
    form = get_format(case.format)
    definition = ExportDefinition(
        name="bench",
        file_name=getattr(form, "FILE_NAME", "") or f"bench{form.SUFFIX}",
        format=case.format,
        options=dict(words_of(case.options)),
    )
    best, rendered = float("inf"), None
    for _ in range(times):
        with TemporaryDirectory(dir=folder) as spool:
            began = time.perf_counter()
            with store_of(folder, case.store) as store, store.snapshot() as snapshot:
                job = job_of(store, definition, LATER)
                selected = snapshot.count(job.selection, LATER)
                memory = KeptMemory(store, snapshot, definition.name, job, keeps=False)
                rendered = render(snapshot, job, selected, Path(spool), settings_of(folder), memory=memory)
            best = min(best, time.perf_counter() - began)
    assert rendered is not None
    return Made(
        best,
        rendered.entries,
        rendered.refused,
        sum(file.size_bytes for file in rendered.files),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def main() -> None:
    """Read the words of a command, and print what was measured."""
    folder, format_, options, store, times = sys.argv[1:]
    print(json.dumps(asdict(make(Path(folder), Case(format_, options, store), int(times)))))


if __name__ == "__main__":
    main()
