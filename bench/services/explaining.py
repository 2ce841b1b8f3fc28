"""Why it is said that something went wrong: each error of a known kind, soon after the death of what it needs."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from bench.services.outcome import Death, Error
from core.schemas.instant import SECOND, Instant

SOON_S = 60
"""So long after a part is there again its death explains what is said: claims run out, and retries have pauses."""

UNDATED: Instant = 0
"""When a line was written that does not say when."""

POSTGRESQL, SEAWEEDFS, TASKS, API = "PostgreSQL", "SeaweedFS", "tasks", "api"


class Known(NamedTuple):
    """A kind of error.

    Attributes:
        where: Where it is said.
        pattern: What is found in what is said.
        what: What that is in the table; ``{event}`` is what comes before the colon.
        why: Its reason.
        parts: The death of one of them makes it so.
        is_late: It may be said any time after: what is lost is found when it is used again.
    """

    where: str
    pattern: str
    what: str
    why: str
    parts: tuple[str, ...]
    is_late: bool = False


_STORE_AWAY = (
    r"the server cannot be reached, or the connection was lost|the server is stopping, starting, or ended the"
    r"|^error connecting in 'pool-"
)
_STORAGE_AWAY = (
    r"s3://\S+: (no connection|no answer in time|the server (is busy or failing|forgot the upload|waited))"
)

KNOWN: tuple[Known, ...] = (
    Known(
        "runs",
        r"^the process that ran it went away$",
        "a run was left behind",
        "its worker was killed, or the database before the end of the run was put down; the job was done again",
        (TASKS, POSTGRESQL),
    ),
    Known("runs", _STORE_AWAY, "a run failed: no database", "the job was done again", (POSTGRESQL,)),
    Known("runs", _STORAGE_AWAY, "a run failed: no storage", "the job was tried again", (SEAWEEDFS,)),
    Known("log of tasks", _STORE_AWAY, "{event}: no database", "it is looked for again", (POSTGRESQL,)),
    Known("log of tasks", _STORAGE_AWAY, "{event}: no storage", "the job was tried again", (SEAWEEDFS,)),
    Known(
        "log of tasks",
        r"^the queue (cannot be used|met a fault)",
        "the queue lost its connection",
        "it is made again",
        (POSTGRESQL,),
    ),
    Known(
        "log of tasks",
        r"^listener error",
        "what listens for wake-ups lost its connection",
        "the queue is looked at every second all the same",
        (POSTGRESQL,),
        is_late=True,
    ),
    Known(
        "log of tasks",
        r"^(update_heartbeats|poll_jobs_to_abort) error|^discarding closed connection",
        "the queue lost its connection",
        "it is made again",
        (POSTGRESQL,),
        is_late=True,
    ),
    Known(
        "log of tasks",
        r"^the queue takes this process for gone",
        "{event}",
        "it could not say for too long that it works; what it runs goes on",
        (POSTGRESQL,),
    ),
    Known("log of tasks", r"^a worker is gone$", "{event}", "its jobs were done by others", (TASKS, POSTGRESQL)),
    Known(
        "log of tasks",
        r"a run that was cut off had |^the removal of .*, which was cut off, is finished$",
        "what a run that was cut off had kept or published is finished or undone",
        "the next run cleaned up after one that was killed",
        (TASKS, POSTGRESQL, SEAWEEDFS),
        is_late=True,
    ),
    Known(
        "log of api",
        f"^request failed: .*({_STORE_AWAY})",
        "{event}: no database",
        "whoever asked was told 503",
        (POSTGRESQL,),
    ),
    Known("log of api", _STORE_AWAY, "{event}: no database", "it is tried again", (POSTGRESQL,)),
    Known(
        "log of api",
        r"^Exception during reset or similar",
        "a connection to the database was lost",
        "another is made",
        (POSTGRESQL,),
        is_late=True,
    ),
    Known("log of api", _STORAGE_AWAY, "{event}: no storage", "whoever asked was told so", (SEAWEEDFS,)),
    Known("log of tasks", r"^\{", "half a line", "it was killed while it wrote", (TASKS,)),
    Known("log of api", r"^\{", "half a line", "it was killed while it wrote", (API,)),
    Known(
        "end of (api|tasks)",
        r"^status 1$",
        "{event}",
        "it was begun without a database, and was begun again until there was one",
        (POSTGRESQL,),
    ),
    Known("reader of the api", r"^HTTP 503$", "{event}", "asked again later", (POSTGRESQL, SEAWEEDFS)),
    Known(
        "reader of the api",
        r"^no answer, or half of one",
        "no answer, or half of one",
        "the process was dead, or what it read from; asked again later",
        (API, SEAWEEDFS),
    ),
    Known("reader of the bucket", r"", "no answer, or an error", "asked again later", (SEAWEEDFS,)),
)


def explain(where: str, text: str, at: Instant, deaths: Sequence[Death]) -> Error:
    """Return an error with its reason; without one if its kind is not known, or nothing had died that makes it so."""
    parts: list[str] = []
    for known in KNOWN:
        if re.fullmatch(known.where, where) and re.search(known.pattern, text):
            if any(_explains(death, known, at) for death in deaths):
                return Error(where, known.what.format(event=text.partition(": ")[0]), known.why)
            parts += known.parts
    return Error(where, f"{text} (though no {' or '.join(parts)} had died)" if parts else text)


def _explains(death: Death, known: Known, at: Instant) -> bool:
    is_kind = death.part.split()[0] in known.parts
    is_soon = known.is_late or at <= death.back_at + SOON_S * SECOND
    return is_kind and (at == UNDATED or (is_soon and death.killed_at <= at))


def said_in(lines: Iterable[str]) -> Iterator[tuple[Instant, str]]:
    """Yield what was said in a log that somebody should look at, and when, or `UNDATED`."""
    for line in lines:
        if not line.strip() or _TALK.match(line):
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            yield UNDATED, line.strip()
            continue
        if entry["level"] in ("warning", "error", "critical"):
            why = entry.get("why") or entry.get("fault") or ""
            at = int(datetime.fromisoformat(entry["time"]).timestamp() * SECOND)
            text = f"{entry['event']}: {why}" if why else str(entry["event"])
            yield at, " ".join(text.split())


_TALK = re.compile(r"listening on http|nobody may change anything yet")
