"""Consumers by HTTP: added, let in and out, with tokens that are exchanged, and what each has."""

import time

from desk import EXPORTS, Desk
from served import Api

from core.schemas.instant import DAY
from core.store import audit, fetches

CONSUMERS = f"{EXPORTS}/consumers"
FW = f"{CONSUMERS}/fw-1"


def _fetched(api: Api, token: str, name: str = "c2.txt") -> int:
    """The status of a fetch with a token, when what was changed is known."""
    with api.client(None) as client:
        return client.get(f"/exports/{name}", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_consumer_is_added_and_fetches(desk: Desk) -> None:
    """From nothing to a list: the token is shown once, and the fetch is seen."""
    desk.fill(1)
    desk.define("c2")
    desk.run("c2")
    body = {"name": "fw-1", "exports": ["c2"], "networks": ["127.0.0.1"], "description": "at the gate"}
    added = desk.admin.post(CONSUMERS, json=body)
    made = desk.admin.post(f"{FW}/tokens", json={"expires_in_days": 30})
    token = made.json()["token"]
    status = _fetched(desk.api, token)
    desk.api.app.state.files.fetches.write()
    shown = desk.admin.get(added.headers["location"])
    lags = desk.admin.get(f"{EXPORTS}/lags", params={"consumer": "fw-1"}).json()

    assert (201, FW, []) == (added.status_code, added.headers["location"], added.json()["tokens"])
    assert (["127.0.0.1/32"], "at the gate") == (added.json()["networks"], added.json()["description"])
    assert (201, "no-store", token[:14]) == (
        made.status_code,
        made.headers["cache-control"],
        made.json()["begins"],
    )
    assert 200 == status
    assert token not in shown.text
    assert [token[:14]] == [item["begins"] for item in shown.json()["tokens"]]
    assert [("c2", 1, 1, "current")] == [
        (item["export"], item["current"], item["version"], item["state"]) for item in shown.json()["fetches"]
    ]
    assert (1, shown.json()["fetches"]) == (lags["total"], lags["items"])
    with desk.api.services.store() as store:
        assert 1 == len(fetches.fetches(store, "c2"))


def test_tokens_are_exchanged(desk: Desk) -> None:
    """Two count at once, a third is refused; one that is revoked counts no more, nor one that ended."""
    desk.fill(1)
    desk.define("c2")
    desk.run("c2")
    desk.admin.post(CONSUMERS, json={"name": "fw-1", "all_exports": True})
    first, second = (desk.admin.post(f"{FW}/tokens", json={}).json() for _ in range(2))
    third = desk.admin.post(f"{FW}/tokens", json={})
    both = [_fetched(desk.api, item["token"]) for item in (first, second)]
    revoked = desk.admin.delete(f"{FW}/tokens/{first['begins']}")
    again = desk.admin.delete(f"{FW}/tokens/{first['begins']}")
    ending = desk.admin.post(f"{FW}/tokens", json={"expires_in_days": 1}).json()
    _wait()
    desk.api.clock.now += 2 * DAY
    after = [_fetched(desk.api, item["token"]) for item in (first, second, ending)]

    assert (409, [200, 200]) == (third.status_code, both)
    assert (204, 404) == (revoked.status_code, again.status_code)
    assert [401, 200, 401] == after


def test_exports_are_granted_and_taken_one_by_one(desk: Desk) -> None:
    """Beside those that there are, whoever changes others at the same time; said twice it is the same."""
    for name in ("c2", "lists/odd name"):
        desk.define(name)
    desk.admin.post(CONSUMERS, json={"name": "fw-1"})
    odd = f"{FW}/exports/lists%2Fodd%20name"
    granted = [desk.admin.put(path).json()["exports"] for path in (f"{FW}/exports/c2", odd, odd)]
    taken = [desk.admin.delete(path).json()["exports"] for path in (f"{FW}/exports/c2", f"{FW}/exports/c2")]
    unknown = desk.admin.put(f"{FW}/exports/none"), desk.admin.put(f"{CONSUMERS}/none/exports/c2")

    assert [["c2"], ["c2", "lists/odd name"], ["c2", "lists/odd name"]] == granted
    assert [["lists/odd name"]] * 2 == taken
    assert [404, 404] == [answer.status_code for answer in unknown]
    with desk.api.services.store() as store:
        told = [(item.action, item.actor) for item in audit.entries(store, action="consumer")]
    assert [("consumer changed", "admin (key 0)")] * 3 + [("consumer added", "admin (key 0)")] == told


def test_what_is_left_out_of_a_change_stays(desk: Desk) -> None:
    """Lists take the place of those before; switched off, it is turned away; removed, it is gone."""
    desk.fill(1)
    desk.define("c2")
    desk.run("c2")
    desk.admin.post(CONSUMERS, json={"name": "fw-1", "exports": ["c2"], "description": "x"})
    token = desk.admin.post(f"{FW}/tokens", json={}).json()["token"]
    moved = desk.admin.patch(FW, json={"networks": ["192.0.2.0/24"]}).json()
    _wait()
    elsewhere = _fetched(desk.api, token)
    off = desk.admin.patch(FW, json={"networks": [], "enabled": False}).json()
    _wait()
    turned_away = _fetched(desk.api, token)
    listed = desk.admin.get(CONSUMERS).json()
    gone = [desk.admin.delete(FW).status_code for _ in range(2)]

    assert (["192.0.2.0/24"], ["c2"], "x", True) == tuple(
        moved[word] for word in ("networks", "exports", "description", "enabled")
    )
    assert ([], False) == (off["networks"], off["enabled"])
    assert (403, 401) == (elsewhere, turned_away)
    assert (1, ["fw-1"]) == (listed["total"], [item["name"] for item in listed["items"]])
    assert [204, 404] == gone


def test_what_cannot_be_is_refused(desk: Desk) -> None:
    """Names that are taken or none, exports that there are not, networks that are none; and nobody but admins may."""
    desk.admin.post(CONSUMERS, json={"name": "fw-1"})
    bodies = (
        {"name": "FW-1"},
        {"name": "a b"},
        {"name": "x", "exports": ["none"]},
        {"name": "x", "networks": ["nowhere"]},
        {"name": "x", "token": "mine"},
    )
    answers = [desk.admin.post(CONSUMERS, json=body) for body in bodies]
    others = [client.get(path) for client in (desk.editor, desk.reader) for path in (CONSUMERS, FW)]

    assert [409, 422, 404, 422, 422] == [answer.status_code for answer in answers]
    assert {"application/problem+json"} == {answer.headers["content-type"] for answer in answers}
    assert [403] * 4 == [answer.status_code for answer in others]
    assert 1 == desk.admin.get(CONSUMERS).json()["total"]


def _wait() -> None:
    """Until what was changed is known to whoever serves files: a fifth of a second."""
    time.sleep(0.25)
