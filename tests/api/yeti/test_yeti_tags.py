"""Tags as people manage them, the system's own answers, and indicators that there are none of."""

from collections.abc import Callable

import httpx
import pytest
from served import Api

from core.schemas.instant import DAY, to_text
from core.store import audit, observables
from core.store.rebuild import verify

Export = Callable[..., dict[str, object]]


def made(client: httpx.Client, name: str, **fields: object) -> dict[str, object]:
    """Describe a tag."""
    answer = client.post("tags/", json={"name": name, **fields})
    assert 200 == answer.status_code, answer.text
    return dict(answer.json())


def tagged(client: httpx.Client, tag: str) -> list[str]:
    """Return the values with a tag."""
    found = client.post("observables/search", json={"query": {"tags": [tag]}}).json()
    return [item["value"] for item in found["observables"]]


def test_new_tag(client: httpx.Client, api: Api) -> None:
    """A tag is described before anything has it; its name is as it was sent."""
    tag = made(
        client, "Test Tag", description="for tests", default_expiration="P7D", produces=["a"], replaces=["b"]
    )

    assert {
        "name": "Test Tag",
        "description": "for tests",
        "count": 0,
        "created": to_text(api.clock.now),
        "default_expiration": "P7D",
        "produces": ["a"],
        "replaces": ["b"],
        "id": tag["id"],
        "root_type": "tag",
    } == tag
    assert tag == client.get(f"tags/{tag['id']}").json()


def test_tag_that_is_known_is_described_anew(client: httpx.Client, hosts: dict[str, str]) -> None:
    """Its id and its number of observables stay."""
    (before,) = client.post("tags/get/multiple", json={"names": ["c2"], "count": 1, "page": 0}).json()["tags"]
    after = made(client, "c2", description="command and control")

    assert ("", 3, "P90D") == (before["description"], before["count"], before["default_expiration"])
    assert before | {"description": "command and control", "created": after["created"]} == after


def test_expiration_decides_how_long_a_tag_counts(client: httpx.Client, hosts: dict[str, str], api: Api) -> None:
    """What is set counts for what is tagged already; null is for ever; what is not sent stays."""
    ids = {name: made(client, name)["id"] for name in ("c2", "legit")}
    client.put(f"tags/{ids['c2']}", json={"name": "c2", "default_expiration": "P1D"})
    client.put(f"tags/{ids['legit']}", json={"name": "legit", "default_expiration": None})
    kept = client.put(f"tags/{ids['c2']}", json={"name": "c2", "description": "x"}).json()
    api.clock.now += 200 * DAY
    (item,) = client.post("observables/search", json={"query": {"value": "asd1"}}).json()["observables"]

    assert "P1D" == kept["default_expiration"]
    assert None is client.get(f"tags/{ids['legit']}").json()["default_expiration"]
    assert [("c2", False), ("legit", True)] == [(tag["name"], tag["fresh"]) for tag in item["tags"]]


def test_search(client: httpx.Client, hosts: dict[str, str]) -> None:
    """By a part of the name in any case, by name, in pages."""
    found = client.post("tags/search", json={"name": "C", "count": 10, "page": 0}).json()
    paged = client.post("tags/search", json={"name": "", "count": 2, "page": 1}).json()

    assert (["c2", "exclude"], 2) == ([tag["name"] for tag in found["tags"]], found["total"])
    assert (["legit"], 3) == ([tag["name"] for tag in paged["tags"]], paged["total"])


def test_marks_in_a_search_are_themselves(client: httpx.Client) -> None:
    """Neither a percent sign nor an underscore stands for others."""
    made(client, "a_b")
    made(client, "axb")

    assert ["a_b"] == [tag["name"] for tag in client.post("tags/search", json={"name": "_"}).json()["tags"]]
    assert 0 == client.post("tags/search", json={"name": "%"}).json()["total"]


def test_get_multiple(client: httpx.Client, hosts: dict[str, str]) -> None:
    """Those that there are, however they are written."""
    asked = {"names": ["legit", "C2", "nothing"], "count": 100, "page": 0}
    found = client.post("tags/get/multiple", json=asked).json()

    assert (["c2", "legit"], 2) == ([tag["name"] for tag in found["tags"]], found["total"])


