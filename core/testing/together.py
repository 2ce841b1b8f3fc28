"""Run things at once: in threads that start together, in a child process."""

import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.errors import StorageError


def at_once(run: Any, count: int) -> list[Any]:
    """Call *run* with 0, 1, 2, … in threads that start together; return what they returned."""
    barrier, results, errors = threading.Barrier(count), [None] * count, []

    def call(number: int) -> None:
        barrier.wait()
        try:
            results[number] = run(number)
        except Exception as error:  # shown by the test
            errors.append(error)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    return results


def in_child(run: Any, within_s: float = 30) -> str:
    """Run it in a forked child; say ``done``, ``failed``, or ``hangs``."""
    return outcome_of(forked(run), within_s)


def in_children(run: Any, count: int, within_s: float = 60) -> list[str]:
    """Call *run* with 0, 1, 2, … in forked children that start together; say of each what `in_child` says."""
    waiting, starting = os.pipe()

    def started(number: int) -> None:
        os.close(starting)
        os.read(waiting, 1)  # ends for all at once, when the parent closes the other end
        run(number)

    children = [forked(lambda number=number: started(number)) for number in range(count)]
    os.close(starting)
    os.close(waiting)
    return [outcome_of(child, within_s) for child in children]


def forked(run: Any) -> int:
    """Run it in a forked child, and return that at once."""
    with _no_fork_warning():
        child = os.fork()
    if child == 0:
        status = 1
        try:
            run()
            status = 0
        except (StorageError, OSError):
            pass
        finally:
            os._exit(status)
    return child


def outcome_of(child: int, within_s: float) -> str:
    """Say of a child ``done``, ``failed``, ``killed`` (it did that itself), or ``hangs``; then it is no more."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return "done" if code == 0 else "killed" if code == -signal.SIGKILL else "failed"
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hangs"


@contextmanager
def _no_fork_warning() -> Iterator[None]:
    # Newer Pythons warn about forking while there are threads; a client must bear just that.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
