"""Somebody who may do everything, observables, and the service that runs what is asked for."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from served import Api

from core.tasks.worker import Worker

HOSTS = {
    "asd1.com": ["c2", "legit"],
    "asd2.com": ["c2"],
    "asd3.com": ["c2", "exclude"],
    "asd4.com": ["legit"],
    "asd5.com": [],
    "127.0.0.1": [],
}


@pytest.fixture
def client(api: Api) -> Iterator[httpx.Client]:
    """Return a client of an admin, whose paths are those below ``/api/v2``."""
    with api.client() as client:
        client.base_url = f"{api.url}/api/v2/"
        yield client


@pytest.fixture
def anybody(api: Api) -> Iterator[Callable[[str | None], httpx.Client]]:
    """Return a function that gives a client of a role, or of nobody."""
    made: list[httpx.Client] = []

    def make(role: str | None) -> httpx.Client:
        client = api.client(role)
        client.base_url = f"{api.url}/api/v2/"
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def hosts(client: httpx.Client) -> dict[str, str]:
    """Put in some hosts with tags, all at once, and return their ids by value."""
    observables = [{"value": value, "type": "guess", "tags": tags} for value, tags in HOSTS.items()]
    answer = client.post("observables/bulk", json={"observables": observables})
    assert 200 == answer.status_code, answer.text
    return {item["value"]: item["id"] for item in answer.json()["added"]}


@pytest.fixture
def template(client: httpx.Client) -> str:
    """Keep a template that prints values between two lines, and return its name."""
    text = "<blah>\n{% for obs in data %}{{ obs.value }}\n{% endfor %}\n</blah>"
    answer = client.post("templates/", json={"template": {"name": "FakeTemplate", "template": text}})
    assert 200 == answer.status_code, answer.text
    return "FakeTemplate"


@pytest.fixture
def work(api: Api) -> Callable[[], int]:
    """Return a function that does what the service ``tasks`` would do now, and says how many jobs that were."""
    worker = Worker(api.services.open_store, api.services.settings, clock=api.clock)

    def run() -> int:
        number = 0
        with api.services.store() as store:
            while worker.work(store):
                number += 1
        return number

    return run


@pytest.fixture
def published(api: Api) -> Callable[[str], list[str]]:
    """Return a function that reads the lines of a published file."""
    return lambda name: (Path(api.services.settings.export_path) / name).read_text().split()


@pytest.fixture
def export(client: httpx.Client) -> Callable[..., dict[str, object]]:
    """Return a function that defines an export: ``export("x", enabled=True)``."""

    def make(name: str, template_name: str = "list", **fields: object) -> dict[str, object]:
        answer = client.post(
            "tasks/export/new", json={"export": {"name": name, "template_name": template_name, **fields}}
        )
        assert 200 == answer.status_code, answer.text
        found: dict[str, object] = answer.json()
        return found

    return make
