"""A collection, and a client for it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "files"))

from publishing import Publisher, addresses

VALUES = addresses(25)


@pytest.fixture
def publisher(api):
    """Publish to an installation that is served."""
    return Publisher(api)


@pytest.fixture
def token(publisher):
    """The token of a consumer of ``c2``, a list of twenty-five addresses."""
    publisher.publish("c2", VALUES, description="for the SIEM")
    return publisher.consumer("siem", "c2")
