"""Say of runs, jobs and files what is lost, doubled or torn; plain data in, words out."""

from collections import Counter
from collections.abc import Iterable, Sequence

from core.schemas.export import Run, Version
from core.schemas.instant import SECOND, Instant
from core.store import jobs
from core.store.jobs import Job

LEFT_BEHIND = "the process that ran it went away"
"""What a run says that the next one found; when it ended is not known."""

LOST_WHILE_IT_LIVED = "job lost to another worker"
"""What a worker says whose job was taken from it: both ran it."""


def doubled(runs: Sequence[Run], of_jobs: Sequence[Job], versions: Sequence[Version], now: Instant) -> list[str]:
    """Return what was done twice of one export, however it ended."""
    return [*_at_once(runs, now), *_of_one_due_time(runs, of_jobs), *_twice(versions)]


def lost(
    name: str, runs: Sequence[Run], of_jobs: Sequence[Job], *, since: Instant, now: Instant, within_s: int
) -> list[str]:
    """Return what was not done of an export.

    Args:
        name: Of the export.
        runs: All of it, in any order.
        of_jobs: All of it.
        since: All was well from then on.
        now: The present instant.
        within_s: How long what is due may wait, and what runs may run.
    """
    found = []
    if not any(run.status == "completed" and run.started_at >= since for run in runs):
        found.append(f"{name}: it did not run to its end after all was well again")
    for job in of_jobs:
        if job.state == jobs.FAILED:
            found.append(f"{name}: the job {job.id} was given up: {job.message}")
        elif job.state == jobs.CANCELLED:
            found.append(f"{name}: the job {job.id} was cancelled: {job.message}")
        elif job.state == jobs.RUNNING and now - (job.started_at or now) > within_s * SECOND:
            found.append(f"{name}: the job {job.id} is running since long")
        elif job.state == jobs.WAITING and now - job.due_at > within_s * SECOND:
            found.append(f"{name}: the job {job.id} is due since long")
    return found


def torn(contents: Iterable[tuple[str, str, str]], versions: Iterable[Version]) -> list[str]:
    """Return which files that were read are no version: part of one, two mixed, or what nobody published.

    Args:
        contents: Place, name and SHA-256 of what was read.
        versions: Of all exports.
    """
    published = {(file.name, file.sha256) for version in versions for file in version.files}
    return [
        f"{place}: what was read as {name} is no version (SHA-256 {sha256[:12]}…)"
        for place, name, sha256 in sorted(contents)
        if (name, sha256) not in published
    ]


def _at_once(runs: Sequence[Run], now: Instant) -> list[str]:
    found = []
    last: tuple[Instant, Run] | None = None
    for run in sorted(runs, key=lambda run: (run.started_at, run.id)):
        end = run.started_at if run.message == LEFT_BEHIND else run.finished_at or now
        if last is not None and run.started_at < last[0]:
            other = last[1]
            found.append(
                f"{run.export}: two runs at once: {other.id} ({other.status}) and {run.id} ({run.status})"
            )
        if last is None or end > last[0]:
            last = end, run
    return found


def _of_one_due_time(runs: Sequence[Run], of_jobs: Sequence[Job]) -> list[str]:
    found = [
        f"{name}: {number} jobs of one due time"
        for (name, _), number in Counter((job.export, job.due_at) for job in of_jobs).items()
        if number > 1
    ]
    for job in of_jobs:
        # One that was tried again, or whose worker died, may have more than one.
        if job.state != jobs.DONE or job.attempt > 1 or job.started_at is None or job.finished_at is None:
            continue
        mine = [run for run in runs if job.started_at <= run.started_at <= job.finished_at]
        if len(mine) > 1:
            told = " and ".join(f"{run.id} ({run.status})" for run in mine)
            found.append(f"{job.export}: the job {job.id} was run more than once: {told}")
    return found


def _twice(versions: Sequence[Version]) -> list[str]:
    numbers = Counter((version.export, version.number) for version in versions)
    return [f"{name}: version {number} is there twice" for (name, number), times in numbers.items() if times > 1]
