"""An export of a hundred addresses that tests of versions begin with; some have their own instead."""

import pytest
from export_samples import LATER, feed

from core.exports.run import run_export


@pytest.fixture
def export(define):
    """An export of addresses."""
    return define("x", format="list")


@pytest.fixture
def run(store, settings):
    """Run it, at a time of one's own."""
    return lambda now=LATER, **fields: run_export(store, "x", settings, now=now, **fields)


@pytest.fixture
def lines(published):
    """The values that are published."""
    return lambda: published("x.txt").decode().split()


@pytest.fixture
def shrink(fill):
    """Let the feed shrink: only the first so many of a hundred stay."""
    return lambda left, now: fill(*feed(100, first=left + 1, valid_until=now - 1), now=now - 1)


@pytest.fixture
def hundred(export, fill, run):
    """A hundred addresses are published."""
    fill(*feed(100))
    assert "completed" == run().status
