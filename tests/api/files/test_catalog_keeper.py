"""What is known of published files is never older than a fifth of a second, however long a look takes."""

import asyncio
import threading
import time

from core.api.files.catalog import CatalogKeeper


class Keeper(CatalogKeeper):
    """Its looks find their own number; the first one takes until `goes_on` is set."""

    def __init__(self):
        super().__init__(services=None)
        self.goes_on, self.looks = threading.Event(), 0

    def _look(self):
        began = time.monotonic()
        self.looks += 1
        number = self.looks
        if number == 1:
            assert self.goes_on.wait(30)
        self._catalog, self._checked_at = number, began


def test_a_look_that_began_long_ago_does_not_count():
    """Who asks while one goes on that cannot know what has happened since waits for another."""

    async def ask():
        keeper = Keeper()
        first = asyncio.ensure_future(keeper.get())
        await asyncio.sleep(0.3)
        second = asyncio.ensure_future(keeper.get())
        await asyncio.sleep(0)
        keeper.goes_on.set()
        return await second, await first, keeper.looks

    second, _, looks = asyncio.run(ask())

    assert (2, 2) == (second, looks)
