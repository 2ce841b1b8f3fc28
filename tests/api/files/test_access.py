"""Who may fetch a published file: consumers by a token, users, anybody; from where; and what is told to others."""

import asyncio
import base64
import logging
import time

import httpx
import pytest
from publishing import Publisher, addresses
from served import PASSWORD, listening
from sqlalchemy import update

from core.accounts import consumers
from core.api.app import create_app
from core.api.services import Services
from core.schemas.instant import DAY
from core.store import consumers as rows
from core.store.schema import export_networks
from core.store.serving import Watch

C2 = "/exports/c2.txt"
CHALLENGE = 'Basic realm="exports", charset="UTF-8", Bearer'


def basic(password, user="pan"):
    """The header of a firewall."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_a_new_export_takes_a_token(publisher, c2):
    """Without one, and with what is none, nobody gets it; the answer says by which ways one is sent."""
    with publisher.client() as client:
        wrong = "fetch_00000000_" + "x" * 43
        for headers in (
            {},
            bearer(wrong),
            basic(wrong),
            bearer("nonsense"),
            {"Authorization": "Bearer"},
            {"Authorization": "Basic !!!"},
            {"Authorization": "Basic " + base64.b64encode(b"no colon").decode()},
            {"Authorization": "Digest x"},
            bearer("yeti_00000000_" + "x" * 43),
            bearer("a.b.c"),
        ):
            answer = client.get(C2, headers=headers)
            assert (401, CHALLENGE) == (answer.status_code, answer.headers["www-authenticate"]), headers
            assert b"198.18" not in answer.content


def test_who_may_fetch_nothing_learns_nothing(publisher, c2, token):
    """Of a file that there is and one that there is not, the same is said: to strangers, and to consumers of others."""
    own = publisher.publish("other", addresses(3))
    other = publisher.consumer("elsewhere", "other")
    with publisher.client() as client:
        strangers = [
            client.get(path) for path in (C2, "/exports/no.txt", "/exports/~c2/c2.txt", "/exports/~no/c2.txt")
        ]
        others = [
            client.get(path, headers=bearer(other)) for path in (C2, "/exports/no.txt", "/exports/~c2/c2.txt")
        ]
        theirs = client.get("/exports/other.txt", headers=bearer(other))

    assert {(401, strangers[0].content)} == {(answer.status_code, answer.content) for answer in strangers}
    assert {(404, others[0].content)} == {(answer.status_code, answer.content) for answer in others}
    assert (200, own) == (theirs.status_code, theirs.content)


def test_a_firewall_sends_it_as_a_password(publisher, c2, token):
    """Basic with any name of a user, as PAN-OS and FortiGate do, over connections that are asked first."""
    with publisher.client() as client:
        asked = client.get(C2)
        answers = [client.get(C2, headers=basic(token, user)) for user in ("pan", "", "fortigate")]

    assert "Basic" in asked.headers["www-authenticate"]
    assert [(200, c2)] * 3 == [(answer.status_code, answer.content) for answer in answers]


def test_what_was_just_made_counts_at_once(publisher, c2, token):
    """Nobody is refused for what was so a moment ago: with a new token, for a new file, for one that is open now."""
    with publisher.client(token) as client, publisher.client() as stranger:
        answers = []
        for number in range(3):
            assert 200 == client.get(C2).status_code  # what there is has been looked at now
            newest = publisher.consumer(f"new{number}", "c2")
            answers.append(stranger.get(C2, headers=bearer(newest)).status_code)
        fresh = publisher.consumer("all", all_exports=True)
        for number in range(3):
            assert 200 == client.get(C2).status_code
            name = f"list{number}"
            publisher.publish(name, addresses(3))
            answers.append(stranger.get(f"/exports/~{name}/SHA256SUMS", headers=bearer(fresh)).status_code)
            answers.append(stranger.get(f"/exports/{name}.txt", headers=bearer(fresh)).status_code)
            publisher.edit(name, is_public=True)
            answers.append(stranger.get(f"/exports/{name}.txt").status_code)

    assert [200] * 12 == answers


def test_who_is_refused_costs_no_more_than_a_look_now_and_then(publisher, c2, monkeypatch):
    """However many are: they share it, and wait for it."""
    with publisher.client() as client:
        assert 401 == client.get(C2).status_code
    looks = []
    look = Watch.has_changed
    monkeypatch.setattr(Watch, "has_changed", lambda watch: (looks.append(watch), look(watch))[1])

    async def flood():
        async with httpx.AsyncClient(base_url=publisher.api.url, timeout=30) as client:
            answers = []
            for _ in range(10):
                answers += await asyncio.gather(*[client.get(C2) for _ in range(20)])
            return [answer.status_code for answer in answers]

    began = time.monotonic()
    assert [401] * 200 == asyncio.run(flood())
    took_s = time.monotonic() - began
    assert 10 <= len(looks) <= took_s / 0.05 + 2


def test_tokens_change_without_a_gap(publisher, c2, token):
    """Two count at once, a third is refused; the old one is revoked and counts no more within a second."""
    newer = publisher.token("firewall")
    with publisher.client() as client:
        both = [client.get(C2, headers=bearer(each)).status_code for each in (token, newer)]
        with pytest.raises(Exception, match="has two tokens already"):
            publisher.token("firewall")
        with publisher.api.services.store() as store:
            begin = rows.tokens(store, "firewall")[0].begin
            rows.remove_token(store, "firewall", begin, by="test", now=publisher.api.clock.now)
        time.sleep(1)
        after = [client.get(C2, headers=bearer(each)).status_code for each in (token, newer)]

    assert ([200, 200], [401, 200]) == (both, after)


def test_a_token_ends_when_it_is_said_to(publisher, c2, token):
    """And not without: after a thousand days the one without an end still counts, and the other says that it ended."""
    ending = publisher.token("firewall", expires_at=publisher.api.clock.now + 30 * DAY)
    with publisher.client() as client:
        before = client.get(C2, headers=bearer(ending))
        publisher.api.clock.now += 1_000 * DAY
        after = client.get(C2, headers=bearer(ending))
        endless = client.get(C2, headers=bearer(token))

    assert [200, 401, 200] == [answer.status_code for answer in (before, after, endless)]
    assert "has expired" in after.json()["detail"]


def test_a_consumer_that_is_switched_off_is_turned_away(publisher, c2, token):
    """And so is one that is removed."""
    with publisher.client(token) as client:
        before = client.get(C2).status_code
        with publisher.api.services.store() as store:
            consumers.change(store, "firewall", is_enabled=False, by="test", now=publisher.api.clock.now)
        time.sleep(1)
        off = client.get(C2).status_code
        with publisher.api.services.store() as store:
            consumers.change(store, "firewall", is_enabled=True, by="test", now=publisher.api.clock.now)
        time.sleep(1)
        on = client.get(C2).status_code
        with publisher.api.services.store() as store:
            rows.remove_consumer(store, "firewall", by="test", now=publisher.api.clock.now)
        time.sleep(1)
        gone = client.get(C2).status_code

    assert (200, 401, 200, 401) == (before, off, on, gone)


def test_a_consumer_of_everything(publisher, c2):
    """It may fetch every export, those that are made later, too."""
    everything = publisher.consumer("mirror", all_exports=True)
    later = publisher.publish("later", addresses(2))
    with publisher.client(everything) as client:
        found = [client.get(path).content for path in (C2, "/exports/later.txt")]

    assert [c2, later] == found


def test_users_may_fetch_what_they_may_read(publisher, c2):
    """By a key, as Bearer or as a password, and by a token of the API; the password of a user is none."""
    key = publisher.api.key("reader")
    with publisher.client() as client:
        jwt = client.post("/api/v2/auth/api-token", headers={"x-yeti-apikey": key}).json()["access_token"]
        found = [
            client.get(C2, headers=headers).status_code
            for headers in (bearer(key), basic(key), bearer(jwt), basic(PASSWORD, "reader"))
        ]
        missing = client.get("/exports/no.txt", headers=bearer(key))

    assert [200, 200, 200, 401] == found
    assert 404 == missing.status_code


def test_what_anybody_may_fetch(publisher):
    """An open list needs no token, is not taken away by one that ended, and may be kept by caches of others."""
    body = publisher.publish("open", addresses(3), is_public=True)
    with publisher.client() as client:
        answers = [
            client.get("/exports/open.txt", headers=headers)
            for headers in ({}, bearer("fetch_00000000_" + "x" * 43), basic("x"))
        ]

    assert [(200, body)] * 3 == [(answer.status_code, answer.content) for answer in answers]
    assert "public, no-cache" == answers[0].headers["cache-control"]


def test_open_lists_are_closed_again(publisher):
    """Within a second."""
    publisher.publish("open", addresses(3), is_public=True)
    with publisher.client() as client:
        before = client.get("/exports/open.txt").status_code
        publisher.edit("open", is_public=False)
        time.sleep(1)
        after = client.get("/exports/open.txt").status_code

    assert (200, 401) == (before, after)


def test_a_token_in_the_address_counts_only_where_switched_on(make_api):
    """``?token=`` is nothing by default."""
    found = []
    for switch in ("no", "yes"):
        publisher = Publisher(make_api(api_tokens_in_query=switch))
        publisher.publish("c2", addresses(3))
        token = publisher.consumer("firewall", "c2")
        with publisher.client() as client:
            found.append(client.get(C2, params={"token": token}).status_code)
            found.append(client.get(C2, params={"token": "nonsense"}).status_code)

    assert [401, 401, 200, 401] == found


def test_networks_of_exports_and_consumers(make_api):
    """Each may say from where; who asks is the address behind a trusted proxy, and nobody else can say another one."""
    publisher = Publisher(make_api(api_trusted_proxies="127.0.0.0/8"))
    publisher.publish("open", addresses(3), is_public=True, networks=("10.1.0.0/16", "2001:db8::/32"))
    publisher.publish("c2", addresses(3))
    token = publisher.consumer("firewall", "c2", networks=["192.0.2.0/24"])

    def status(path, address, **headers):
        with publisher.client() as client:
            return client.get(path, headers={"X-Forwarded-For": address, **headers}).status_code

    assert [200, 200, 200, 403, 403] == [
        status("/exports/open.txt", address)
        for address in ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1", "10.2.0.1", "10.1.2.3, 10.2.0.1")
    ]
    assert [200, 403, 401] == [
        status(C2, "192.0.2.9", **bearer(token)),
        status(C2, "192.0.3.9", **bearer(token)),
        status(C2, "192.0.2.9"),
    ]
    assert 403 == status("/exports/no.txt", "192.0.3.9", **bearer(token))


@pytest.mark.parametrize(
    ("hops", "status"),
    [
        ("203.0.113.9", 403),
        ("203.0.113.9:4444", 403),
        ("[2001:db8::9]:443", 403),
        ("2001:db8::9%eth0", 403),
        ("203.0.113.9%eth0", 403),
        ("unknown", 403),
        ("_hidden", 403),
        ("", 403),
        ("127.0.0.1, unknown", 403),
        ("unknown, 127.0.0.1", 403),
        ("[10.1.2.3", 403),
        ("10.1.2.3]:443", 403),
        ("10.1.2.3:443:443", 403),
        ("10.1.2.3:port", 403),
        ("10.1.2.3:4444", 200),
        ("unknown, 10.1.2.3:4444, 127.0.0.1:80", 200),
        ("[2001:db8:1::9]", 200),
        ("[2001:db8:1::9]:443", 200),
        ("2001:db8:1::9%eth0", 200),
        ("[2001:db8:1::9%eth0]:443", 200),
        ("[::ffff:10.1.2.3]:443", 200),
    ],
)
def test_what_a_proxy_writes_of_who_asks(make_api, hops, status):
    """A port, brackets and a zone are taken off; what is no address then is in no network, not even in the proxy's."""
    publisher = Publisher(make_api(api_trusted_proxies="127.0.0.0/8"))
    networks = ("127.0.0.0/8", "10.1.0.0/16", "2001:db8:1::/48")
    publisher.publish("open", addresses(3), is_public=True, networks=networks)
    with publisher.client() as client:
        answer = client.get("/exports/open.txt", headers={"X-Forwarded-For": hops})

    assert status == answer.status_code


