"""What stands in logs and answers: nothing that opens a door, nothing of how the program is made."""

import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from databases import Databases
from served import PASSWORD, Api, started
from test_hostile_names import BREAKING, TRAVERSAL

from core.accounts import accounts
from core.api.access import CallerHere
from core.errors import (
    ConfigError,
    FileMissing,
    PluginError,
    RenderError,
    StoragePermissionDenied,
    StorageUnavailable,
    StoreBusy,
    StoreError,
    StoreSchemaError,
    UnsupportedOperation,
)
from core.store import open_store

AUTH = "/api/v2/auth"
USERS = "/api/v2/users"


@pytest.fixture
def installed(new_databases: Databases, tmp_path: Path) -> Databases:
    """What has the store of an installation with an admin, in the folder of the test."""
    with open_store(new_databases.at(tmp_path / "yeti.db", made=True)) as store:
        accounts.add_user(store, "lena", "admin", PASSWORD, by="test", now=1)
    return new_databases


@pytest.mark.parametrize("form", ["text", "json"])
def test_log_has_no_secret_and_one_line_for_each_event(installed: Databases, tmp_path: Path, form: str) -> None:
    """At level debug, whatever is sent wherever: passwords, keys, tokens, and what would break a line."""
    secrets = {PASSWORD, "wrong-password-1", "another long one 7", "query-token-1", "basic-password-1", "cookie-1"}
    with (
        started(tmp_path, installed, log_level="debug", log_format=form, api_tokens_in_query="yes") as (
            url,
            log,
        ),
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        token = client.post(f"{AUTH}/token", data={"username": "lena", "password": PASSWORD}).json()[
            "access_token"
        ]
        client.post(f"{AUTH}/token", data={"username": "lena", "password": "wrong-password-1"})
        client.post(f"{AUTH}/token", content=b'{"password": "wrong-password-1"', headers={"content-type": "x/y"})
        key = client.post(f"{USERS}/me/keys", json={"name": "x"}).json()["token"]
        client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {key}"})
        client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {key[:-1]}"})
        client.post(f"{AUTH}/api-token", headers={"x-yeti-apikey": key})
        client.get("/exports/x.txt", params={"token": "query-token-1"})
        client.get("/exports/x.txt", auth=("fw", "basic-password-1"))
        client.get(f"{AUTH}/me", headers={"Cookie": "yeti_session=cookie-1"})
        client.put(f"{USERS}/me/password", json={"old_password": PASSWORD, "new_password": "another long one 7"})
        client.post(f"{USERS}/new-api-key", json={"user_id": "1", "name": "x", "password": "wrong-password-1"})
        names = [name for name in TRAVERSAL + BREAKING if len(name) < 1_000]
        for name in names:
            client.get(f"/exports/a{quote(name, safe='')}")
        kept = client.get("/openapi.json").status_code
    text = log.read_text()
    lines = [line for line in text.split("\n") if "request answered" in line]

    assert 200 == kept
    for secret in {*secrets, token, key, key.rpartition("_")[2], token.rpartition(".")[2]}:
        assert secret not in text
    assert len(lines) == text.count("request answered") >= len(names) + 10
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)
    if form == "json":
        assert all(json.loads(line)["event"] == "request answered" for line in lines)


def test_what_is_no_request_gets_an_answer_that_tells_nothing(api: Api) -> None:
    """Neither a traceback nor a path of this machine, whatever was sent; and it is never a fault of ours."""
    deep = "[" * 100_000 + "]" * 100_000
    json_type = {"Content-Type": "application/json"}
    bodies = [
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"x"',
        b"0",
        b'{"a":' * 5_000,
        deep.encode(),
        b'{"username": 1e999}',
    ]
    with api.client("admin") as admin:
        answers = [
            admin.post(path, content=body, headers=json_type)
            for path in (USERS, "/api/v2/observables/", "/api/v2/exports/definitions", "/api/v2/exports/plan")
            for body in bodies
        ]
        answers += [
            admin.get("/api/v2/audit", params={"before": "9" * 400}),
            admin.get("/api/v2/audit", params={"since": "0000-00-00"}),
            admin.get(f"{USERS}/%00"),
            admin.get(f"{USERS}/%ff"),
            admin.post(f"{USERS}/new-api-key", json={"user_id": "9" * 90, "name": "x"}),
            admin.get("/nowhere"),
            admin.request("BREW", "/api/v2/audit"),
        ]

    for answer in answers:
        assert 400 <= answer.status_code < 500, (answer.request.url, answer.status_code, answer.text[:200])
        assert not re.search(
            r"Traceback|File \"|\.py\b|site-packages|/home/|sqlalchemy|sqlite3|psycopg", answer.text
        )


def test_fault_of_ours_tells_nothing(api: Api) -> None:
    """The log has what it was, under the request that the answer names."""

    @api.app.get("/api/v2/broken")
    def broken() -> None:
        raise ZeroDivisionError("secret detail in /srv/yeti")

    with api.client("admin") as admin:
        answer = admin.get("/api/v2/broken")

    assert 500 == answer.status_code
    assert {
        "detail": f"A fault in the program itself; its log has it under request {answer.headers['x-request-id']}."
    } == (answer.json())


