"""Templates as Yeti's clients use them: looked for, rendered, kept, changed, removed."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from served import Api

from core.api.yeti import template_routes
from core.store import kept_templates

LOOP = "{% for obs in data %}{{ obs.value }}\n{% endfor %}"
Export = Callable[..., dict[str, object]]


def kept(client: httpx.Client, name: str, text: str = LOOP) -> dict[str, str]:
    """Keep a template."""
    answer = client.post("templates/", json={"template": {"name": name, "template": text}})
    assert 200 == answer.status_code, answer.text
    return dict(answer.json())


@pytest.fixture
def yetis(client: httpx.Client) -> list[str]:
    """Put in three hosts and three addresses, out of order, and return the ids of the addresses in order."""
    for value in ("yeti3.com", "yeti1.com", "yeti2.com"):
        client.post("observables/", json={"value": value, "type": "hostname", "tags": ["yeti"]})
    answers = [
        client.post("observables/", json={"value": value, "type": "ipv4", "tags": ["yeti"]})
        for value in ("1.1.1.1", "2.2.2.2", "3.3.3.3")
    ]
    return [answer.json()["id"] for answer in answers]


def test_search_template(client: httpx.Client, template: str) -> None:
    """A template is found by a part of its name, with exactly the fields of Yeti's."""
    found = client.post("templates/search", json={"name": "Fake"}).json()

    assert 1 == found["total"]
    assert [{"name", "template"}] == [set(item) for item in found["templates"]]
    assert (template, True) == (
        found["templates"][0]["name"],
        found["templates"][0]["template"].startswith("<blah>"),
    )


def test_search_in_the_older_form_gives_ids(client: httpx.Client, template: str) -> None:
    """Whoever asks with ``query``, as before October 2024, changes templates by their ids, and is told them."""
    asked = {"query": {"name": "Fake"}, "sorting": [["name", True]], "count": 50, "page": 0}
    (found,) = client.post("templates/search", json=asked).json()["templates"]

    assert {"name", "template", "id"} == set(found)
    assert 200 == client.delete(f"templates/{found['id']}").status_code


def test_pagination(client: httpx.Client, api: Api) -> None:
    """Fifty a page unless said otherwise, by name; the last page has the rest; 0 is all."""
    with api.services.store() as store:
        for number in range(100):
            kept_templates.put_template(store, f"blah_{number:02}", LOOP, 0)
        kept_templates.put_template(store, "other", LOOP, 0)
    first = client.post("templates/search", json={"name": "blah"}).json()
    fourth = client.post("templates/search", json={"name": "blah", "count": 5, "page": 3}).json()
    last = client.post("templates/search", json={"count": 30, "page": 3}).json()
    beyond = client.post("templates/search", json={"name": "blah", "page": 10**9}).json()
    every = client.post("templates/search", json={"count": 0}).json()

    assert ([f"blah_{number:02}" for number in range(50)], 100) == (
        [item["name"] for item in first["templates"]],
        first["total"],
    )
    assert [f"blah_{number}" for number in range(15, 20)] == [item["name"] for item in fourth["templates"]]
    assert (11, 101) == (len(last["templates"]), last["total"])
    assert ([], 100) == (beyond["templates"], beyond["total"])
    assert 101 == len(every["templates"])


def test_render_by_ids(client: httpx.Client, template: str, yetis: list[str]) -> None:
    """What is rendered is text to be kept in a file, with a last line end as Yeti has it; unknown ids are passed over."""
    ids = [yetis[0], "99999", yetis[1], "no-id", yetis[2]]
    answer = client.post("templates/render", json={"template_name": template, "observable_ids": ids})
    reverse = client.post("templates/render", json={"template_name": template, "observable_ids": yetis[::-1]})

    assert 200 == answer.status_code
    assert "<blah>\n1.1.1.1\n2.2.2.2\n3.3.3.3\n\n</blah>\n" == answer.text
    assert "<blah>\n3.3.3.3\n2.2.2.2\n1.1.1.1\n\n</blah>\n" == reverse.text
    assert "attachment; filename=FakeTemplate.txt" == answer.headers["content-disposition"]
    assert "text/plain; charset=utf-8" == answer.headers["content-type"]


