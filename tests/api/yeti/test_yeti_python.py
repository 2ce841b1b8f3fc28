"""The client ``yeti-python``, as it comes from PyPI: what its users do, from the first key to the finished file."""

import hashlib
import json
from collections.abc import Callable, Iterator

import pytest
import yeti.api
import yeti.errors
from served import Api

from core.schemas.instant import SECOND


@pytest.fixture
def python(api: Api) -> Iterator[yeti.api.YetiApi]:
    """Return a client that has given its key."""
    client = yeti.api.YetiApi(api.url)
    client.auth_api_key(api.key("editor"))
    yield client
    client.client.close()


def asked(
    client: yeti.api.YetiApi, api: Api, path: str, body: dict[str, object] | None = None
) -> dict[str, object]:
    """Ask for what the client has no method for, as its documentation says."""
    return json.loads(client.do_request("POST", f"{api.url}/api/v2/{path}", json_data=body))


def test_from_a_key_to_the_finished_file(python: yeti.api.YetiApi, api: Api, work: Callable[[], int]) -> None:
    """Authenticate, add in bulk, tag, define an export, switch it on, run it, fetch what it published."""
    bulk = [
        {"value": "evil1[.]example.com", "type": "guess"},
        {"value": "evil2.example.com", "type": "hostname"},
        {"value": "198.51.100.7", "type": "guess"},
    ]
    added = python.add_observables_bulk(bulk, tags=["c2"])["added"]
    other = python.add_observable("good.example.com", "hostname", tags=["other"])
    python.tag_object(added[2], ["scanner"])
    made = asked(
        python,
        api,
        "tasks/export/new",
        {"export": {"name": "My list", "template_name": "list", "include_tags": ["c2"], "acts_on": ["hostname"]}},
    )
    asked(python, api, "tasks/My list/toggle")
    ran = asked(python, api, "tasks/My list/run")
    work()
    (task,) = asked(python, api, "tasks/search", {"query": {"name": "my list"}})["tasks"]
    content = python.do_request("GET", f"{api.url}/api/v2/tasks/export/{made['id']}/content")

    assert ["hostname", "hostname", "ipv4"] == [item["type"] for item in added]
    assert "good.example.com" == other["value"]
    assert {"status": "ok"} == ran
    assert ("completed", hashlib.sha256(content).hexdigest()) == (task["status"], task["sha256"])
    assert b"evil1.example.com\nevil2.example.com\n" == content


def test_content_of_an_export_that_never_ran(python: yeti.api.YetiApi, api: Api) -> None:
    """It is not found, and said why; Yeti fails."""
    made = asked(python, api, "tasks/export/new", {"export": {"name": "x", "template_name": "list"}})
    with pytest.raises(yeti.errors.YetiApiError) as caught:
        python.do_request("GET", f"{api.url}/api/v2/tasks/export/{made['id']}/content")

    assert 404 == caught.value.status_code
    assert "has published nothing yet" in str(caught.value)


def test_tags(python: yeti.api.YetiApi) -> None:
    """A new tag is found by a part of its name, and among several."""
    made = python.new_tag("testTag", description="test")
    python.new_tag("other")
    found = python.search_tags("stTa")
    several = python.get_multiple_tags(["testTag", "other", "nothing"])

    assert ("testTag", "test") == (made["name"], made["description"])
    assert [made] == found
    assert ["other", "testTag"] == [tag["name"] for tag in several]


def test_observables(python: yeti.api.YetiApi) -> None:
    """One is added without tags, found by value or not at all, and found by a search."""
    made = python.add_observable("google.com", "hostname")
    tagged = python.tag_object(made, ["tag1"])
    found = python.find_observable("google.com", "hostname")
    searched = python.search_observables("google", tags=["tag1"])

    assert [] == made["tags"]
    assert {f"observables/{made['id']}"} == set(tagged["tags"])
    assert None is python.find_observable("yahoo.com", "hostname")
    assert [found] == searched
    assert ["tag1"] == [tag["name"] for tag in found["tags"]]


def test_observable_that_is_none(python: yeti.api.YetiApi) -> None:
    """Another error than that of a key carries the status and the message."""
    with pytest.raises(yeti.errors.YetiApiError) as caught:
        python.add_observable("no address", "ipv4")

    assert 400 == caught.value.status_code
    assert "Failed to add observable" in str(caught.value)


def test_indicators_are_asked_for_to_see_whether_one_is_let_in(python: yeti.api.YetiApi) -> None:
    """There are none."""
    assert [] == python.search_indicators(name="test")


def test_without_a_key_nobody_is_let_in(api: Api) -> None:
    """The client gives up with its own error."""
    client = yeti.api.YetiApi(api.url)
    with pytest.raises(yeti.errors.YetiAuthError) as caught:
        client.search_indicators(name="test")
    client.client.close()

    assert "401 Client Error: Unauthorized for url: " in str(caught.value)


def test_wrong_key_is_refused(api: Api) -> None:
    """The client tries it no more than it must, and gives up."""
    client = yeti.api.YetiApi(api.url)
    with pytest.raises(yeti.errors.YetiAuthError) as caught:
        client.auth_api_key("yeti_00000000_" + "x" * 43)
    client.client.close()

    assert "401 Client Error: Unauthorized for url: " in str(caught.value)


def test_token_that_expired_is_refreshed(python: yeti.api.YetiApi, api: Api) -> None:
    """The client gets another by its key, and goes on."""
    before = python.client.headers["authorization"]
    api.clock.now += 1_801 * SECOND
    found = python.search_indicators(name="test")

    assert [] == found
    assert before != python.client.headers["authorization"]
