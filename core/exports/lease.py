"""Hold the right to run one export while it runs.

The right is a row of the store with a time limit (``core.store.leases``).  A thread renews it, with a connection of
its own, so that a long upload does not lose it.  A claim whose process is known to be gone is not waited for.
"""

import hashlib
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import ExportBusy, NotFound, StoreError
from core.schemas.instant import Instant
from core.store import leases

if TYPE_CHECKING:
    from core.store import Store

_log = logging.getLogger(__name__)

RENEW_EVERY_S = leases.LEASE_S / 4


class Clock:
    """The time of a run: the instant it was started with, and what has passed since."""

    def __init__(self, start: Instant) -> None:
        self.start = start
        self._began_ns = time.monotonic_ns()
        self._wall_began_ns = time.time_ns()

    @property
    def now(self) -> Instant:
        """The present instant."""
        return self.start + (time.monotonic_ns() - self._began_ns) // 1_000

    @property
    def of_others(self) -> Instant:
        """The present instant as other processes see it: the host may have slept, or its clock been set, meanwhile."""
        return self.start + (time.time_ns() - self._wall_began_ns) // 1_000


@contextmanager
def held(store: "Store", name: str, clock: Clock) -> Iterator[leases.Lease]:
    """Give the lease of the export *name* for a block, renewed as long as that lasts.

    Raises:
        NotFound: There is no such export.
        ExportBusy: Another process runs it.
    """
    lease = leases.claim(store, name, owner(), clock.now, is_dead=is_dead)
    stop = threading.Event()
    thread = threading.Thread(target=_renew, args=(store, lease, clock, stop), daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        stop.set()
        thread.join()
        leases.release(store, lease)


def owner() -> str:
    """Return a name for this process that no other one has, now or later: host, process, and when that began."""
    return f"{_host()}:{os.getpid()}:{_began(os.getpid())}"


def is_dead(claimed_by: str) -> bool:
    """Say whether the process of that name surely is gone; of another host's nothing is known."""
    parts = claimed_by.rsplit(":", 2)
    # A name without boot and container is of a version that knew one host only.
    if len(parts) != 3 or parts[0] not in (_host(), socket.gethostname()) or not parts[1].isdigit():
        return False
    process, began = int(parts[1]), parts[2]
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return bool(began) and _began(process) != began


def lives(claimed_by: str) -> bool:
    """Say whether the process of that name surely lives: one of this host, whose numbers mean something here."""
    return claimed_by.rsplit(":", 2)[0] == _host() and not is_dead(claimed_by)


def was_before_boot(claimed_by: str) -> bool:
    """Say whether a process of that name ran before this host was started last, if it was of this host.

    Of use for what lies on a disk of the host; elsewhere another one may have the same name.
    """
    name, boot = _host().rsplit("-", 2)[:2]
    parts = claimed_by.rsplit(":", 2)[0].rsplit("-", 2)
    return len(parts) == 3 and parts[0] == name and parts[1] != boot


@lru_cache(maxsize=1)
def _host() -> str:
    """Return a name for what process numbers mean something in: name of the host, its boot, its container.

    The name alone would not do: containers, and clones of a machine, may have one.
    """
    boot = namespace = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
        namespace = str(Path("/proc/self/ns/pid").readlink())
    return "-".join(
        [socket.gethostname(), *(hashlib.sha256(sign.encode()).hexdigest()[:6] for sign in (boot, namespace))]
    )


def _began(process: int) -> str:
    """Return when a process began, in the kernel's own unit; empty where the system does not say."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return fields[19] if len(fields) > 19 and fields[0] != "Z" else ""


def _renew(store: "Store", lease: leases.Lease, clock: Clock, stop: threading.Event) -> None:
    while not stop.wait(RENEW_EVERY_S):
        try:
            with store.another() as own:
                leases.renew(own, lease, clock.of_others)
        except (ExportBusy, NotFound):
            return  # the run finds out before it publishes; or the export has just got another name
        except StoreError:
            continue  # busy for once; the next time is in a quarter of the limit
        except Exception as error:  # without this thread the run would lose its claim
            _log.error("a claim could not be renewed", extra={"fault": f"{type(error).__name__}: {error}"})
