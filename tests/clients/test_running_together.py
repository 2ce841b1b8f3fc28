"""What the kit runs at once: threads and children that hang or fail say where."""

import threading
import time
from pathlib import Path

import pytest

from core.testing.together import at_once, in_child, in_children


def test_threads_that_hang_fail_with_their_stacks():
    """A call that never ends fails the test after the time given, and shows where it hangs."""
    never = threading.Event()

    def hang_here(number: int) -> None:
        if number:
            never.wait()

    began = time.monotonic()
    with pytest.raises(AssertionError, match=r"2 of 3 threads hang after 0.2 s(.|\n)*in hang_here"):
        at_once(hang_here, 3, within_s=0.2)

    assert time.monotonic() - began < 5
    assert [thread.daemon for thread in threading.enumerate() if "(call)" in thread.name] == [True, True]
    never.set()


def test_a_child_tells_why_it_failed():
    """The traceback of a child is in what an assertion about it shows, however long, and whatever was raised."""

    def fail_here() -> None:
        pytest.fail("x" * 100_000 + "the reason")

    said = in_child(fail_here)

    assert said == "failed"
    assert said.why.endswith("the reason\n")
    with pytest.raises(AssertionError, match="the reason"):
        assert said == "done", f"the child {said!r}"


def test_children_are_told_apart():
    """Of several children each has its own outcome; one that is done has nothing to tell."""

    def run(number: int) -> None:
        if number == 1:
            raise KeyError("one")

    said = in_children(run, 3)

    assert said == ["done", "failed", "done"]
    assert [outcome.why for outcome in said][::2] == ["", ""]
    assert "KeyError: 'one'" in said[1].why


def test_no_end_of_a_pipe_stays_open():
    """Asking for the outcome closes what the child told it by."""
    before = set(Path("/proc/self/fd").iterdir())
    in_child(lambda: None)

    assert set(Path("/proc/self/fd").iterdir()) == before
