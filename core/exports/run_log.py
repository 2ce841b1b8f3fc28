"""Collect what one run logs, to be kept with it, whatever goes to standard error."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from core.log import plain_text
from core.store.run_lines import RunLine

MOST_LINES = 500
"""Of a run that says more, the last line says how many more there were."""

_ROOT = logging.getLogger("core")


class _Collector(logging.Handler):
    """Takes down what this thread logs; runs of other threads have collectors of their own."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[RunLine] = []
        self.dropped = 0
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread != self._thread:
            return
        if len(self.lines) >= MOST_LINES:
            self.dropped += 1
            return
        moment = int(record.created * 1_000_000)
        self.lines.append(RunLine(moment, record.levelname.lower(), plain_text(record, with_bound=False)))


@contextmanager
def collected() -> Iterator[list[RunLine]]:
    """Give, for a block, the lines that this thread logs in it, redacted; complete when the block ends."""
    collector = _Collector()
    level = _ROOT.level
    _ROOT.addHandler(collector)
    if _ROOT.getEffectiveLevel() > logging.INFO:
        _ROOT.setLevel(logging.INFO)  # what is shown is decided where it is shown
    try:
        yield collector.lines
    finally:
        _ROOT.removeHandler(collector)
        if not any(isinstance(handler, _Collector) for handler in _ROOT.handlers):
            _ROOT.setLevel(level)
        if collector.dropped:
            last = collector.lines[-1]
            collector.lines.append(RunLine(last.logged_at, "info", f"{collector.dropped:,} more lines"))
