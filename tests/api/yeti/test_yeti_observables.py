"""Observables as Yeti's clients use them: taken in, found, tagged, remarked on, removed."""

import json
import time
from collections.abc import Callable

import httpx
import pytest
from served import Api

from core.schemas.instant import DAY, to_text
from core.store import kept_templates, observables

JSON = {"Content-Type": "application/json"}
FIELDS = {
    "value",
    "type",
    "tags",
    "context",
    "last_analysis",
    "created",
    "modified",
    "acls",
    "root_type",
    "is_valid",
    "id",
}
Export = Callable[..., dict[str, object]]


def tags_of(item: dict[str, list[dict[str, str]]]) -> list[str]:
    """Return the names of the tags of an observable."""
    return [tag["name"] for tag in item["tags"]]


def test_create(client: httpx.Client, api: Api) -> None:
    """An observable comes back in the form of today's Yeti, with tags as a list."""
    answer = client.post("observables/", json={"value": "toto.com", "type": "hostname", "tags": ["tag1", "tag2"]})
    made = answer.json()

    assert 200 == answer.status_code
    assert set(made) == FIELDS
    assert ("toto.com", "hostname", "observable", [], {}) == (
        made["value"],
        made["type"],
        made["root_type"],
        made["context"],
        made["last_analysis"],
    )
    assert ["tag1", "tag2"] == tags_of(made)
    assert [{"name", "last_seen", "expires", "fresh", "id"}] * 2 == [set(tag) for tag in made["tags"]]
    assert (to_text(api.clock.now + 90 * DAY), True) == (made["tags"][0]["expires"], made["tags"][0]["fresh"])
    assert made == client.get(f"observables/{made['id']}").json()


def test_without_tags_nothing_is_claimed(client: httpx.Client) -> None:
    """No tags, an empty list and null are the same: the observable is kept and has none."""
    answers = [
        client.post("observables/", json={"value": f"toto{number}.com", "type": "hostname", **fields})
        for number, fields in enumerate(({}, {"tags": []}, {"tags": None}))
    ]

    assert [(200, [])] * 3 == [(answer.status_code, answer.json()["tags"]) for answer in answers]


def test_create_twice(client: httpx.Client) -> None:
    """What is known is refused, however it is written, with Yeti's words."""
    client.post("observables/", json={"value": "toto.com", "type": "hostname"})
    again = client.post("observables/", json={"value": "Toto[.]com", "type": "guess"})

    assert (400, "Observable with value Toto[.]com already exists") == (again.status_code, again.json()["detail"])


def test_types(client: httpx.Client) -> None:
    """A type is guessed, a value is brought into its one form, a type that is none here is generic."""
    sent = [
        ("hxxps://Evil[.]example.com/a", "guess", "url", "https://evil.example.com/a"),
        ("8.8.8[.]8", "guess", "ipv4", "8.8.8.8"),
        ("D41D8CD98F00B204E9800998ECF8427E", "md5", "md5", "d41d8cd98f00b204e9800998ecf8427e"),
        ("cmd.exe /c calc", "command_line", "generic", "cmd.exe /c calc"),
        ("Global\\x", "mutex", "mutex", "Global\\x"),
    ]
    answers = [client.post("observables/", json={"value": value, "type": type_}) for value, type_, *_ in sent]

    assert [(type_, value) for *_, type_, value in sent] == [
        (answer.json()["type"], answer.json()["value"]) for answer in answers
    ]


def test_value_that_is_none_is_refused(client: httpx.Client) -> None:
    """With Yeti's words, and why."""
    answers = [
        client.post("observables/", json={"value": value, "type": type_})
        for value, type_ in (("toto", "ipv4"), ("just words", "guess"), ("", "hostname"))
    ]
    nul = client.post("observables/", json={"value": "a\0.com", "type": "hostname"})
    half = client.post("observables/", content=b'{"value": "\\ud800", "type": "generic"}', headers=JSON)

    assert 400 == half.status_code
    assert 422 == nul.status_code  # which no text that is sent may hold
    assert [400] * 3 == [answer.status_code for answer in answers]
    assert all(answer.json()["detail"].startswith("Failed to add observable: ") for answer in answers)


