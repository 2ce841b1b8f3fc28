"""Calls made by another thread, in order."""

import threading

import pytest

from core.behind import MOST_WAITING, behind


def test_calls_are_made_in_order_by_another_thread():
    """Everything that was asked for is done, in order, by the end of the block."""
    done, threads = [], set()

    def step(number):
        threads.add(threading.get_ident())
        done.append(number)

    with behind(step) as later:
        for number in range(100):
            later(number)

    assert list(range(100)) == done
    assert 1 == len(threads)
    assert threading.get_ident() not in threads


def test_error_ends_the_block_and_what_stands_behind_it():
    """The first error is raised at the latest by the end of the block; no call behind it is made."""
    done = []

    def step(number):
        if number == 3:
            raise ValueError("three")
        done.append(number)

    with pytest.raises(ValueError, match="three"), behind(step) as later:  # noqa: PT012
        for number in range(100):
            later(number)

    assert [0, 1, 2] == done


def test_error_in_the_block_is_the_one_that_is_raised():
    """A block that fails by itself says so, and leaves no thread behind."""
    before = threading.active_count()

    with pytest.raises(KeyError), behind(lambda: None) as later:  # noqa: PT012
        later()
        raise KeyError("own")

    assert before == threading.active_count()


def test_few_calls_wait():
    """Whoever asks for more than can be done waits, so that memory is bounded."""
    gate, begun = threading.Event(), threading.Semaphore(0)
    asked = []

    def ask():
        with behind(gate.wait) as later:
            for number in range(50):
                later(10)
                asked.append(number)
                begun.release()

    thread = threading.Thread(target=ask)
    thread.start()
    for _ in range(MOST_WAITING):
        assert begun.acquire(timeout=10)
    assert len(asked) <= MOST_WAITING + 1
    gate.set()
    thread.join(10)

    assert 50 == len(asked)
