"""A collection, and a client for it."""

import pytest
from publishing import Publisher, addresses
from served import served_installation
from taxii2client.v21 import Server

VALUES = addresses(25)
MEDIA = "application/taxii+json;version=2.1"


@pytest.fixture(scope="module")
def publisher(tmp_path_factory, databases):
    """One installation for the tests of a file."""
    with served_installation(tmp_path_factory.mktemp("served"), databases) as api:
        yield Publisher(api)


@pytest.fixture(scope="module")
def token(publisher):
    """The token of a consumer of ``c2``, a list of twenty-five addresses."""
    publisher.publish("c2", VALUES, description="for the SIEM")
    return publisher.consumer("siem", "c2")


@pytest.fixture
def collection(publisher, token):
    """The collection, as a client sees it."""
    server = Server(f"{publisher.api.url}/taxii2/", user="siem", password=token)
    (found,) = server.default.collections
    return found


@pytest.fixture
def ask(publisher, token):
    """Ask for a path below the API root."""

    def get(path="", *, method="GET", headers=None, **query):
        with publisher.client(token) as client:
            url = f"/taxii2/api/{path}"
            return client.request(method, url, params=query, headers={"Accept": MEDIA} | (headers or {}))

    return get
