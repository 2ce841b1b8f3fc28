"""Calls made by another thread, in order, while this one goes on."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec

P = ParamSpec("P")

MOST_WAITING = 8
"""Calls that may wait; bounds the memory that their arguments hold."""


@contextmanager
def behind(function: Callable[P, None]) -> Iterator[Callable[P, None]]:
    """Give a function that has *function* called later, by one other thread, in the order of the calls.

    What a call raises is raised by a later call, or by the end of the block; the calls behind it are not made.
    """
    waiting: deque[Future[None]] = deque()
    has_failed = False

    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        nonlocal has_failed
        if has_failed:
            return
        try:
            function(*args, **kwargs)
        except BaseException:
            has_failed = True
            raise

    def later(*args: P.args, **kwargs: P.kwargs) -> None:
        waiting.append(helper.submit(call, *args, **kwargs))
        if len(waiting) > MOST_WAITING:
            waiting.popleft().result()

    with ThreadPoolExecutor(1) as helper:
        try:
            yield later
            while waiting:
                waiting.popleft().result()
        finally:
            helper.shutdown(cancel_futures=True)