def test_two_render_at_once(
    client: httpx.Client, template: str, yetis: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes a process with memory of its own: others wait, and keep neither thread nor store."""
    write, lock, now, most = template_routes._write, threading.Lock(), 0, 0

    def counted(*given: Any) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.1)
        try:
            write(*given)
        finally:
            with lock:
                now -= 1

    monkeypatch.setattr(template_routes, "_write", counted)
    body = {"template_name": template, "observable_ids": yetis}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: client.post("templates/render", json=body, timeout=60), range(6)))

    assert [200] * 6 == [answer.status_code for answer in answers]
    assert 2 == most


def test_render_by_search(client: httpx.Client, template: str, yetis: list[str]) -> None:
    """What has the text in its value comes in the order of type and value, whenever it came in."""
    answer = client.post("templates/render", json={"template_name": template, "search_query": "YETI"})

    assert "<blah>\nyeti1.com\nyeti2.com\nyeti3.com\n\n</blah>\n" == answer.text


def test_render_by_the_id_of_a_template(client: httpx.Client, yetis: list[str]) -> None:
    """``template_id``, which Yeti's own pages send, is understood, too."""
    made = kept(client, "x")
    answer = client.post("templates/render", json={"template_id": made["id"], "observable_ids": yetis[:1]})

    assert "1.1.1.1\n" == answer.text.rstrip("\n") + "\n"


def test_render_what_is_not_there(client: httpx.Client, template: str) -> None:
    """The messages are Yeti's."""
    asked: list[dict[str, object]] = [
        {"template_name": "NotExist", "observable_ids": ["1"]},
        {"template_name": template, "search_query": "nothing"},
        {"template_name": template},
        {"template_name": template, "observable_ids": [], "search_query": ""},
        {"observable_ids": ["1"]},
    ]
    answers = [client.post("templates/render", json=body) for body in asked]

    assert [
        (404, "Template NotExist not found."),
        (404, "No observables found for search query."),
        (400, "Must specify either search_query or observable_ids."),
        (400, "Must specify either search_query or observable_ids."),
        (422, "Say which template: template_name."),
    ] == [(answer.status_code, answer.json()["detail"]) for answer in answers]


def test_name_of_a_file_cannot_break_the_answer(client: httpx.Client, yetis: list[str]) -> None:
    """A name with marks, or of another script, is told as RFC 6266 has it, and in no other header."""
    for name in ('a"; filename=evil.exe; x="', "мир", "../../etc/pass wd", "a b"):
        kept(client, name)
        answer = client.post("templates/render", json={"template_name": name, "observable_ids": yetis[:1]})
        header = answer.headers["content-disposition"]
        plain, _, quoted = header.partition("; filename*=UTF-8''")

        assert 200 == answer.status_code
        assert plain.startswith('attachment; filename="')
        assert 2 == plain.count('"')
        assert "/" not in header
        assert f"{name}.txt".replace("/", "_") == unquote(quoted)


def test_whole_template_takes_so_many_rows(make_api: Callable[..., Api]) -> None:
    """What cannot be rendered in batches is given no more rows than ``template.row_limit``."""
    api = make_api(template_row_limit="2")
    with api.client() as client:
        client.base_url = f"{api.url}/api/v2/"
        kept(client, "whole", "{{ data|length }}")
        observables = [{"value": f"1.1.1.{number}", "type": "ipv4"} for number in range(3)]
        client.post("observables/bulk", json={"observables": observables})
        answers = [
            client.post("templates/render", json={"template_name": "whole", "search_query": text})
            for text in ("1.1.1.1", "1.1.1")
        ]

    assert (200, "1\n") == (answers[0].status_code, answers[0].text)
    assert 422 == answers[1].status_code
    assert "template.row_limit (2)" in answers[1].json()["detail"]


def test_create_change_and_remove(client: httpx.Client) -> None:
    """A template is made with an id, by which it is changed and removed."""
    made = kept(client, "x", "one")
    wanted = {"template": {"name": "y", "template": "two"}}
    changed = client.patch(f"templates/{made['id']}", json=wanted)
    found = client.post("templates/search", json={}).json()
    removed = client.delete(f"templates/{made['id']}")
    again = client.delete(f"templates/{made['id']}")

    assert {"id", "name", "template"} == set(made)
    assert (200, {"id": made["id"], "name": "y", "template": "two"}) == (changed.status_code, changed.json())
    assert [{"name": "y", "template": "two"}] == found["templates"]
    assert (200, {"status": "ok"}) == (removed.status_code, removed.json())
    assert (404, {"detail": f"Template {made['id']} not found."}) == (again.status_code, again.json())


def test_exports_follow_the_name_of_their_template(client: httpx.Client, export: Export) -> None:
    """A template that is renamed is the same; one that is used is not removed."""
    made = kept(client, "x")
    export("e", "x")
    client.patch(f"templates/{made['id']}", json={"template": {"name": "y", "template": LOOP}})
    (shown,) = client.post("tasks/search", json={}).json()["tasks"]
    removed = client.delete(f"templates/{made['id']}")

    assert "y" == shown["template_name"]
    assert 409 == removed.status_code
    assert "used by the export e" in removed.json()["detail"]


def test_names_are_taken_once(client: httpx.Client) -> None:
    """Neither a new template nor a changed one takes the name of another."""
    kept(client, "x")
    other = kept(client, "y")
    again = client.post("templates/", json={"template": {"name": "x", "template": "z"}})
    renamed = client.patch(f"templates/{other['id']}", json={"template": {"name": "x", "template": "z"}})

    assert [409, 409] == [again.status_code, renamed.status_code]


def test_templates_are_for_admins(anybody: Callable[[str | None], httpx.Client], client: httpx.Client) -> None:
    """They are programs: everybody may look at them and render, and only admins change them."""
    made = kept(client, "x")
    wanted = {"template": {"name": "y", "template": "z"}}
    client.post("observables/", json={"value": "1.1.1.1", "type": "ipv4"})
    statuses = {}
    for role in (None, "reader", "editor"):
        other = anybody(role)
        answers = [
            other.post("templates/search", json={}),
            other.post("templates/render", json={"template_name": "x", "observable_ids": ["1"]}),
            other.post("templates/", json=wanted),
            other.patch(f"templates/{made['id']}", json=wanted),
            other.delete(f"templates/{made['id']}"),
        ]
        statuses[role] = [answer.status_code for answer in answers]

    assert {None: [401] * 5, "reader": [200, 200, 403, 403, 403], "editor": [200, 200, 403, 403, 403]} == statuses


BAD: list[tuple[str, str, object]] = [
    ("POST", "templates/", {"template": {"name": "x", "template": "{% for"}}),
    ("POST", "templates/", {"template": {"name": "x", "template": "{{ data[0].__class__.__mro__ }}"}}),
    ("POST", "templates/", {"template": {"name": "x", "template": "{% include '/etc/passwd' %}"}}),
    ("POST", "templates/", {"template": {"name": " ", "template": "x"}}),
    ("POST", "templates/", {"template": {"name": "a\0b", "template": "x"}}),
    ("POST", "templates/", {"template": {"name": "x" * 300, "template": "x"}}),
    ("POST", "templates/", {"template": {"name": "x"}}),
    ("POST", "templates/", {"template": {"name": "x", "template": "x"}, "more": 1}),
    ("PATCH", "templates/1", {"template": {"name": "x", "template": "{% for"}}),
    ("POST", "templates/search", {"count": -1}),
    ("POST", "templates/search", {"query": {"other": 1}}),
    ("POST", "templates/search", {"query": {"name": ["x"]}}),
    ("POST", "templates/render", {"template_name": "x", "observable_ids": "1"}),
    ("POST", "templates/render", {"template_name": "x", "observable_ids": [1.5]}),
]


def test_bad_requests_are_refused(client: httpx.Client) -> None:
    """422, with what is wrong; and nothing is kept."""
    kept(client, "there")
    answers = [client.request(method, path, json=body) for method, path, body in BAD]

    assert [] == [bad for bad, answer in zip(BAD, answers, strict=True) if answer.status_code != 422]
    assert all(answer.json()["detail"] for answer in answers)
    assert 1 == client.post("templates/search", json={}).json()["total"]


def test_ids_that_are_none(client: httpx.Client) -> None:
    """What is no number is not found, as any other id that there is not."""
    for text in ("x", "-1", "0", "9" * 30, "1e3", "१"):
        answer = client.delete(f"templates/{text}")

        assert 404 == answer.status_code, text
    assert 422 == client.delete("templates/%00").status_code
