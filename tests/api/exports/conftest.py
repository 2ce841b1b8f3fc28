"""An installation that is served, and who asks there."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from desk import Desk
from served import Api


@pytest.fixture
def desk(make_api: Callable[..., Api]) -> Iterator[Desk]:
    """Serve an installation without observables, and without exports."""
    api = make_api()
    with ExitStack() as stack:
        clients = [stack.enter_context(api.client(role)) for role in ("reader", "editor", "admin")]
        yield Desk(api, *clients)
