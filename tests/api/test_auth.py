"""Who asks: keys, passwords, tokens and cookies, as Yeti's clients use them."""

from collections.abc import Callable

import jwt
from served import PASSWORD, Api
from sqlalchemy import select

from core.accounts import accounts
from core.schemas.instant import SECOND
from core.store.schema import login_failure

AUTH = "/api/v2/auth"


def test_key_gives_a_token_that_says_who_asks(api: Api) -> None:
    """``x-yeti-apikey`` gives a bearer token; ``/auth/me`` answers with exactly the fields Yeti's Go client knows."""
    with api.client(None) as client:
        answer = client.post(f"{AUTH}/api-token", headers={"x-yeti-apikey": api.key("admin")})
        token = answer.json()["access_token"]
        me = client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"})

    assert 200 == answer.status_code
    assert {"access_token": token, "token_type": "bearer"} == answer.json()
    assert {"id": "1", "username": "admin", "enabled": True, "admin": True, "api_key": ""} == me.json()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert ("admin", True, 1800) == (claims["sub"], claims["enabled"], claims["exp"] - claims["iat"])


def test_without_a_key_nobody_is_known(api: Api) -> None:
    """No header, a wrong key and a wrong token are 401, with the words Yeti uses."""
    with api.client(None) as client:
        missing = client.post(f"{AUTH}/api-token")
        wrong = client.post(f"{AUTH}/api-token", headers={"x-yeti-apikey": "yeti_00000000_" + "x" * 43})
        nobody = client.get(f"{AUTH}/me")

    assert (401, {"detail": "Not authenticated"}) == (missing.status_code, missing.json())
    for answer in (wrong, nobody):
        assert (401, {"detail": "Could not validate credentials"}) == (answer.status_code, answer.json())
        assert "Bearer" == answer.headers["www-authenticate"]


def test_disabled_and_expired_keys_say_so(api: Api) -> None:
    """A key that ended, and the key of a disabled user, are refused with Yeti's words."""
    expiring = api.key("editor", expires_at=api.clock.now + 60 * SECOND)
    other = api.key("reader")
    with api.services.store() as store:
        accounts.change(store, "reader", is_enabled=False, by="test", now=api.clock.now)
    api.clock.now += 61 * SECOND
    with api.client(None) as client:
        expired = client.post(f"{AUTH}/api-token", headers={"x-yeti-apikey": expiring})
        disabled = client.post(f"{AUTH}/api-token", headers={"x-yeti-apikey": other})

    assert (401, "API key expired.") == (expired.status_code, expired.json()["detail"])
    assert "User account disabled. Please contact your server admin." == disabled.json()["detail"]


def test_token_ends_with_its_key(api: Api) -> None:
    """Whoever got a token by a key that is removed is turned away at once."""
    key = api.key("admin")
    with api.client(None) as client:
        token = client.post(f"{AUTH}/api-token", headers={"x-yeti-apikey": key}).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        before = client.get(f"{AUTH}/me", headers=headers)
        with api.services.store() as store:
            accounts.users.remove_key(store, "admin", "key 0", by="test", now=api.clock.now)
        after = client.get(f"{AUTH}/me", headers=headers)

    assert (200, 401) == (before.status_code, after.status_code)


def test_token_of_a_removed_key_is_not_of_the_next_one(api: Api) -> None:
    """A key that takes the place of one that leaked lets nobody in who has a token of the leaked one."""
    leaked = api.key("admin", scopes=("read",))
    with api.client(None) as client:
        token = client.post(f"{AUTH}/api-token", headers={"x-yeti-apikey": leaked}).json()["access_token"]
        with api.services.store() as store:
            accounts.users.remove_key(store, "admin", "key 0", by="test", now=api.clock.now)
        api.key("admin")
        after = client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"})

    assert 401 == after.status_code


def test_token_expires(api: Api) -> None:
    """After its half hour a token counts no more."""
    with api.client(None) as client:
        answer = client.post(f"{AUTH}/api-token", headers={"x-yeti-apikey": api.key()})
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        api.clock.now += 1_799 * SECOND
        before = client.get(f"{AUTH}/me", headers=headers)
        api.clock.now += 2 * SECOND
        after = client.get(f"{AUTH}/me", headers=headers)

    assert (200, 401) == (before.status_code, after.status_code)


