"""Users and keys through the API: what admins may, and what everybody may do with the own account."""

import pytest
from served import NOW, PASSWORD, Api

from core.schemas.instant import DAY, SECOND, to_second
from core.store import audit

USERS = "/api/v2/users"
NEW = "another long one 7"


def test_admin_keeps_users(api: Api) -> None:
    """Adds, lists, changes and removes them; a password is in no answer."""
    with api.client("admin") as admin:
        added = admin.post(USERS, json={"username": "max", "role": "editor", "password": NEW})
        changed = admin.patch(f"{USERS}/max", json={"role": "reader", "enabled": False})
        names = [item["username"] for item in admin.get(USERS).json()]
        shown = admin.get(f"{USERS}/max")
        removed = admin.delete(f"{USERS}/max")
        gone = admin.get(f"{USERS}/max")

    assert (201, "editor", True) == (added.status_code, added.json()["role"], added.json()["has_password"])
    assert (200, "reader", False) == (changed.status_code, changed.json()["role"], changed.json()["enabled"])
    assert ["admin", "max"] == names
    assert {
        "id": "2",
        "username": "max",
        "role": "reader",
        "enabled": False,
        "admin": False,
        "has_password": True,
        "created": to_second(NOW),
    } == shown.json()
    assert (204, 404, {"detail": "there is no user 'max'"}) == (removed.status_code, gone.status_code, gone.json())


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("POST", "", {"username": "../x", "role": "reader"}, 422, "begins with a letter or a digit"),
        ("POST", "", {"username": "me"}, 422, "whoever asks"),
        ("POST", "", {"username": "max", "password": "short"}, 422, "at least 12 characters"),
        ("POST", "", {"username": "ADMIN"}, 409, "already"),
        ("POST", "", {"username": "max", "role": "god"}, 422, "literal_error"),
        ("POST", "", {"username": "max", "is_admin": True}, 422, "extra_forbidden"),
        ("PATCH", "/admin", {"enabled": False}, 422, "the only admin"),
        ("DELETE", "/admin", None, 422, "the only admin"),
        ("POST", "/admin/keys", {"name": "x", "scopes": ["all"]}, 422, "no scope 'all'"),
        ("POST", "/admin/keys", {"name": "x", "scopes": []}, 422, "too_short"),
        ("POST", "/me/keys", {"name": "x", "scopes": []}, 422, "too_short"),
        ("POST", "/new-api-key", {"user_id": "1", "name": "x", "scopes": []}, 422, "too_short"),
        ("DELETE", "/admin/keys/nowhere", None, 404, "has no key 'nowhere'"),
        ("PUT", "/nobody/password", {"password": NEW}, 404, "no user 'nobody'"),
    ],
)
def test_what_admins_cannot_do_either(
    api: Api, method: str, path: str, body: object, status: int, reason: str
) -> None:
    """In words, and nothing was changed."""
    with api.client("admin") as admin:
        answer = admin.request(method, f"{USERS}{path}", json=body)

    assert status == answer.status_code
    assert reason in answer.text
    with api.services.store() as store:
        assert {"user added", "key added"} == {item.action for item in audit.entries(store)}


def test_admin_resets_a_password(api: Api) -> None:
    """The new one lets in, the old one does not."""
    api.key("editor")
    with api.client("admin") as admin:
        answer = admin.put(f"{USERS}/editor/password", json={"password": NEW})
    with api.client(None) as client:
        statuses = [
            client.post("/api/v2/auth/token", data={"username": "editor", "password": text}).status_code
            for text in (NEW, PASSWORD)
        ]

    assert (204, [200, 401]) == (answer.status_code, statuses)


def test_keys_of_others(api: Api) -> None:
    """An admin makes one, which is shown once, sees how each begins, and removes it, whatever it is called."""
    api.key("editor")
    with api.client("admin") as admin:
        made = admin.post(
            f"{USERS}/editor/keys", json={"name": "ci / nightly", "scopes": ["read"], "expires_in_days": 2}
        )
        token = made.json()["token"]
        listed = admin.get(f"{USERS}/editor/keys")
        works = admin.get(f"{USERS}/me/keys", headers={"Authorization": f"Bearer {token}"})
        removed = admin.delete(f"{USERS}/editor/keys/ci%20%2F%20nightly")
        after = admin.get(f"{USERS}/me/keys", headers={"Authorization": f"Bearer {token}"})

    assert (201, to_second(NOW + 2 * DAY)) == (made.status_code, made.json()["expires"])
    assert ["ci / nightly", "key 0"] == [item["name"] for item in listed.json()]
    assert token.startswith(listed.json()[0]["begins"])
    assert token not in listed.text
    assert (200, 204, 401) == (works.status_code, removed.status_code, after.status_code)


def test_own_password_asks_for_the_old_one(api: Api) -> None:
    """Whoever finds an open session cannot take the account over, nor try passwords there at leisure."""
    with api.client("reader") as reader:
        wrong = [
            reader.put(f"{USERS}/me/password", json={"old_password": "wrong", "new_password": NEW})
            for _ in range(6)
        ]
        api.clock.now += 60 * SECOND
        right = reader.put(f"{USERS}/me/password", json={"old_password": PASSWORD, "new_password": NEW})
        login = reader.post("/api/v2/auth/token", data={"username": "reader", "password": NEW})

    assert [401] * 5 + [429] == [answer.status_code for answer in wrong]
    assert (204, 200) == (right.status_code, login.status_code)


