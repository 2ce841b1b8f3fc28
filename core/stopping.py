"""What a signal to stop does, for the time of a block."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call *stop* at every SIGTERM and Ctrl-C during a block, in place of what they do otherwise.

    Only for the main thread; *stop* is called between two steps of it, so that it may do little and wait for nothing:
    not for a lock either, such as a `threading.Event` has, which the main thread may just hold.
    """
    before = {number: signal.signal(number, lambda *_: stop()) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