def test_tokens_are_only_ours(api: Api) -> None:
    """A token signed by another key, or by none, is nobody's."""
    claims = {"sub": "admin", "iat": api.clock.now // SECOND, "exp": api.clock.now // SECOND + 60, "jti": "x"}
    api.key("admin")
    forged = [jwt.encode(claims, "k" * 40, algorithm="HS256"), jwt.encode(claims, None, algorithm="none")]
    with api.client(None) as client:
        answers = [client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {text}"}) for text in forged]

    assert [401, 401] == [answer.status_code for answer in answers]


def test_password_gives_a_token_and_a_cookie_until_logout(api: Api) -> None:
    """A person logs in by a form; the cookie counts as the token does, until it is ended."""
    api.key("editor")
    with api.client(None) as client:
        answer = client.post(f"{AUTH}/token", data={"username": "editor", "password": PASSWORD})
        cookie = answer.headers["set-cookie"]
        me = client.get(f"{AUTH}/me")
        token = answer.json()["access_token"]
        out = client.post(f"{AUTH}/logout")
        again = client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"})

    assert {"access_token": token, "token_type": "bearer"} == answer.json()
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert ("editor", False) == (me.json()["username"], me.json()["admin"])
    assert {"message": "Logged out"} == out.json()
    assert 401 == again.status_code


def test_new_password_ends_older_tokens(api: Api) -> None:
    """Whoever stole a session loses it when the password is changed."""
    api.key("editor")
    with api.client(None) as client:
        client.post(f"{AUTH}/token", data={"username": "editor", "password": PASSWORD})
        before = client.get(f"{AUTH}/me")
        api.clock.now += 5 * SECOND
        with api.services.store() as store:
            accounts.set_password(store, "editor", "another long one 7", by="test", now=api.clock.now)
        after = client.get(f"{AUTH}/me")

    assert (200, 401) == (before.status_code, after.status_code)


def test_new_password_ends_a_token_of_the_same_second(api: Api) -> None:
    """Whoever took a session is noticed just then."""
    api.key("editor")
    with api.client(None) as client:
        client.post(f"{AUTH}/token", data={"username": "editor", "password": PASSWORD})
        api.clock.now += SECOND // 2
        with api.services.store() as store:
            accounts.set_password(store, "editor", "another long one 7", by="test", now=api.clock.now)
        after = client.get(f"{AUTH}/me")
        client.post(f"{AUTH}/token", data={"username": "editor", "password": "another long one 7"})
        anew = client.get(f"{AUTH}/me")

    assert (401, 200) == (after.status_code, anew.status_code)


def test_a_page_of_another_site_changes_nothing_with_the_cookie(api: Api) -> None:
    """A browser tells the origin of what it sends; the cookie does not count for another one's."""
    api.key("editor")
    with api.client(None) as client:
        client.post(f"{AUTH}/token", data={"username": "editor", "password": PASSWORD})
        foreign = client.post(f"{AUTH}/logout", headers={"Origin": "https://evil.example"})
        own = client.post(f"{AUTH}/logout", headers={"Origin": api.url})

    assert (401, 200) == (foreign.status_code, own.status_code)


def test_a_page_that_was_not_encrypted_changes_nothing_where_we_are(make_api: Callable[..., Api]) -> None:
    """Whoever can change what a browser gets by http could act as who logged in by https."""
    api = make_api(api_trusted_proxies="127.0.0.1")
    api.key("editor")
    with api.client(None) as client:
        client.headers["X-Forwarded-Proto"] = "https"
        client.post(f"{AUTH}/token", data={"username": "editor", "password": PASSWORD})
        cookie = {"Cookie": f"yeti_session={client.cookies['yeti_session']}"}
        weaker = client.post(f"{AUTH}/logout", headers=cookie | {"Origin": api.url})
        own = api.url.replace("http://", "https://")
        same = client.post(f"{AUTH}/logout", headers=cookie | {"Origin": own})

    assert (401, 200) == (weaker.status_code, same.status_code)


def test_a_page_of_another_site_logs_nobody_in(api: Api) -> None:
    """It could plant its own account in somebody's browser, and read what that one leaves there."""
    api.key("editor")
    form = {"username": "editor", "password": PASSWORD}
    with api.client(None) as client:
        foreign = client.post(f"{AUTH}/token", data=form, headers={"Origin": "https://evil.example"})
        null = client.post(f"{AUTH}/token", data=form, headers={"Origin": "null"})
        own = client.post(f"{AUTH}/token", data=form, headers={"Origin": api.url})

    assert (401, 401, 200) == (foreign.status_code, null.status_code, own.status_code)
    assert "set-cookie" not in foreign.headers


def test_guessing_passwords_is_slowed_down(api: Api) -> None:
    """After five wrong ones from one address nobody is let in from there, right or wrong, for a while that doubles."""
    api.key("admin")
    wrong = {"username": "admin", "password": "wrong"}
    with api.client(None) as client:
        first = [client.post(f"{AUTH}/token", data=wrong).status_code for _ in range(5)]
        right = {"username": "admin", "password": PASSWORD}
        kept_out = client.post(f"{AUTH}/token", data=right)
        api.clock.now += 3 * SECOND
        client.post(f"{AUTH}/token", data=wrong)
        longer = client.post(f"{AUTH}/token", data=wrong)
        api.clock.now += 5 * SECOND
        let_in = client.post(f"{AUTH}/token", data=right)

    assert [401] * 5 == first
    assert (429, "2") == (kept_out.status_code, kept_out.headers["retry-after"])
    assert (429, "4") == (longer.status_code, longer.headers["retry-after"])
    assert 200 == let_in.status_code


def test_a_name_that_no_database_can_keep_is_refused(api: Api) -> None:
    """U+0000 in a form, a query, a path or JSON: 422 that says where, and nothing is put down."""
    key = api.key("admin")
    known = {"Authorization": f"Bearer {key}"}
    with api.client(None) as client:
        form = client.post(f"{AUTH}/token", data={"username": "a\0b", "password": "wrong"})
        query = client.get("/api/v2/exports/definitions?search=a%00b", headers=known)
        path = client.get("/api/v2/exports/definitions/a%00b", headers=known)
        body = {"name": "a", "tags": ["a", "b\0"]}
        json = client.post("/api/v2/tags/search", json=body, headers=known)
        escaped = client.post("/api/v2/tags/search", json={"name": "\\u0000"}, headers=known)

    assert [422] * 4 == [answer.status_code for answer in (form, query, path, json)]
    assert ["body", "username"] == form.json()["detail"][0]["loc"]
    assert ["body", "tags", 1] == json.json()["detail"][0]["loc"]
    assert 200 == escaped.status_code
    with api.services.store() as store, store.reading() as connection:
        assert [] == connection.execute(select(login_failure)).all()


def test_wrong_user_and_wrong_password_look_alike(api: Api) -> None:
    """Nobody learns which users there are."""
    api.key("admin")
    with api.client(None) as client:
        answers = [
            client.post(f"{AUTH}/token", data={"username": name, "password": "wrong"})
            for name in ("admin", "nobody")
        ]

    for answer in answers:
        assert (401, {"detail": "Incorrect username or password"}) == (answer.status_code, answer.json())


def test_processes_share_what_signs_tokens(make_api: Callable[..., Api]) -> None:
    """The key is made once and kept in the store; a key of the settings takes its place."""
    one = make_api()
    with one.services.store() as store:
        own = type(one.services)(one.services.config, clock=one.clock)
        user = accounts.add_user(store, "u", "reader", None, by="test", now=one.clock.now)
        token = own.tokens.make(user, one.clock.now, 60)
    own.close()
    given = make_api(auth_secret_key="s" * 32)
    made = given.services.tokens.make(user, one.clock.now, 60)

    assert "u" == getattr(one.services.tokens.read(token, one.clock.now), "user", None)
    assert (
        "u"
        == jwt.decode(made, "s" * 32, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False})[
            "sub"
        ]
    )


def test_password_is_in_no_answer(api: Api) -> None:
    """What is wrong with a request is said without what was secret in it."""
    with api.client(None) as client:
        answer = client.post(f"{AUTH}/token", data={"password": "hunter2-secret"})

    assert 422 == answer.status_code
    assert "hunter2" not in answer.text
