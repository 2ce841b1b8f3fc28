"""Lists that are published and served."""

import pytest
from publishing import Publisher, addresses
from served import Api

VALUES = addresses(1_000)


@pytest.fixture
def publisher(api: Api) -> Publisher:
    """Publish to an installation that is served."""
    return Publisher(api)


@pytest.fixture
def c2(publisher: Publisher) -> bytes:
    """A list of a thousand addresses, published as ``c2.txt``."""
    return publisher.publish("c2", VALUES)


@pytest.fixture
def token(publisher: Publisher, c2: bytes) -> str:
    """The token of a consumer that may fetch it."""
    return publisher.consumer("firewall", "c2")