FAULTS = {
    "storage": StorageUnavailable("s3://bucket-of-ours/x: host 10.9.8.7 does not answer"),
    "missing": FileMissing("/srv/secret/place/x: there is no such file"),
    "rights": StoragePermissionDenied("/srv/secret/place: permission denied"),
    "unsupported": UnsupportedOperation("/srv/secret/place: if_match needs locks"),
    "store": StoreBusy("/srv/secret/place/yeti.db is locked"),
    "schema": StoreSchemaError("postgresql://db.secret.example/x was written by another version"),
    "plugin": PluginError("/srv/secret/place/x.py does not keep its contract"),
    "spool": RenderError("the spool folder /srv/secret/place cannot be used"),
    "setting": ConfigError("system.export_path /srv/secret/place cannot be used"),
}


def test_places_are_told_to_admins_alone(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """Neither to nobody, nor to who may only read or edit: a path, a host, a database; the log has it."""

    def known(fault: str, _: CallerHere) -> None:
        raise FAULTS[fault]

    def open_(fault: str) -> None:
        raise FAULTS[fault]

    prefixes = ("/api/v2/exports/x", "/api/v2/x", "/taxii2/x")
    for prefix in prefixes:
        api.app.get(f"{prefix}-known/{{fault}}", operation_id=f"known{prefix}")(known)
        api.app.get(f"{prefix}-open/{{fault}}", operation_id=f"open{prefix}")(open_)
    asked = [(fault, prefix) for fault in FAULTS for prefix in prefixes]
    others, admins = [], []
    for role, word in (("reader", "known"), ("editor", "known"), (None, "open"), ("admin", "known")):
        with api.client(role) as client:
            found = [(fault, client.get(f"{prefix}-{word}/{fault}")) for fault, prefix in asked]
        (admins if role == "admin" else others).extend(found)

    for _, answer in others:
        assert answer.status_code in (404, 422, 500, 503)
        assert not re.search(r"/srv|bucket|10\.9|example", answer.text), answer.text
        assert answer.headers["x-request-id"] in answer.text
    for fault, answer in admins:
        assert (str(FAULTS[fault]) in answer.text) is not isinstance(FAULTS[fault], StoreError)
    assert {str(error) for error in FAULTS.values()} <= {vars(record).get("why") for record in caplog.records}


def test_no_other_site_may_read_answers(api: Api) -> None:
    """There is no CORS; pages are not put into frames, and types are not guessed."""
    foreign = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    with api.client("admin") as admin:
        answers = [admin.get(USERS, headers=foreign), admin.options(USERS, headers=foreign)]

    for answer in answers:
        assert [] == [name for name in answer.headers if name.startswith("access-control-")]
        assert ("nosniff", "DENY", "no-referrer") == tuple(
            answer.headers[name] for name in ("x-content-type-options", "x-frame-options", "referrer-policy")
        )


@pytest.mark.parametrize(("proxies", "is_secure"), [("127.0.0.1", True), ("", False)])
def test_cookie_is_kept_from_scripts_and_other_sites(
    make_api: Callable[..., Api], proxies: str, is_secure: bool
) -> None:
    """And from connections that are not encrypted, where a trusted proxy says that this one is."""
    api = make_api(api_trusted_proxies=proxies)
    api.key("reader")
    with api.client(None, follow_redirects=False) as client:
        answer = client.post(
            f"{AUTH}/token",
            data={"username": "reader", "password": PASSWORD},
            headers={"X-Forwarded-Proto": "https"},
        )

    attributes = {item.strip().partition("=")[0].lower() for item in answer.headers["set-cookie"].split(";")}
    assert {"httponly", "samesite", "path", "max-age"} <= attributes
    assert "domain" not in attributes
    assert is_secure is ("secure" in attributes)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", 'a"b', "127.0.0.1@evil.example", ""])
def test_host_header_is_not_believed(api: Api, host: str) -> None:
    """No address in an answer is made from it."""
    with api.client("admin", follow_redirects=False) as admin:
        answers = [
            admin.get(path, headers={"Host": host})
            for path in (USERS, f"{USERS}/", "/exports", "/api/v2/exports/definitions/", "/api/v2/observables")
        ]

    for answer in answers:
        assert "evil" not in answer.headers.get("location", ""), answer.request.url
        assert "evil" not in answer.text


def test_guessing_is_slowed_down_whoever_answers(installed: Databases, tmp_path: Path) -> None:
    """Processes count together: what one saw, the other knows, also when all guess at once."""
    statuses: list[int] = []
    with started(tmp_path, installed, api_processes="2") as (url, _):

        def asked(password: str) -> httpx.Response:
            data = {"username": "lena", "password": password}
            return httpx.post(f"{url}{AUTH}/token", data=data, timeout=60)

        def guess(number: int) -> None:
            statuses.append(asked(f"guess {number}").status_code)

        for _ in range(3):
            threads = [threading.Thread(target=guess, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        # A slow machine may have sat out the first pauses by now; each guess doubles the next one.
        for number in range(10):
            last = asked(f"one more {number}")
            if last.status_code == 429 and int(last.headers["Retry-After"]) >= 8:
                break
            if last.status_code == 429:
                time.sleep(int(last.headers["Retry-After"]))
        right = asked(PASSWORD)

    assert {401, 429} == set(statuses)
    assert statuses.count(401) <= 12
    assert 429 == right.status_code
