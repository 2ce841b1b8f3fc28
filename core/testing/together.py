"""Run things at once: in threads that start together, in a child process."""

import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

_TOGETHER_WITHIN_S = 60
_LONGEST_WHY_BYTES = 16 << 10  # less than a pipe holds: a child that tells why it failed waits for nobody


class Outcome(str):
    """What became of a child: ``done``, ``failed``, ``killed`` (it did that itself), or ``hangs``.

    Attributes:
        why: The traceback of what went wrong in it; empty if it told nothing.
    """

    __slots__ = ("why",)
    why: str

    def __new__(cls, word: str, why: str = "") -> "Outcome":
        outcome = super().__new__(cls, word)
        outcome.why = why
        return outcome

    def __repr__(self) -> str:
        return super().__repr__() + (f"\n{self.why}" if self.why else "")


@dataclass(frozen=True, slots=True)
class Child:
    """A forked child, and the end of the pipe by which it tells what went wrong."""

    process: int
    told: int


def at_once(run: Any, count: int, within_s: float = _TOGETHER_WITHIN_S) -> list[Any]:
    """Call *run* with 0, 1, 2, … in threads that start together; return what they returned.

    Threads that hang after *within_s* fail the test, with their stacks; nobody waits for them any more.
    """
    barrier, results, errors = threading.Barrier(count), [None] * count, []

    def call(number: int) -> None:
        try:
            barrier.wait(within_s)
            results[number] = run(number)
        except Exception as error:  # shown by the test
            errors.append(error)

    threads = [threading.Thread(target=call, args=(number,), daemon=True) for number in range(count)]
    deadline = time.monotonic() + within_s
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    stacks = _stacks(threads)
    assert not stacks, f"{len(stacks)} of {count} threads hang after {within_s} s:\n" + "\n".join(stacks)
    assert errors == []
    return results


def _stacks(threads: list[threading.Thread]) -> list[str]:
    """Return where those threads are that are still running."""
    frames = sys._current_frames()
    running = [thread for thread in threads if thread.is_alive()]
    return [
        f"{thread.name}:\n{''.join(traceback.format_stack(frames[thread.ident]))}"
        for thread in running
        if thread.ident in frames
    ]


def in_child(run: Any, within_s: float = 30) -> Outcome:
    """Run it in a forked child; say what became of that."""
    return outcome_of(forked(run), within_s)


def in_children(run: Any, count: int, within_s: float = 60) -> list[Outcome]:
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


def forked(run: Any) -> Child:
    """Run it in a forked child, and return that at once; `outcome_of` has to be asked of it."""
    told, telling = os.pipe()
    with _no_fork_warning():
        process = os.fork()
    if process == 0:
        status = 1
        try:
            run()
            status = 0
        except BaseException:  # an assertion in the child is one of pytest's own, too
            os.write(telling, traceback.format_exc().encode(errors="replace")[-_LONGEST_WHY_BYTES:])
        finally:
            os._exit(status)
    os.close(telling)
    return Child(process, told)


def outcome_of(child: Child, within_s: float) -> Outcome:
    """Say what became of a child; then it is no more."""
    try:
        word = _word_of(child.process, within_s)
        os.set_blocking(child.told, False)  # children of its own may still hold the other end
        with suppress(BlockingIOError):
            return Outcome(word, os.read(child.told, _LONGEST_WHY_BYTES).decode(errors="replace"))
        return Outcome(word)
    finally:
        os.close(child.told)


def _word_of(process: int, within_s: float) -> str:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return "done" if code == 0 else "killed" if code == -signal.SIGKILL else "failed"
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return "hangs"


@contextmanager
def _no_fork_warning() -> Iterator[None]:
    # Newer Pythons warn about forking while there are threads; a client must bear just that.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
