"""Several processes of the application on one port: begun, begun anew when they die, and ended together."""

import logging
import multiprocessing
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import connection
from typing import TYPE_CHECKING

from core.api import serving
from core.api.figures import SHARED_FOLDER, count_as
from core.stopping import on_signals

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from core.config import Config

SOON_S = 10.0
"""A process that died sooner than this after it began is not begun anew at once."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
_LOOK_EVERY_S = 0.5
_SPARE_S = 5
_log = logging.getLogger(__name__)


class _Place:
    """One of the processes, and the next one in its place when it dies."""

    def __init__(self, begin: "Callable[[], SpawnProcess]") -> None:
        self._begin = begin
        self._pause_s = 0.0
        self._due_at: float | None = None
        self._start()

    def look(self, now: float) -> None:
        """Begin another process where one died, after a pause that doubles as long as they die at once."""
        if self._due_at is None and self.process.exitcode is not None:
            died_soon = now - self._began_at < SOON_S
            self._pause_s = min(LONGEST_PAUSE_S, max(FIRST_PAUSE_S, self._pause_s * 2)) if died_soon else 0.0
            self._due_at = now + self._pause_s
            said = {"status": self.process.exitcode, "in_s": self._pause_s}
            _log.error("a process of api died; another one begins", extra=said)
        if self._due_at is not None and now >= self._due_at:
            self._start()

    def _start(self) -> None:
        self._due_at = None
        self._began_at = time.monotonic()
        self.process = self._begin()


def serve_by_many(config: "Config", listener: socket.socket, processes: int, set_up: Callable[[], None]) -> None:
    """Answer requests by several processes until a signal says to stop; one that dies is begun anew.

    They end with this process, however it ends.

    Args:
        config: The settings.
        listener: Shared by all of them; closed at the end.
        processes: How many.
        set_up: What a new process has to do first: logging, plug-ins.
    """
    context = multiprocessing.get_context("spawn")

    def begin(number: int) -> "SpawnProcess":
        child = context.Process(target=_child, args=(config, listener, set_up, number), name="api")
        child.start()
        return child

    ends = False

    def end() -> None:  # no more than that: a second signal may come in the middle of it
        nonlocal ends
        ends = True

    with _metrics_folder(), on_signals(end):
        places = [_Place(partial(begin, number)) for number in range(processes)]
        try:
            while not ends:
                connection.wait(
                    [place.process.sentinel for place in places if place.process.is_alive()], _LOOK_EVERY_S
                )
                for place in places:
                    if not ends:
                        place.look(time.monotonic())
        finally:
            # While anybody has it open, the system goes on taking connections that nobody would answer.
            listener.close()
            _end([place.process for place in places], config.whole("api.grace_s") + _SPARE_S)


def _end(children: "list[SpawnProcess]", within_s: float) -> None:
    for child in children:
        if child.is_alive():
            child.terminate()
    give_up_at = time.monotonic() + within_s
    for child in children:
        child.join(max(0.0, give_up_at - time.monotonic()))
        if child.exitcode is None:
            _log.error("a process of api did not end, and was killed", extra={"process": child.pid})
            child.kill()
            child.join()


@contextmanager
def _metrics_folder() -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="yeti-metrics-", ignore_cleanup_errors=True) as folder:
        os.environ[SHARED_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[SHARED_FOLDER]


def _child(config: "Config", listener: socket.socket, set_up: Callable[[], None], number: int) -> None:
    set_up()
    count_as(number)
    one = serving.server(config)
    threading.Thread(target=_end_with_parent, args=(one,), name="parent", daemon=True).start()
    with on_signals(one.stop):
        one.run(sockets=[listener])


def _end_with_parent(one: serving.Server) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 - only a child calls this
    connection.wait([parent.sentinel])
    if not one.should_exit:
        _log.error("the process that began this one is gone; ending")
        one.stop()
    # Nobody else removes it any more.
    shutil.rmtree(os.environ.get(SHARED_FOLDER, ""), ignore_errors=True)
