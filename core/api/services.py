"""What the routes share: stores, settings, what makes tokens, a clock."""

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from core.accounts.tokens import Tokens, tokens_of
from core.config import Config
from core.exports.settings import Settings, settings_of
from core.schemas.instant import Instant
from core.store import Store, open_store
from core.store.health import check_schema

if TYPE_CHECKING:
    from core.api.figures import Figures
    from core.api.readiness import Readiness


_MOST_IDLE = 8
"""Stores that are kept open while nobody needs them; each is a connection or two."""


class Services:
    """One for a process; routes find it as ``request.app.state.services``."""

    def __init__(self, config: Config, *, clock: Callable[[], Instant] = lambda: time.time_ns() // 1_000) -> None:
        """Keep the settings; the store is opened on first use."""
        self.config = config
        self.settings: Settings = settings_of(config)
        self._clock = clock
        self._idle: queue.LifoQueue[Store] = queue.LifoQueue(_MOST_IDLE)

    @property
    def now(self) -> Instant:
        """The present instant."""
        return self._clock()

    @cached_property
    def tokens(self) -> Tokens:
        """What makes and reads the tokens of this installation."""
        with self.store() as store:
            return tokens_of(store, self.config["auth.secret_key"], self.now)

    @cached_property
    def readiness(self) -> "Readiness":
        """Whether this process can do its work."""
        from core.api.readiness import Readiness

        return Readiness(self)

    @cached_property
    def figures(self) -> "Figures":
        """What is counted for Prometheus."""
        from core.api.figures import Figures

        return Figures(self)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Lend a store for a block: one that is idle, or another one.

        Raises:
            StoreSchemaError: A newer version has upgraded it, and this one may not use it.
            StoreError: It cannot be opened.
        """
        try:
            store = self._idle.get_nowait()
        except queue.Empty:
            store = self.open_store()
        try:
            # At each request, it takes 0.05 ms: what is taken in a second too late may be taken wrongly.
            check_schema(store)
            yield store
        finally:
            try:
                self._idle.put_nowait(store)
            except queue.Full:
                store.close()

    def open_store(self) -> Store:
        """Open a store of one's own."""
        lifetime_s = self.config.whole("tag.default_tag_expiration") * 86_400
        return open_store(self.config["database.url"], lifetime_s=lifetime_s)

    def close(self) -> None:
        """Close the stores that are idle."""
        while not self._idle.empty():
            self._idle.get_nowait().close()