def test_who_says_so(client: httpx.Client, api: Api) -> None:
    """The source of what is said by this interface is whoever says it; under a sticky tag it says that it is good."""
    client.post("observables/", json={"value": "toto.com", "type": "hostname", "tags": ["c2", "benign"]})
    with api.services.store() as store:
        (row,) = observables.find(store, "toto.com", api.clock.now)

    assert [("benign", "api:admin", "benign"), ("c2", "api:admin", "malicious")] == [
        (item.tag, item.source, item.kind) for item in row.tags
    ]


def test_extended(client: httpx.Client) -> None:
    """What a type has beside the value is kept as context, of whoever sent it."""
    sent = {"value": "evil.exe", "type": "file", "size": 12, "sha256": None, "id": "5", "root_type": "observable"}
    made = client.post("observables/extended", json={"observable": sent, "tags": ["tag1"]}).json()
    again = client.post("observables/extended", json={"observable": sent})

    assert ("evil.exe", "file", ["tag1"]) == (made["value"], made["type"], tags_of(made))
    assert [{"source": "api:admin", "size": 12}] == made["context"]
    assert (400, "Observable with value evil.exe already exists") == (again.status_code, again.json()["detail"])


def test_bulk(client: httpx.Client) -> None:
    """Those that are known get the tags and are listed; what is no value is listed as failed."""
    client.post("observables/", json={"value": "toto.com", "type": "hostname", "tags": ["old"]})
    sent = [
        {"value": "toto.com", "type": "hostname", "tags": ["new"]},
        {"value": "8.8.8.8", "type": "guess"},
        {"value": "no value", "type": "guess"},
        {"value": "8.8.8.8", "type": "ipv4", "tags": ["again"]},
        {"value": "999.1.1.1", "type": "ipv4"},
    ]
    answer = client.post("observables/bulk", json={"observables": sent})

    assert 200 == answer.status_code
    assert [("toto.com", ["new", "old"]), ("8.8.8.8", ["again"]), ("8.8.8.8", ["again"])] == [
        (item["value"], tags_of(item)) for item in answer.json()["added"]
    ]
    assert ["no value", "999.1.1.1"] == answer.json()["failed"]


def test_bulk_of_nothing_fails(client: httpx.Client) -> None:
    """With Yeti's words."""
    for sent in ([], [{"value": "no value", "type": "guess"}]):
        answer = client.post("observables/bulk", json={"observables": sent})

        assert (400, {"detail": "Failed to add any observables."}) == (answer.status_code, answer.json())