def test_merge(client: httpx.Client, hosts: dict[str, str], api: Api) -> None:
    """What had the one has the other, once; permanently, that is noted; what is derived is right."""
    merged = client.post("tags/merge", json={"merge": ["c2", "exclude"], "merge_into": "legit", "permanent": True})
    gone = client.post("tags/get/multiple", json={"names": ["c2", "exclude"]}).json()
    with api.services.store() as store:
        wrong = verify(store)

    assert 200 == merged.status_code
    assert (4, 4, ["c2", "exclude"]) == (
        merged.json()["merged"],
        merged.json()["into"]["count"],
        merged.json()["into"]["replaces"],
    )
    assert ["asd1.com", "asd2.com", "asd3.com", "asd4.com"] == tagged(client, "legit")
    assert ([], 0) == (gone["tags"], gone["total"])
    assert [] == wrong


def test_rename(client: httpx.Client, hosts: dict[str, str]) -> None:
    """Under another name it is another tag, which what had the old one has; a name that is taken is refused."""
    c2 = made(client, "c2")
    taken = client.put(f"tags/{c2['id']}", json={"name": "legit"})
    renamed = client.put(f"tags/{c2['id']}", json={"name": "botnet", "description": "new"}).json()

    assert 409 == taken.status_code
    assert ("botnet", "new", 3) == (renamed["name"], renamed["description"], renamed["count"])
    assert ["asd1.com", "asd2.com", "asd3.com"] == tagged(client, "botnet")
    assert 404 == client.get(f"tags/{c2['id']}").status_code


def test_delete(client: httpx.Client, hosts: dict[str, str], api: Api) -> None:
    """Nothing has it any more, and nobody finds it; whoever did that is put down."""
    c2 = made(client, "c2")
    answer = client.delete(f"tags/{c2['id']}")
    with api.services.store() as store:
        (entry,) = audit.entries(store, action="tag removed")
        wrong = verify(store)

    assert (200, None) == (answer.status_code, answer.json())
    assert [] == tagged(client, "c2")
    assert 404 == client.delete(f"tags/{c2['id']}").status_code
    assert ("admin (key 0)", "c2", {"observables": 3}) == (entry.actor, entry.subject, dict(entry.detail))
    assert [] == wrong


@pytest.mark.parametrize("field", ["include_tags", "exclude_tags", "ignore_tags"])
def test_tag_that_an_export_goes_by_is_not_touched(
    client: httpx.Client, hosts: dict[str, str], export: Export, field: str
) -> None:
    """Neither merged, renamed nor deleted, however the export spells it: the export would list something else."""
    export("x", **{field: ["C2"]})
    c2 = made(client, "c2")
    answers = [
        client.post("tags/merge", json={"merge": ["c2"], "merge_into": "legit"}),
        client.put(f"tags/{c2['id']}", json={"name": "other"}),
        client.delete(f"tags/{c2['id']}"),
    ]

    assert [409] * 3 == [answer.status_code for answer in answers]
    assert "the export 'x' goes by the tag 'c2'" in answers[0].json()["detail"]
    assert 3 == len(tagged(client, "c2"))


def test_false_positives_stay_what_they_are(client: httpx.Client, hosts: dict[str, str], api: Api) -> None:
    """The tag by which a value was cleared cannot be taken away from it."""
    from core.store import clearing

    with api.services.store() as store:
        clearing.clear(store, "hostname", "asd1.com", "it is ours", api.clock.now)
    (tag,) = client.post("tags/search", json={"name": "false-positive"}).json()["tags"]
    deleted = client.delete(f"tags/{tag['id']}")
    merged = client.post("tags/merge", json={"merge": ["false-positive"], "merge_into": "legit"})
    client.post("observables/tag", json={"ids": [hosts["asd1.com"]], "tags": ["c2"], "strict": True})
    with api.services.store() as store:
        (row,) = observables.find(store, "asd1.com", api.clock.now)

    assert [409, 409] == [deleted.status_code, merged.status_code]
    assert "false-positive" in [item.tag for item in row.tags if item.withdrawn_at is None]


