"""What there is altogether: each command has its other half here, is described, and says what it needs."""

import pytest
from desk import EXPORTS, Desk, path_of

from core.api.app import create_app
from core.api.openapi import PERMISSION
from core.cli.export_command import command

D = f"{EXPORTS}/definitions"
HALVES = {
    "add": ("POST", D),
    "apply": ("POST", f"{EXPORTS}/apply"),
    "cancel": ("POST", f"{D}/{{name}}/cancel"),
    "diff": ("GET", f"{D}/{{name}}/diff"),
    "dump": ("GET", f"{EXPORTS}/dump"),
    "edit": ("PATCH", f"{D}/{{name}}"),
    "explain": ("GET", f"{D}/{{name}}/explain"),
    "kept-off": ("GET", f"{D}/{{name}}/kept-off"),
    "limits": ("GET", f"{EXPORTS}/limits"),
    "list": ("GET", D),
    "log": ("GET", f"{D}/{{name}}/runs/{{run}}/log"),
    "plan": ("POST", f"{EXPORTS}/plan"),
    "preview": ("GET", f"{D}/{{name}}/preview"),
    "preview --against": ("POST", f"{D}/{{name}}/preview"),
    "release": ("POST", f"{D}/{{name}}/held/release"),
    "remove": ("DELETE", f"{D}/{{name}}"),
    "rollback": ("POST", f"{D}/{{name}}/rollback"),
    "run": ("POST", f"{D}/{{name}}/runs"),
    "run --all": ("POST", f"{EXPORTS}/jobs"),
    "runs": ("GET", f"{D}/{{name}}/runs"),
    "show": ("GET", f"{D}/{{name}}"),
    "unpin": ("DELETE", f"{D}/{{name}}/pin"),
    "verify": ("GET", f"{D}/{{name}}/verify"),
    "versions": ("GET", f"{D}/{{name}}/versions"),
}


def test_every_export_command_has_a_route(desk: Desk) -> None:
    """What can be typed can be asked for: a new command of `yetictl export` needs its route here."""
    paths = create_app(desk.api.services).openapi()["paths"]

    assert {*command.commands} == {verb.partition(" ")[0] for verb in HALVES}
    assert [] == [verb for verb, (method, path) in HALVES.items() if method.lower() not in paths.get(path, {})]


def test_everything_of_ours_is_described(desk: Desk) -> None:
    """Each operation has a permission, a summary, one tag, an id of its own, and errors of one form."""
    document = desk.reader.get("/openapi.json").json()
    ours = [
        operation
        for path, item in document["paths"].items()
        if path.startswith(EXPORTS)
        for operation in item.values()
    ]
    contents = {
        media_type
        for operation in ours
        for status, answer in operation["responses"].items()
        if status >= "400"
        for media_type in answer["content"]
    }
    ids = [each["operationId"] for item in document["paths"].values() for each in item.values()]

    assert len(ours) > 35
    for operation in ours:
        assert operation[PERMISSION]
        assert operation["summary"]
        assert operation["security"]
        assert 1 == len(operation["tags"])
        assert {"401", "403", "503"} <= operation["responses"].keys()
    assert {"application/problem+json"} == contents
    assert sorted({*ids}) == sorted(ids)
    assert {each["name"] for each in document["tags"]} >= {operation["tags"][0] for operation in ours}


@pytest.mark.parametrize(
    ("method", "path", "needs"),
    [
        ("GET", D, "reader"),
        ("POST", D, "editor"),
        ("PUT", path_of("c2"), "editor"),
        ("PATCH", path_of("c2"), "editor"),
        ("DELETE", path_of("c2"), "editor"),
        ("POST", path_of("c2", "runs"), "editor"),
        ("POST", path_of("c2", "rollback"), "editor"),
        ("POST", path_of("c2", "held/release"), "editor"),
        ("DELETE", path_of("c2", "pin"), "editor"),
        ("GET", f"{EXPORTS}/storages", "admin"),
        ("POST", f"{EXPORTS}/storages/check", "admin"),
    ],
)
def test_roles(desk: Desk, method: str, path: str, needs: str) -> None:
    """Who may not is told so, whatever is sent; nobody known is 401."""
    order = ["reader", "editor", "admin"]
    clients = {"reader": desk.reader, "editor": desk.editor, "admin": desk.admin}
    with desk.api.client(None) as nobody:
        unknown = nobody.request(method, path, json={})
    refused = [clients[role].request(method, path, json={}) for role in order[: order.index(needs)]]
    let_in = clients[needs].request(method, path, json={})

    assert (401, "Bearer") == (unknown.status_code, unknown.headers["www-authenticate"])
    assert {403} >= {answer.status_code for answer in refused}
    assert let_in.status_code not in (401, 403)
    assert 401 == unknown.json()["status"]


def test_unknown_path_of_ours_is_a_problem(desk: Desk) -> None:
    """Also what no route answers has the one form of errors; so has a method that a path has not."""
    for answer, status in ((desk.reader.get(f"{EXPORTS}/nowhere"), 404), (desk.reader.put(D), 405)):
        assert (status, "application/problem+json") == (answer.status_code, answer.headers["content-type"])
        assert status == answer.json()["status"]
