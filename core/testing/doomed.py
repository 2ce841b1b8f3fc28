"""A write by a process that dies in the middle of it, at a moment that can be named again.

A commit is cut at its calls to the outside (files, locks, sockets), which a profile function counts, in all threads
that were begun since the writer was opened: the same number is the same moment each time, or much the same where
threads take turns.  Only what Python itself calls is seen, and not what a library in another language does by itself
or in threads of its own: such a commit is cut between the calls to that library.

``python -m core.testing.doomed PATH SIZE MOMENT [FOLDER]`` does it in a fresh process, for clients that cannot be used
after a fork; FOLDER is where drop-in clients are.
"""

import itertools
import os
import signal
import sys
import threading
from typing import Any

from core.clients.persistient_storage import get_client, registry
from core.clients.persistient_storage.storage import Storage

BEGUN, WRITTEN, COUNT, LOOK = "begun", "written", "count", "look"
"""Moments: the writer is open; all is written; none, but print how many there are in the commit; only read."""

NOT_SEEN = 3
"""Exit status of a process that does not see what its parent has stored."""

_OUTSIDE = frozenset({"posix", "fcntl", "_io", "_socket", "_ssl", "select", "sqlite3", "_sqlite3"})


def contents(size_bytes: int) -> bytes:
    """Return what is written."""
    return b"new content 789\n" * (size_bytes // 16)


def write(path: str, size_bytes: int, moment: str) -> int:
    """Write file.txt and die at the *moment*, which is one of those above or the number of an outside call.

    Returns:
        How many calls to the outside the commit made, where it was not cut.
    """
    storage = Storage(get_client(path))
    numbers, calls, is_committing = itertools.count(1), 0, False

    def count(_frame: Any, event: str, called: Any) -> None:
        nonlocal calls
        if event == "c_call" and is_committing and _is_outside(called):
            number = next(numbers)  # in one step, whichever thread it is
            calls = max(calls, number)
            if moment == str(number):
                _die()

    threading.setprofile(count)  # of threads that begin from now on
    with storage.open_writer("file.txt") as file:
        if moment == BEGUN:
            _die()
        data = contents(size_bytes)
        for start in range(0, len(data), 1 << 20):
            file.write(data[start : start + (1 << 20)])
        if moment == WRITTEN:
            _die()
        is_committing = True
        sys.setprofile(count)
    sys.setprofile(None)
    threading.setprofile(None)
    return calls


def _is_outside(called: Any) -> bool:
    owner = getattr(called, "__self__", None)
    module = getattr(called, "__module__", None) or type(owner).__module__
    return module in _OUTSIDE


def _die() -> None:
    sys.setprofile(None)
    os.kill(os.getpid(), signal.SIGKILL)


def _main(path: str, size: str, moment: str, folder: str | None = None) -> int:
    if folder:
        registry.use_plugins_path(folder)
    if moment == LOOK:
        try:
            return 0 if get_client(path).get_file("file.txt") == "old" else NOT_SEEN
        except FileNotFoundError:
            return NOT_SEEN
    sys.stdout.write(str(write(path, int(size), moment)))
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