def test_merge_of_what_is_not_there(client: httpx.Client, hosts: dict[str, str]) -> None:
    """Neither what is merged nor what it is merged into is made by that."""
    asked = [{"merge": ["nothing"], "merge_into": "c2"}, {"merge": ["c2"], "merge_into": "nothing"}]
    answers = [client.post("tags/merge", json=body) for body in asked]

    assert [404, 404] == [answer.status_code for answer in answers]
    assert 3 == len(tagged(client, "c2"))


def test_who_may_do_what(anybody: Callable[[str | None], httpx.Client], client: httpx.Client) -> None:
    """Readers look; editors change."""
    ids = {role: made(client, f"x{role}")["id"] for role in (None, "reader", "editor")}
    statuses = {}
    for role, key in ids.items():
        other = anybody(role)
        answers = [
            other.get(f"tags/{key}"),
            other.post("tags/search", json={}),
            other.post("tags/get/multiple", json={"names": []}),
            other.post("tags/", json={"name": "y"}),
            other.put(f"tags/{key}", json={"name": f"x{role}"}),
            other.post("tags/merge", json={"merge": ["y"], "merge_into": f"x{role}"}),
            other.delete(f"tags/{key}"),
        ]
        statuses[role] = [answer.status_code for answer in answers]

    assert {None: [401] * 7, "reader": [200] * 3 + [403] * 4, "editor": [200] * 7} == statuses


BAD: list[tuple[str, str, object]] = [
    ("POST", "tags/", {"name": ""}),
    ("POST", "tags/", {"name": "x" * 300}),
    ("POST", "tags/", {"name": "a\0b"}),
    ("POST", "tags/", {"name": "x", "more": 1}),
    ("POST", "tags/", {"name": "x", "description": "\0"}),
    ("POST", "tags/", {"name": "x", "default_expiration": "1h"}),
    ("POST", "tags/", {"name": "x", "default_expiration": -5}),
    ("POST", "tags/", {"name": "x", "default_expiration": "P999999D"}),
    ("POST", "tags/search", {"name": "x\0"}),
    ("POST", "tags/search", {"name": None}),
    ("POST", "tags/search", {"count": -1}),
    ("POST", "tags/search", {"page": 10**30}),
    ("POST", "tags/get/multiple", {"names": "x"}),
    ("POST", "tags/merge", {"merge": [], "merge_into": "x"}),
    ("PUT", "tags/1", {}),
]


def test_bad_requests_are_refused(client: httpx.Client) -> None:
    """422, with what is wrong; and no tag is made."""
    answers = [client.request(method, path, json=body) for method, path, body in BAD]

    assert [] == [bad for bad, answer in zip(BAD, answers, strict=True) if answer.status_code != 422]
    assert all(answer.json()["detail"] for answer in answers)
    assert 0 == client.post("tags/search", json={}).json()["total"]


def test_config_is_for_anybody_and_tells_nothing(anybody: Callable[[str | None], httpx.Client], api: Api) -> None:
    """How to log in is said to whoever asks; where things are is not, neither as it stands nor in parts."""
    answer = anybody(None).get("system/config")
    settings = api.services.settings

    assert 200 == answer.status_code
    assert {"auth", "system", "rbac_enabled", "agents_enabled"} == set(answer.json())
    assert {"module": "local", "enabled": True} == answer.json()["auth"]
    assert "path" not in answer.text
    assert str(settings.export_path) not in answer.text
    assert str(api.services.config.home) not in answer.text


def test_types_are_for_whoever_is_known(anybody: Callable[[str | None], httpx.Client]) -> None:
    """The types that may be sent, those of Yeti that are kept as generic among them."""
    found = anybody("reader").get("system/types").json()

    assert {"hostname", "ipv4", "command_line", "sha256"} <= set(found["observables"])
    assert 401 == anybody(None).get("system/types").status_code


def test_there_are_no_indicators(anybody: Callable[[str | None], httpx.Client]) -> None:
    """Whatever is asked for, nothing is found; but only by whoever is known."""
    asked = {"query": {"name": "x"}, "type": "regex", "count": 100, "page": 0}
    answers = [
        anybody("reader").post("indicators/search", json=asked),
        anybody("editor").post("indicators/search"),
    ]

    assert [(200, {"indicators": [], "total": 0})] * 2 == [(a.status_code, a.json()) for a in answers]
    assert 401 == anybody(None).post("indicators/search", json=asked).status_code
