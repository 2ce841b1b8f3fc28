"""For how long a claim has been over that nobody renews, as this process saw it itself.

A store that was away, and a host that slept, leave claims behind that ran out although their workers live.  Whoever
looks first would take them over, and each of these runs would be done twice; so they are given time to be renewed.
"""

import threading
import time
from collections.abc import Callable

from core.exports.lease import is_dead, lives
from core.schemas.instant import Instant

OF_STRANGERS_S = 10.0
"""So long a worker of which nothing is known may take: five of its renewals."""

OF_THE_LIVING_S = 60.0
"""So long one may take whose process lives on this host: one that hangs is not waited for without an end."""

_FORGOTTEN_AFTER_S = 3_600.0


class Silence:
    """What this process saw of claims that ran out; the time while it, or its host, slept does not count."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Know of no claim.

        Args:
            clock: The present time in seconds.
        """
        self._clock = clock
        self._seen: dict[int, tuple[Instant, float]] = {}
        self._lock = threading.Lock()

    def is_over(self, job: int, owner: str, lease_until: Instant) -> bool:
        """Say whether a claim that ran out has been silent for long enough to be another's.

        Args:
            job: Row id of the job.
            owner: Name of the worker.
            lease_until: When its claim ran out; another instant than before is a sign of life.
        """
        now = self._clock()
        with self._lock:
            until, since = self._seen.get(job, (None, now))
            if until != lease_until:
                since = now
                self._seen = {key: seen for key, seen in self._seen.items() if now - seen[1] < _FORGOTTEN_AFTER_S}
                self._seen[job] = (lease_until, now)
        return now - since >= (OF_THE_LIVING_S if lives(process_of(owner)) else OF_STRANGERS_S)


def is_gone(name: str) -> bool:
    """Say whether the process of the worker *name* surely is gone; of another host's nothing is known."""
    return is_dead(process_of(name))


def process_of(name: str) -> str:
    """Return the name of the process that the worker *name* is of."""
    return name.rpartition("@")[2]