def test_who_cannot_be_told_apart_is_not_taken_for_the_proxy(make_api, caplog):
    """The log says that the address is not known; without networks the list is sent."""
    caplog.set_level(logging.INFO)
    publisher = Publisher(make_api(api_trusted_proxies="127.0.0.0/8"))
    publisher.publish("open", addresses(3), is_public=True)
    with publisher.client() as client:
        answer = client.get("/exports/open.txt", headers={"X-Forwarded-For": "unknown"})

    def said() -> list[str]:
        return [record.address for record in caplog.records if record.msg == "request answered"]

    give_up_at = time.monotonic() + 10
    while not said() and time.monotonic() < give_up_at:  # the line is written when the answer has been sent
        time.sleep(0.01)
    assert (200, ["unknown"]) == (answer.status_code, said())


def test_a_network_that_cannot_be_read_is_not_anywhere(publisher):
    """What was damaged in the store opens no list."""
    publisher.publish("open", addresses(3), is_public=True, networks=("127.0.0.0/8",))
    with publisher.api.services.store() as store, store.writing() as connection:
        connection.execute(update(export_networks).values(networks='["127.0.0.0/x"]'))
    with publisher.client() as client:
        answer = client.get("/exports/open.txt")

    assert 403 == answer.status_code


def test_a_stranger_cannot_say_another_address(publisher):
    """Without a trusted proxy ``X-Forwarded-For`` means nothing."""
    publisher.publish("open", addresses(3), is_public=True, networks=("10.1.0.0/16",))
    with publisher.client() as client:
        answer = client.get("/exports/open.txt", headers={"X-Forwarded-For": "10.1.2.3"})

    assert 403 == answer.status_code


