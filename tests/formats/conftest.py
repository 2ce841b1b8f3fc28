"""What the tests of formats share: consumers' programs, and mutants."""

import consumer_tools
import pytest
from mutant import break_code

break_code()


@pytest.fixture(autouse=True)
def tool(request: pytest.FixtureRequest) -> str:
    """The path of the consumer's program that the test's mark ``proof`` names; without it the test is skipped."""
    found = ""
    for mark in request.node.iter_markers("proof"):
        name = mark.kwargs.get("tool", "")
        if name and name not in consumer_tools.PACKAGES:
            found = consumer_tools.need(name)
    return found
