"""Who may ask for what: every route of the description, asked by everybody."""

import re
from collections.abc import Callable
from contextlib import closing

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from publishing import Publisher, addresses
from served import PASSWORD, Api

from core.accounts import accounts, consumers
from core.api.openapi import PERMISSION
from core.schemas.instant import SECOND
from core.store import consumers as kept_consumers

OPEN = {
    ("POST", "/api/v2/auth/token"),
    ("POST", "/api/v2/auth/api-token"),
    ("GET", "/api/v2/system/config"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
}
"""What anybody may ask for; each here by name, since it has to be thought about."""

ANY_USER = {
    ("GET", "/api/v2/auth/me"),
    ("POST", "/api/v2/auth/logout"),
    ("PUT", "/api/v2/users/me/password"),
    ("GET", "/api/v2/users/me/keys"),
    ("POST", "/api/v2/users/me/keys"),
    ("DELETE", "/api/v2/users/me/keys/{name}"),
    ("POST", "/api/v2/users/new-api-key"),
}
"""What every user may, with whatever key; the routes say themselves what of it."""

UNLIMITED = {("DELETE", "/api/v2/users/me/keys/{name}")}
"""What a key of limited scope may not, though it needs no permission."""

OF_CONSUMERS = ("/taxii2/", "/exports/")
"""What is under it is for consumers, as published files are: they have no permissions, but lists of their own."""

NOT_DESCRIBED = {
    "/exports/{file_name:path}",  # with a consumer's token
    "/openapi.json",
    "/docs",
    "/healthz",
    "/readyz",
    "/metrics",
}

ALL = {"read", "observables", "exports", "admin"}
CALLERS = {
    "nobody": None,
    "somebody with a made-up key": None,
    "somebody with a made-up token": None,
    "disabled user": None,
    "expired key": None,
    "removed key": None,
    "consumer": None,
    "reader": {"read"},
    "editor": {"read", "observables", "exports"},
    "admin": ALL,
    "admin by password": ALL,
    "admin's key for read": {"read"},
    "admin's key for observables": {"read", "observables"},
    "admin's key for exports": {"read", "exports"},
    "admin's key for admin": ALL,
    "editor's key for admin": {"read", "observables", "exports"},
    "reader's key for exports": {"read"},
}
"""What each may; ``None`` is not even known."""

NO_CONSUMERS = (
    "somebody with a made-up consumer's token",
    "consumer with an expired token",
    "consumer with a removed token",
    "disabled consumer",
    "removed consumer",
)
"""Who was no consumer ever, or is none any more."""

LIMITED = {
    "admin's key for read",
    "admin's key for observables",
    "admin's key for exports",
    "reader's key for exports",
}


@pytest.fixture
def asking(api: Api) -> Callable[[str], httpx.Client]:
    """Return a function that gives a client of a caller."""

    def client(caller: str) -> httpx.Client:
        made = httpx.Client(base_url=api.url, timeout=30)
        if caller == "admin by password":
            api.key("admin")
            made.post("/api/v2/auth/token", data={"username": "admin", "password": PASSWORD})
        elif caller != "nobody":
            made.headers["Authorization"] = f"Bearer {_secret(api, caller)}"
        return made

    return client


def _secret(api: Api, caller: str) -> str:
    if found := re.fullmatch(r"(\w+)'s key for (\w+)", caller):
        return api.key(found[1], scopes=(found[2],))
    match caller:
        case "somebody with a made-up key":
            return f"yeti_00000000_{'x' * 43}"
        case "somebody with a made-up token":
            return "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."
        case "somebody with a made-up consumer's token":
            return f"fetch_00000000_{'x' * 43}"
        case item if item in NO_CONSUMERS:
            return _secret_of_no_consumer(api, caller)
        case "consumer":
            with api.services.store() as store:
                consumers.add(store, "fw", all_exports=True, by="test", now=api.clock.now)
                return consumers.add_token(store, "fw", by="test", now=api.clock.now)[0]
        case "disabled user":
            key = api.key("admin", name="gone")
            api.key("admin")
            with api.services.store() as store:
                accounts.change(store, "gone", is_enabled=False, by="test", now=api.clock.now)
            return key
        case "expired key":
            key = api.key("admin", expires_at=api.clock.now + SECOND)
            api.clock.now += 2 * SECOND
            return key
        case "removed key":
            key = api.key("admin")
            with api.services.store() as store:
                accounts.users.remove_key(store, "admin", "key 0", by="test", now=api.clock.now)
            return key
    return api.key(caller)


def _secret_of_no_consumer(api: Api, caller: str) -> str:
    """Return a token that counted once."""
    now = api.clock.now
    ends_at = now + SECOND if caller == "consumer with an expired token" else None
    with api.services.store() as store:
        consumers.add(store, "fw", all_exports=True, by="test", now=now)
        secret, token = consumers.add_token(store, "fw", expires_at=ends_at, by="test", now=now)
        match caller:
            case "consumer with an expired token":
                api.clock.now += 2 * SECOND
            case "consumer with a removed token":
                kept_consumers.remove_token(store, "fw", token.begin, by="test", now=now)
            case "disabled consumer":
                consumers.change(store, "fw", is_enabled=False, by="test", now=now)
            case "removed consumer":
                kept_consumers.remove_consumer(store, "fw", by="test", now=now)
    return secret


def _operations(api: Api) -> list[tuple[str, str, str | None]]:
    return [
        (method.upper(), path, operation.get(PERMISSION))
        for path, operations in api.app.openapi()["paths"].items()
        for method, operation in operations.items()
        if not path.startswith(OF_CONSUMERS)
    ]


def _of_c2(path: str) -> str:
    """Return a path of the list ``c2``, where a list is named."""
    return _address(path.replace("{file_name}", "c2.txt").replace("{collection_id}", "c2"))


def _address(path: str) -> str:
    """Return a path with something in it that there is not, so that nothing is done to what is."""
    return re.sub(r"\{(\w+)\}", "987654321", path)


@pytest.mark.parametrize("caller", CALLERS)
def test_every_route_is_for_those_it_says(api: Api, asking: Callable[[str], httpx.Client], caller: str) -> None:
    """401 for whoever is nobody, 403 for whoever may not, and neither for the others, whatever else is wrong."""
    may = CALLERS[caller]
    wrong = []
    with closing(asking(caller)) as client:
        # Last, since it ends what a client has.
        for method, path, need in sorted(_operations(api), key=lambda item: item[1] == "/api/v2/auth/logout"):
            status = client.request(method, _address(path)).status_code
            if (method, path) in OPEN:
                expected = {401} if path.endswith("/api-token") else set()
            elif may is None:
                expected = {401}
            elif (method, path) in UNLIMITED:
                expected = {403} if caller in LIMITED else set()
            else:
                expected = set() if need is None or need in may else {403}
            if {status} & {401, 403} != expected:
                wrong.append((method, path, need, status, expected))

    assert [] == wrong


def test_every_route_declares_what_it_needs(api: Api) -> None:
    """What says nothing is on one of the lists above."""
    silent = {(method, path) for method, path, need in _operations(api) if need is None}

    assert OPEN | ANY_USER == silent


def test_every_route_is_described(api: Api) -> None:
    """There is none beside the description but those named above."""
    described = set(api.app.openapi()["paths"])
    others = set()
    for context in iter_route_contexts(api.app.routes):
        path = context.path_format if isinstance(context.original_route, APIRoute) else context.path
        if path not in described:
            others.add(path)

    assert set() == others - NOT_DESCRIBED


@pytest.mark.parametrize("caller", [*CALLERS, *NO_CONSUMERS])
def test_lists_are_read_by_consumers_and_users(
    api: Api, asking: Callable[[str], httpx.Client], caller: str
) -> None:
    """401 for whoever is nobody, or nobody any more; every key of a user reads, whatever its scope; nobody writes.

    The cookie of a page counts for the pages' own routes alone: firewalls have none.
    """
    Publisher(api).publish("c2", addresses(3))
    is_known = caller == "consumer" or (CALLERS.get(caller) is not None and caller != "admin by password")
    with closing(asking(caller)) as client:
        found = {
            (method.upper(), path): client.request(method, _of_c2(path)).status_code
            for path, operations in api.app.openapi()["paths"].items()
            for method in operations
            if path.startswith(OF_CONSUMERS)
        }

    read = {
        ("GET", "/exports/{file_name}"),
        ("HEAD", "/exports/{file_name}"),
        ("GET", "/taxii2/"),
        ("GET", "/taxii2/api/"),
        ("GET", "/taxii2/api/collections/"),
        ("GET", "/taxii2/api/collections/{collection_id}/"),
        ("GET", "/taxii2/api/collections/{collection_id}/objects/"),
        ("GET", "/taxii2/api/collections/{collection_id}/manifest/"),
    }
    assert read < found.keys()
    known = {asked: 200 if asked in read else 404 if asked[0] == "GET" else 403 for asked in found}
    assert (known if is_known else dict.fromkeys(found, 401)) == found


def test_code_is_for_admins(api: Api) -> None:
    """Templates are changed by admins alone, and there is no route that takes a plug-in."""
    changing = {
        (method, path): need
        for method, path, need in _operations(api)
        if "template" in path and method in ("POST", "PUT", "PATCH", "DELETE")
    }
    for reading in ("/api/v2/templates/search", "/api/v2/templates/render"):
        assert "read" == changing.pop(("POST", reading))

    assert {"admin"} == set(changing.values())
    assert [] == [path for _, path, _ in _operations(api) if "plugin" in path]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "definitions", {"name": "x", "format": "list", "to": "/etc/cron.d"}),
        ("POST", "apply", {"exports": [{"name": "x", "format": "list", "to": "/etc/cron.d"}]}),
        ("POST", "plan", {"exports": [{"name": "x", "format": "list", "to": "s3://somebody/else"}]}),
    ],
)
def test_where_to_publish_is_for_admins(api: Api, method: str, path: str, body: object) -> None:
    """An editor could otherwise write a file with chosen contents anywhere that the service may."""
    with api.client("editor") as editor:
        answer = editor.request(method, f"/api/v2/exports/{path}", json=body)

    assert 403 == answer.status_code, answer.text


@pytest.mark.parametrize("path", ["definitions", "apply"])
def test_template_does_not_come_with_a_definition(api: Api, path: str) -> None:
    """What defines an export names a template that an admin made."""
    definition = {"name": "x", "template": "evil", "template_text": "{{ 7 * 7 }}"}
    with api.client("editor") as editor:
        answer = editor.post(
            f"/api/v2/exports/{path}", json=definition if path == "definitions" else {"exports": [definition]}
        )

    assert 422 == answer.status_code