def test_own_keys(api: Api) -> None:
    """Everybody keeps the own ones; they may do no more than the user."""
    with api.client("reader") as reader:
        made = reader.post(f"{USERS}/me/keys", json={"name": "laptop"})
        key = {"Authorization": f"Bearer {made.json()['token']}"}
        listed = reader.get(f"{USERS}/me/keys", headers=key)
        more = reader.get(USERS, headers=key)
        removed = reader.delete(f"{USERS}/me/keys/laptop")

    assert (201, ["key 0", "laptop"]) == (made.status_code, [item["name"] for item in listed.json()])
    assert (403, 204) == (more.status_code, removed.status_code)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/me/keys", {"name": "more", "scopes": ["admin"]}),
        ("DELETE", "/me/keys/key%200", None),
        ("PUT", "/me/password", {"old_password": PASSWORD, "new_password": NEW}),
        ("POST", "/new-api-key", {"user_id": "1", "name": "more", "scopes": ["admin"]}),
    ],
)
def test_limited_key_gets_no_more_rights(api: Api, method: str, path: str, body: object) -> None:
    """A key for reading of an admin cannot make itself one for everything, nor change the password."""
    key = api.key("admin", scopes=("read",))
    with api.client(None) as client:
        answer = client.request(method, f"{USERS}{path}", json=body, headers={"Authorization": f"Bearer {key}"})

    assert 403 == answer.status_code
    assert "a key of limited scope" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("role", "scopes"), [("reader", ("read",)), ("editor", ("observables", "exports")), ("admin", ("exports",))]
)
def test_limited_key_makes_no_keys_whatever_its_user_may(api: Api, role: str, scopes: tuple[str, ...]) -> None:
    """It may be all that the user may do today, and less than the user may do tomorrow."""
    key = api.key(role, scopes=scopes)
    with api.client(None) as client:
        answer = client.post(f"{USERS}/me/keys", json={"name": "more"}, headers={"Authorization": f"Bearer {key}"})

    assert 403 == answer.status_code


@pytest.mark.parametrize("days", [None, 30])
def test_what_is_made_with_a_key_ends_with_it(api: Api, days: int | None) -> None:
    """A key that leaked leaves none behind that is there longer."""
    key = api.key("admin", expires_at=NOW + DAY)
    with api.client(None) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        own = client.post(f"{USERS}/me/keys", json={"name": "more", "expires_in_days": days})
        others = client.post(f"{USERS}/admin/keys", json={"name": "others", "expires_in_days": days})

    assert [to_second(NOW + DAY)] * 2 == [own.json()["expires"], others.json()["expires"]]


def test_key_as_yeti_makes_it(api: Api) -> None:
    """For oneself by one's id, as an admin for anybody; with its name, the key, and all keys by name."""
    with api.client("editor") as editor:
        number = editor.get("/api/v2/auth/me").json()["id"]
        body = {"user_id": number, "name": "ci", "scopes": ["exports"], "expiration": 3_600}
        made = editor.post(f"{USERS}/new-api-key", json=body)
        foreign = editor.post(f"{USERS}/new-api-key", json=body | {"user_id": "77"})
    with api.client("admin") as admin:
        other = admin.post(f"{USERS}/new-api-key", json={"user_id": number, "name": "ci 2", "expiration": "P1D"})
        nobody = admin.post(f"{USERS}/new-api-key", json={"user_id": "77", "name": "x"})

    assert {"name", "token", "api_keys"} == made.json().keys()
    assert (["exports"], to_second(NOW + 3_600 * SECOND)) == (
        made.json()["api_keys"]["ci"]["scopes"],
        made.json()["api_keys"]["ci"]["expires"],
    )
    assert ["ci", "ci 2", "key 0"] == list(other.json()["api_keys"])
    assert to_second(NOW + DAY) == other.json()["api_keys"]["ci 2"]["expires"]
    assert (403, 404) == (foreign.status_code, nobody.status_code)


def test_changes_are_by_whoever_asked(api: Api) -> None:
    """The record has the user, with the key's name where it was a key; only admins see it, page by page."""
    with api.client("admin") as admin, api.client("editor") as editor:
        admin.post(USERS, json={"username": "max"})
        admin.post("/api/v2/auth/token", data={"username": "admin", "password": PASSWORD})
        del admin.headers["Authorization"]
        admin.patch(f"{USERS}/max", json={"role": "editor"})
        first = admin.get("/api/v2/audit", params={"limit": 2, "action": "user", "actor": "admin"})
        second = admin.get("/api/v2/audit", params={"limit": 2, "action": "user", "before": first.json()["next"]})
        refused = editor.get("/api/v2/audit")
        since = admin.get("/api/v2/audit", params={"since": "2999-01-01"})

    changes = [(item["actor"], item["action"], item["subject"]) for item in first.json()["changes"]]
    assert [("admin", "user changed", "max"), ("admin (key 0)", "user added", "max")] == changes
    assert {"role": "editor"} == first.json()["changes"][0]["detail"]
    assert (["test", "test"], 403) == ([item["actor"] for item in second.json()["changes"]], refused.status_code)
    assert {"changes": [], "next": None} == since.json()


def test_who_acts_reaches_the_store(api: Api) -> None:
    """What a route changes by a function that is not told who, is put down as changed by whoever asked."""
    from core.api.access import Admin, StoreHere
    from core.store import lifetimes

    @api.app.post("/api/v2/trial")
    def trial(store: StoreHere, _: Admin) -> None:
        lifetimes.set_type_lifetime(store, "ipv4", 60)

    with api.client("admin") as admin:
        admin.post("/api/v2/trial")
        with api.services.store() as store:
            (entry,) = audit.entries(store, action="type changed")

    assert "admin (key 0)" == entry.actor
