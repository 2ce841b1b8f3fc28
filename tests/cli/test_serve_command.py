"""``yetictl serve``: how one of the two services ends when the other does, or when a signal comes."""

import signal
import time

import pytest

from core.api import serving
from core.tasks.service import TaskService


class Api:
    """In place of what answers requests: it does what a test says while it runs, and is told to stop as uvicorn is."""

    def __init__(self, act):
        self.act, self.stops, self.should_exit = act, 0, False

    def stop(self):
        self.stops += 1

    def run(self, sockets):
        self.act(self)


@pytest.fixture
def serve(yetictl, monkeypatch):
    """Run ``serve`` with such an api; returns that, and how often ``tasks`` was told to stop."""

    def call(act, status):
        api, stops, stop = Api(act), [], TaskService.stop

        def stopping(service):
            stops.append(service)
            stop(service)

        monkeypatch.setattr(serving, "server", lambda config: api)
        monkeypatch.setattr(TaskService, "stop", stopping)
        yetictl("serve", "--port", "0", status=status)
        return api, len(stops)

    return call


def test_tasks_ends_when_the_api_ends_by_itself(serve):
    """Half of the work would be done, and nobody be told: whoever looks after services begins it anew."""
    api, stops = serve(lambda api: None, status=1)

    assert (0, 1) == (api.stops, stops)


@pytest.mark.parametrize("signals", [1, 2])
def test_both_hear_each_signal(serve, signals):
    """One lets runs end, as long as they may; a second one does not: so that none may count twice."""
    api, stops = serve(lambda api: [signal.raise_signal(signal.SIGTERM) for _ in range(signals)], status=0)

    assert (signals, signals) == (api.stops, stops)


def test_the_api_ends_when_tasks_ends_by_itself(serve, monkeypatch):
    """It is told as uvicorn wants to be told."""
    monkeypatch.setattr("core.tasks.service.loops", lambda crew: [lambda: None])

    def wait(api):
        while not api.should_exit:
            time.sleep(0.05)

    api, stops = serve(wait, status=1)

    assert (0, 1) == (api.stops, stops)