def test_tokens_are_in_no_log(make_api, caplog):
    """Not those in headers, nor those in addresses, however they are answered."""
    caplog.set_level(logging.DEBUG)
    publisher = Publisher(make_api(api_tokens_in_query="yes"))
    publisher.publish("c2", addresses(3))
    token = publisher.consumer("firewall", "c2")
    with publisher.client() as client:
        for path in (C2, "/exports/no.txt"):
            client.get(path, headers=bearer(token))
            client.get(path, headers=basic(token))
            client.get(path, params={"token": token})

    ours = [record for record in caplog.records if record.name.startswith(("core", "uvicorn"))]
    assert any("/exports/c2.txt" in str(vars(record)) for record in ours)
    secret = token.rpartition("_")[2]
    assert not [record for record in ours if secret in str(vars(record))]


def test_a_token_is_kept_as_a_hash(new_databases, publisher, c2, token):
    """Whoever has the database has no token."""
    held = new_databases.content(publisher.api.database)

    assert b"firewall" in held
    assert token.encode() not in held
    assert token[16:].encode() not in held


@pytest.mark.parametrize(
    "path",
    [
        "/exports/../yeti.db",
        "/exports/..%2fyeti.db",
        "/exports/%2e%2e/yeti.db",
        "/exports/~c2/../../yeti.db",
        "/exports//etc/passwd",
        "/exports/%00",
        "/exports/" + "a" * 5_000,
        "/exports/",
        "/exports/~",
        "/exports/~c2",
        "/exports/~c2/",
    ],
)
def test_names_lead_nowhere_else(publisher, c2, path):
    """A name is looked up among those that are published, and never opened."""
    key = publisher.api.key("admin")
    with publisher.client(key) as client:
        answer = client.get(path)

    assert 404 == answer.status_code


def test_the_store_is_away(new_databases, publisher, c2, token):
    """Who may fetch what cannot be known then: 503, and firewalls keep the list that they have."""
    other = Services(publisher.api.services.config, clock=publisher.api.clock)
    with (
        new_databases.away(publisher.api.database),
        listening(create_app(other), other) as url,
        publisher.client(token) as client,
    ):
        answer = client.get(f"{url}{C2}")
        login = client.post(f"{url}/api/v2/auth/token", data={"username": "a", "password": "b"})

    assert (503, "5") == (answer.status_code, answer.headers["retry-after"])
    assert 503 == login.status_code
    for told in (answer.text, login.text):
        assert "the store cannot be used just now" in told
        assert "yeti.db" not in told