def test_bulk_of_many_is_quick(client: httpx.Client) -> None:
    """Tens of thousands are some batches, not as many transactions; a long answer is whole."""
    sent = [
        {"value": f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", "type": "guess", "tags": ["c2"] if n % 2 else []}
        for n in range(20_000)
    ]
    began = time.perf_counter()
    answer = client.post("observables/bulk", json={"observables": sent})
    took_s = time.perf_counter() - began
    found = client.post("observables/search", json={"query": {"tags": ["c2"]}, "count": 0}).json()

    assert [item["value"] for item in sent] == [item["value"] for item in answer.json()["added"]]
    assert (10_000, 10_000) == (found["total"], len(found["observables"]))
    assert took_s < 20


def test_tags_that_are_none(client: httpx.Client) -> None:
    """Blank ones, too long ones and too many are 422; the message is Yeti's."""
    bad: list[object] = [[""], [" "], ["x" * 251], [f"t{n}" for n in range(51)], ["a\nb"], ["\0"], [5], "tag", {}]
    answers = [
        client.post("observables/", json={"value": "toto.com", "type": "hostname", "tags": tags}) for tags in bad
    ]

    assert [422] * len(bad) == [answer.status_code for answer in answers]
    assert "Value error, Tags cannot be empty" == answers[0].json()["detail"][0]["msg"]
    assert ["body", "tags"] == answers[0].json()["detail"][0]["loc"]


def test_import_text(client: httpx.Client) -> None:
    """Values are found line by line, defanged or not; what is none is told."""
    text = "1.1.1[.]1\n8.8.8.8 # resolver\ntomchop_me\ngoogle[.]com\nhttp://google[.]com/\n\nd41d8cd98f00b204e9800998ecf8427e"
    answer = client.post("observables/import/text", json={"text": text, "tags": ["tag1", "tag2"]})
    added = answer.json()["added"]

    assert 200 == answer.status_code
    assert [
        ("1.1.1.1", "ipv4"),
        ("8.8.8.8", "ipv4"),
        ("google.com", "hostname"),
        ("http://google.com/", "url"),
        ("d41d8cd98f00b204e9800998ecf8427e", "md5"),
    ] == [(item["value"], item["type"]) for item in added]
    assert [["tag1", "tag2"]] * 5 == [tags_of(item) for item in added]
    assert ["tomchop_me"] == answer.json()["failed"]
    assert [{"source": "api:admin", "comment": "resolver"}] == added[1]["context"]


def test_import_of_nothing_that_is_known(client: httpx.Client) -> None:
    """200 with what failed, from a text and from a file: only ``bulk`` answers 400 where nothing went in."""
    text = "tomchop_me\n\nonly words"
    answers = [
        client.post("observables/import/text", json={"text": text, "tags": []}),
        client.post("observables/import/text", json={"text": text, "tags": ["c2"]}),
        client.post("observables/import/file", files={"file": ("list.txt", text.encode())}),
    ]
    empty = client.post("observables/import/text", json={"text": ""})

    assert [(200, {"added": [], "failed": ["tomchop_me", "only words"]})] * 3 == [
        (answer.status_code, answer.json()) for answer in answers
    ]
    assert (200, {"added": [], "failed": []}) == (empty.status_code, empty.json())
    assert 0 == client.post("observables/search", json={}).json()["total"]


def test_import_file(client: httpx.Client) -> None:
    """A file is read by the importer that knows it; without tags nothing is claimed of the lines of a list."""
    files = {"file": ("list.txt", b"1.1.1[.]1\n8.8.8.8 # resolver\n")}
    tagged = client.post("observables/import/file", files=files, data={"tags": ["tag1", "tag2"]})
    joined = client.post("observables/import/file", files=files, data={"tags": "tag3,tag4"})
    plain = client.post("observables/import/file", files={"file": ("list.txt", b"9.9.9.9 # other\n")})
    stix = client.post("observables/import/file", files={"file": ("x.json", STIX)}, data={"tags": "stix"})

    assert [["tag1", "tag2"]] * 2 == [tags_of(item) for item in tagged.json()["added"]]
    assert ["tag1", "tag2", "tag3", "tag4"] == tags_of(joined.json()["added"][0])
    assert [([], [{"source": "api:admin", "comment": "other"}])] == [
        (item["tags"], item["context"]) for item in plain.json()["added"]
    ]
    assert [("evil.example.com", True)] == [
        (item["value"], "stix" in tags_of(item)) for item in stix.json()["added"]
    ]


STIX = b"""{"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000000", "objects": [{"type": "indicator",
"spec_version": "2.1", "id": "indicator--00000000-0000-4000-8000-000000000001", "created": "2026-01-01T00:00:00Z",
"modified": "2026-01-01T00:00:00Z", "pattern": "[domain-name:value = 'evil.example.com']", "pattern_type": "stix",
"valid_from": "2026-01-01T00:00:00Z"}]}"""
WARNINGLIST = b"""{"name": "x", "type": "string", "version": 1, "description": "", "matching_attributes": [],
"list": ["a.com"]}"""


def test_import_of_other_files_is_refused(client: httpx.Client, api: Api) -> None:
    """Templates and lists of what must not be blocked come in by no upload; nor does what is compressed or empty."""
    sent = {
        "x.jinja2": b"{% for row in data %}{{ row.value }}{% endfor %}",
        "list.json": WARNINGLIST,
        "x.gz": b"\x1f\x8b\x08" + bytes(100),
        "x.zip": b"PK\x03\x04" + bytes(100),
        "empty.txt": b"",
        "page.html": b"<!doctype html><html><body>1.1.1.1</body></html>",
        "../../etc/passwd": b"only some words\n",
    }
    answers = {
        name: client.post("observables/import/file", files={"file": (name, data)}) for name, data in sent.items()
    }
    with api.services.store() as store:
        kept = kept_templates.templates(store)

    assert {"added": [], "failed": ["only some words"]} == answers.pop("../../etc/passwd").json()
    assert {422} == {answer.status_code for answer in answers.values()}
    assert "compressed" in answers["x.zip"].json()["detail"]
    assert "holds no observables" in answers["list.json"].json()["detail"]
    assert [] == kept


def test_import_that_is_too_large_is_refused(make_api: Callable[..., Api]) -> None:
    """More than ``api.max_upload_mib`` is 413."""
    api = make_api(api_max_upload_mib="1")
    with api.client() as client:
        answer = client.post("/api/v2/observables/import/file", files={"file": ("x.txt", b"1.1.1.1\n" * 200_000)})

    assert 413 == answer.status_code


def test_find_by_value(client: httpx.Client) -> None:
    """By value and type, as it is kept or as people write it; what is not there is 404 with Yeti's words."""
    made = client.post("observables/", json={"value": "toto.com", "type": "hostname"}).json()
    found = client.get("observables/", params={"value": "toto.com", "type": "hostname"})
    defanged = client.get("observables/", params={"value": "Toto[.]com"})
    missing = client.get("observables/", params={"value": "tata.com", "type": "hostname"})
    other = client.get("observables/", params={"value": "toto.com", "type": "url"})

    assert (made, made) == (found.json(), defanged.json())
    assert (404, "Observable tata.com not found (type: hostname)") == (
        missing.status_code,
        missing.json()["detail"],
    )
    assert 404 == other.status_code


def values(client: httpx.Client, **asked: object) -> list[str]:
    """Return the values that a search finds."""
    answer = client.post("observables/search", json=asked)
    assert 200 == answer.status_code, answer.text
    return [item["value"] for item in answer.json()["observables"]]


def test_search(client: httpx.Client, hosts: dict[str, str], api: Api) -> None:
    """By a part of the value, by tags (all of them), values, types and dates; in pages, sorted."""
    api.clock.now += 2 * DAY
    client.post("observables/", json={"value": "late.org", "type": "hostname", "tags": ["c2", "legit"]})
    day = to_text(api.clock.now - DAY)[:10]

    assert ["asd1.com"] == values(client, query={"value": "ASD1"})
    assert ["asd1.com", "late.org"] == values(client, query={"tags": ["C2", "legit"]})
    assert ["asd1.com", "127.0.0.1"] == values(client, query={"value__in": ["127.0.0.1", "asd1[.]com", "no.no"]})
    assert ["127.0.0.1"] == values(client, query={}, type="ipv4")
    assert ["127.0.0.1"] == values(client, query={"type__in": ["ip", "url"]})
    assert [] == values(client, query={"type": "url"}, type="ipv4")
    assert ["late.org"] == values(client, query={"created": f">{day}"})
    assert ["asd3.com", "asd4.com"] == values(
        client, query={"created": [f"< {day}"], "value": "asd"}, count=2, page=1
    )
    assert ["late.org", "asd5.com"] == values(
        client, type="hostname", sorting=[["created", False], ["value", False]], count=2
    )
    assert 7 == len(values(client, count=0))


def test_search_tells_how_many_there_are(client: httpx.Client, hosts: dict[str, str]) -> None:
    """The total is of all pages; a page beyond the last is empty."""
    page = client.post("observables/search", json={"query": {"value": "asd"}, "count": 2, "page": 1}).json()
    beyond = client.post("observables/search", json={"query": {"value": "asd"}, "count": 2, "page": 10**9}).json()

    assert (["asd3.com", "asd4.com"], 5) == ([item["value"] for item in page["observables"]], page["total"])
    assert ([], 5) == (beyond["observables"], beyond["total"])


def test_tag(client: httpx.Client, hosts: dict[str, str]) -> None:
    """Several at once; the answer tells their tags, by type and id."""
    ids = [hosts["asd1.com"], hosts["asd5.com"]]
    answer = client.post("observables/tag", json={"ids": ids, "tags": ["new"]})

    assert 200 == answer.status_code
    assert 2 == answer.json()["tagged"]
    assert {f"observables/{ids[0]}": ["c2", "legit", "new"], f"observables/{ids[1]}": ["new"]} == {
        key: list(tags) for key, tags in answer.json()["tags"].items()
    }
    assert "new" == answer.json()["tags"][f"observables/{ids[0]}"]["new"]["name"]


def test_strict_tags_replace(client: httpx.Client, hosts: dict[str, str]) -> None:
    """Other tags go, whoever gave them; what is given again later counts again."""
    key = hosts["asd1.com"]
    client.post("observables/tag", json={"ids": [key], "tags": ["only"], "strict": True})
    replaced = client.get(f"observables/{key}").json()
    client.post("observables/tag", json={"ids": [key], "tags": ["c2"]})
    again = client.get(f"observables/{key}").json()
    client.post("observables/tag", json={"ids": [key], "tags": [], "strict": True})
    bare = client.get(f"observables/{key}").json()

    assert ["only"] == tags_of(replaced)
    assert ["c2", "only"] == tags_of(again)
    assert [] == tags_of(bare)


def test_tag_of_unknown_observables(client: httpx.Client, hosts: dict[str, str]) -> None:
    """One unknown id, and nothing is tagged; the message is Yeti's, with the id in it."""
    for text in ("99999", "x", "9" * 40):
        answer = client.post("observables/tag", json={"ids": [hosts["asd5.com"], text], "tags": ["new"]})

        assert 400 == answer.status_code
        assert f"Tagging request contained an unknown observable: ID:{text}" == answer.json()["detail"]
    assert [] == client.get(f"observables/{hosts['asd5.com']}").json()["tags"]


def test_marking_is_no_tag(client: httpx.Client, hosts: dict[str, str]) -> None:
    """A marking says how far a claim may go; on a value alone it would bind nobody, so that it is refused."""
    answer = client.post("observables/tag", json={"ids": [hosts["asd1.com"]], "tags": ["tlp:red"]})

    assert 422 == answer.status_code
    assert "is a marking" in answer.json()["detail"]


def test_marking_alone_is_no_tag_of_what_comes_in(client: httpx.Client) -> None:
    """Nothing would be claimed that it marks; beside a tag it says how far that claim may go."""
    one = {"value": "toto.com", "type": "hostname", "tags": ["tlp:red"]}
    alone = [
        client.post("observables/", json=one),
        client.post("observables/extended", json={"observable": one | {"tags": []}, "tags": ["TLP:AMBER"]}),
        client.post("observables/bulk", json={"observables": [one]}),
    ]
    some = client.post(
        "observables/bulk", json={"observables": [one, one | {"value": "tata.com", "tags": ["c2"]}]}
    )
    beside = client.post("observables/", json=one | {"tags": ["c2", "tlp:red"]})

    assert [400] * 3 == [answer.status_code for answer in alone]
    assert "is a marking" in alone[0].json()["detail"]
    assert (["toto.com"], 1) == (some.json()["failed"], len(some.json()["added"]))
    assert (200, ["c2", "tlp:red"]) == (beside.status_code, tags_of(beside.json()))


def test_context(client: httpx.Client, hosts: dict[str, str]) -> None:
    """A remark is kept once, under the source that it names; it can be taken away."""
    key = hosts["asd1.com"]
    remark = {"source": "FIR", "context": {"incident": 5, "notes": ["a"]}}
    answers = [client.post(f"observables/{key}/context", json=remark) for _ in range(2)]
    gone = client.post(f"observables/{key}/context/delete", json=remark)

    assert [{"source": "FIR", "incident": 5, "notes": ["a"]}] == answers[1].json()["context"]
    assert answers[0].json() == answers[1].json()
    assert [] == gone.json()["context"]


def test_patch(client: httpx.Client, hosts: dict[str, str]) -> None:
    """What is new is added as context; another type or value is refused."""
    key = hosts["asd1.com"]
    shown = client.get(f"observables/{key}").json()
    same = client.patch(f"observables/{key}", json={"observable": shown})
    more = {"value": "asd1.com", "type": "hostname", "context": [{"source": "me", "x": 1}]}
    changed = client.patch(f"observables/{key}", json={"observable": more})
    other_type = client.patch(f"observables/{key}", json={"observable": {"value": "1.1.1.1", "type": "ipv4"}})
    other_value = client.patch(f"observables/{key}", json={"observable": {"value": "b.com", "type": "hostname"}})

    assert (200, shown) == (same.status_code, same.json())
    assert [{"source": "me", "x": 1}] == changed.json()["context"]
    assert (400, f"Observable {key} type mismatch. Provided 'ipv4'. Expected 'hostname'") == (
        other_type.status_code,
        other_type.json()["detail"],
    )
    assert 400 == other_value.status_code


def test_delete(client: httpx.Client, hosts: dict[str, str]) -> None:
    """It is gone, with all that was said of it; it can be put in anew."""
    key = hosts["127.0.0.1"]
    answer = client.delete(f"observables/{key}")
    missing = [client.get(f"observables/{key}"), client.delete(f"observables/{key}")]
    again = client.post("observables/", json={"value": "127.0.0.1", "type": "ipv4"})

    assert (200, None) == (answer.status_code, answer.json())
    assert [404, 404] == [each.status_code for each in missing]
    assert {"detail": f"Observable {key} not found"} == missing[0].json()
    assert 200 == again.status_code


def test_delete_of_what_was_listed(
    client: httpx.Client,
    hosts: dict[str, str],
    export: Export,
    work: Callable[[], int],
    published: Callable[[str], list[str]],
) -> None:
    """It leaves the export; the version that had it can still be explained, so that it is known, without tags."""
    export("x", enabled=True)
    client.post("tasks/x/run")
    work()
    client.delete(f"observables/{hosts['asd4.com']}")
    left = client.get(f"observables/{hosts['asd4.com']}").json()
    client.post("tasks/x/run")
    work()

    assert [] == left["tags"]
    assert ["asd1.com", "asd2.com", "asd3.com"] == published("x.txt")


def test_id_that_is_given_again_is_compared_with_allow_lists(
    client: httpx.Client,
    export: Export,
    work: Callable[[], int],
    published: Callable[[str], list[str]],
    api: Api,
) -> None:
    """What takes the place of a deleted observable is kept off lists as any other."""
    from core.store.allow_lists import hits

    doomed = client.post("observables/", json={"value": "evil.example.com", "type": "hostname"}).json()["id"]
    with api.services.store() as store:
        hits.refresh(store, api.clock.now)
    client.delete(f"observables/{doomed}")
    made = client.post("observables/", json={"value": "192.168.1.1", "type": "ipv4", "tags": ["c2"]}).json()
    others = [{"value": f"evil{number}.example.com", "type": "hostname", "tags": ["c2"]} for number in range(30)]
    client.post("observables/bulk", json={"observables": others})
    export("x", enabled=True)
    client.post("tasks/x/run")
    work()

    assert doomed == made["id"]
    assert sorted(item["value"] for item in others) == published("x.txt")


@pytest.mark.parametrize("role", [None, "reader", "editor"])
def test_who_may_do_what(
    anybody: Callable[[str | None], httpx.Client], hosts: dict[str, str], role: str | None
) -> None:
    """Readers look; editors change."""
    client, key = anybody(role), hosts["asd1.com"]
    looks = [
        client.post("observables/search", json={}),
        client.get("observables/", params={"value": "asd1.com"}),
        client.get(f"observables/{key}"),
    ]
    one = {"value": "toto.com", "type": "hostname"}
    changes = [
        client.post("observables/", json=one),
        client.post("observables/extended", json={"observable": one | {"value": "tata.com"}}),
        client.post("observables/bulk", json={"observables": [one]}),
        client.post("observables/import/text", json={"text": "titi.com"}),
        client.post("observables/import/file", files={"file": ("x", b"tutu.com")}),
        client.post("observables/tag", json={"ids": [key], "tags": ["x"]}),
        client.post(f"observables/{key}/context", json={"source": "x", "context": {}}),
        client.post(f"observables/{key}/context/delete", json={"source": "x", "context": {}}),
        client.patch(f"observables/{key}", json={"observable": {"value": "asd1.com", "type": "hostname"}}),
        client.delete(f"observables/{key}"),
    ]
    look, change = {None: (401, 401), "reader": (200, 403), "editor": (200, 200)}[role]

    assert [look] * 3 == [answer.status_code for answer in looks]
    assert [change] * 10 == [answer.status_code for answer in changes]


BAD: list[tuple[str, str, object]] = [
    ("POST", "observables/", {"value": "toto.com", "type": "nothing"}),
    ("POST", "observables/", {"value": "toto.com"}),
    ("POST", "observables/", {"value": 5, "type": "hostname"}),
    ("POST", "observables/", {"value": "toto.com", "type": "hostname", "more": 1}),
    ("POST", "observables/", {"value": "toto.com", "type": "hostname", "tags": ["\ud800"]}),
    ("POST", "observables/bulk", {"observables": [{"value": "x", "type": "nothing"}]}),
    ("POST", "observables/bulk", {"observables": {}}),
    ("POST", "observables/extended", {"observable": {"value": "x.com", "type": "guess"}}),
    ("POST", "observables/import/text", {"text": None}),
    ("POST", "observables/import/text", {"text": "1.1.1.1", "more": 1}),
    ("POST", "observables/import/text", {"text": "\ud800 1.1.1.2"}),
    ("POST", "observables/import/text", {"text": "1.1.1.1\n" * 10_000 + "\ud800"}),
    ("POST", "observables/search", {"query": {"nothing": 1}}),
    ("POST", "observables/search", {"query": {"value": 5}}),
    ("POST", "observables/search", {"query": {"value": "\ud800"}}),
    ("POST", "observables/search", {"query": {"value__in": ["x"] * 10_001}}),
    ("POST", "observables/search", {"query": {"tags": {"a": 1}}}),
    ("POST", "observables/search", {"query": {"created": "2024"}}),
    ("POST", "observables/search", {"query": {"created": ">yesterday"}}),
    ("POST", "observables/search", {"query": {"created": [">2024-01-01"] * 2_000}}),
    ("POST", "observables/search", {"query": {"type": "nothing"}}),
    ("POST", "observables/search", {"sorting": [["tags", True]]}),
    ("POST", "observables/search", {"count": -1}),
    ("POST", "observables/search", {"page": -1}),
    ("POST", "observables/search", {"page": 10**30}),
    ("POST", "observables/tag", {"ids": "1", "tags": []}),
    ("POST", "observables/1/context", {"source": "", "context": {}}),
    ("POST", "observables/1/context", {"source": "yetictl withdraw", "context": {}}),
    ("POST", "observables/1/context", {"source": "x", "context": []}),
    ("POST", "observables/1/context", {"source": "x", "context": {"a": "\ud800"}}),
    ("POST", "observables/1/context", {"source": "x\0", "context": {}}),
    ("POST", "observables/1/context", {"source": "x", "context": {"a": {"b": [float("inf")]}}}),
    ("POST", "observables/1/context", {"source": "x", "context": {"a": float("nan")}}),
    (
        "POST",
        "observables/extended",
        {
            "observable": {
                "value": "new.example",
                "type": "hostname",
                "context": [{"source": "x", "a": float("inf")}],
            }
        },
    ),
    ("POST", "observables/import/text", {"text": "1.1.1.1", "tags": ["tlp:red"]}),
    ("GET", "observables/", None),
    ("GET", "observables/?value=x&type=nothing", None),
]


def test_bad_requests_are_refused(client: httpx.Client, hosts: dict[str, str]) -> None:
    """422, with what is wrong; and nothing is changed."""
    before = client.post("observables/search", json={"count": 0}).json()
    statuses = []
    for method, path, body in BAD:
        answer = client.request(method, path, content=json.dumps(body), headers=JSON)
        statuses.append((answer.status_code, path, str(body)[:80], bool(answer.json().get("detail"))))

    assert [] == [status for status in statuses if (status[0], status[3]) != (422, True)]
    assert before == client.post("observables/search", json={"count": 0}).json()


def test_bodies_that_are_none(client: httpx.Client) -> None:
    """Wrong JSON, JSON nested without end, and other media types are 4xx."""
    bodies = [b"{", b"[" * 100_000, b"\xff\xfe", b"", b"NaN", b'{"value": "a.com", "type": "hostname"} x']
    statuses = [client.post("observables/", content=body, headers=JSON).status_code for body in bodies]
    as_form = client.post("observables/", data={"value": "a.com", "type": "hostname"}).status_code

    assert {400, 422} >= {*statuses, as_form}


def test_ids_that_are_none(client: httpx.Client, hosts: dict[str, str]) -> None:
    """What is no number is not found, as any other id that there is not."""
    for text in ("x", "-1", "0", "9" * 18, "9" * 30, "1e3", "१", "1 OR 1=1"):
        answers = [client.get(f"observables/{text}"), client.delete(f"observables/{text}")]

        assert [404, 404] == [answer.status_code for answer in answers], text
    assert 422 == client.get("observables/%00").status_code
