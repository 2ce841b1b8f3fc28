"""Exports as Yeti's tasks: looked for, run, switched, made, changed, removed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

import httpx
import pytest
from served import Api

from core.exports.lease import Clock, held
from core.schemas.instant import SECOND
from core.store import definitions, jobs

FIELDS = {
    "id",
    "name",
    "template_name",
    "enabled",
    "description",
    "status",
    "status_message",
    "last_run",
    "frequency",
    "type",
    "include_tags",
    "exclude_tags",
    "ignore_tags",
    "fresh_tags",
    "acts_on",
    "sha256",
}
Export = Callable[..., dict[str, object]]


def task(client: httpx.Client, name: str) -> dict[str, object]:
    """Return the one task of that name."""
    answer = client.post("tasks/search", json={"query": {"name__in": [name]}})
    (found,) = answer.json()["tasks"]
    return dict(found)


def test_new_export_answers_with_what_was_sent(client: httpx.Client, template: str) -> None:
    """An export is made switched off, and answers with exactly the fields that Yeti's Go client knows."""
    sent = {"name": "RandomExport", "acts_on": ["hostname"], "template_name": template}
    answer = client.post("tasks/export/new", json={"export": sent})
    made = answer.json()

    assert 200 == answer.status_code
    assert set(made) == FIELDS
    assert sent == {key: made[key] for key in sent}
    assert (False, "idle", "", None, None, "export", True, None) == tuple(
        made[key]
        for key in (
            "enabled",
            "status",
            "status_message",
            "last_run",
            "frequency",
            "type",
            "fresh_tags",
            "sha256",
        )
    )


def test_what_is_probably_not_meant_is_in_the_log(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    """A run each second is made, as in Yeti, and is worth a look."""
    wanted = {"name": "often", "acts_on": ["hostname"], "template_name": "csv", "frequency": 1}
    answers = [
        client.post("tasks/export/new", json={"export": wanted}),
        client.patch("tasks/export/often", json={"export": wanted | {"frequency": 2}}),
    ]

    assert [200, 200] == [answer.status_code for answer in answers]
    told = [vars(item) for item in caplog.records if item.getMessage() == "export is probably not meant so"]
    assert [("often", "it runs every 1 s"), ("often", "it runs every 2 s")] == [
        (item["export"], item["why"].partition(",")[0]) for item in told
    ]


def test_new_export_of_a_missing_template_is_refused(client: httpx.Client) -> None:
    """The message is Yeti's."""
    answer = client.post("tasks/export/new", json={"export": {"name": "x", "template_name": "NotThere"}})

    assert 404 == answer.status_code
    assert {"detail": "ExportTask could not be created: Template NotThere not found"} == answer.json()


def test_format_is_a_template(client: httpx.Client, export: Export, api: Api) -> None:
    """Where no template has that name, the name of a format is taken, and shown again; a template goes first."""
    made = export("by format", "csv")
    client.post("templates/", json={"template": {"name": "csv", "template": "{{ data|length }}"}})
    other = export("by template", "csv")
    with api.services.store() as store:
        kept = [definitions.get_export(store, name) for name in ("by format", "by template")]

    assert ("csv", "csv") == (made["template_name"], other["template_name"])
    assert [("csv", ""), ("", "csv")] == [(item.format, item.template) for item in kept]


def test_name_is_taken_once(client: httpx.Client, export: Export) -> None:
    """A second export of that name, and one whose file would be the same, are refused."""
    export("My Export")
    again = client.post("tasks/export/new", json={"export": {"name": "My Export", "template_name": "csv"}})
    same_file = client.post("tasks/export/new", json={"export": {"name": "my_export", "template_name": "list"}})

    assert (409, 422) == (again.status_code, same_file.status_code)
    assert "my_export.txt" in same_file.json()["detail"]
    assert 1 == client.post("tasks/search", json={}).json()["total"]


def test_names_of_any_script_are_published(
    export: Export, client: httpx.Client, api: Api, work: Callable[[], int]
) -> None:
    """Two names without a letter of ASCII do not become one file, as they do in Yeti."""
    export("мир", enabled=True)
    export("日本語", enabled=True)
    answers = [client.post(f"tasks/{name}/run") for name in ("мир", "日本語")]
    work()
    with api.services.store() as store:
        files = {item.file_name for item in definitions.exports(store)}

    assert [200, 200] == [answer.status_code for answer in answers]
    assert 2 == len(files)
    assert "completed" == task(client, "мир")["status"]


@pytest.mark.parametrize("name", ["../../../../etc/passwd", "a/b", "100%", "a?b#c"])
def test_names_with_marks_are_found_again(client: httpx.Client, export: Export, api: Api, name: str) -> None:
    """A name may hold what separates paths; its file stays where files are published."""
    export(name)
    answer = client.post(f"tasks/{quote(name, safe='')}/toggle")
    with api.services.store() as store:
        file_name = definitions.get_export(store, name).file_name

    assert (200, True) == (answer.status_code, answer.json()["enabled"])
    assert "/" not in file_name


DURATIONS = [
    ("PT1H", "PT1H"),
    ("P1D", "P1D"),
    (3600, "PT1H"),
    ("01:00:00", "PT1H"),
    ("1 day", "P1D"),
    ("P1W", "P7D"),
    ("P1Y", "P365D"),
    ("P400DT1H1M1S", "P400DT1H1M1S"),
    (90, "PT1M30S"),
    (None, None),
    ("P0D", None),
    (0, None),
]


def test_durations_are_read_as_yeti_reads_them(export: Export) -> None:
    """Many forms are understood; the answer is in ISO 8601; no time at all is no schedule."""
    shown = [export(f"x{number}", frequency=sent)["frequency"] for number, (sent, _) in enumerate(DURATIONS)]

    assert [iso for _, iso in DURATIONS] == shown


def test_other_durations_are_refused(client: httpx.Client) -> None:
    """What is no duration, none of whole seconds, or cannot be, is 422 and says where."""
    for sent in ("3600", "1h", "", "Invalid date", -5, "-PT5S", 0.5, "P400000D", [], {}):
        wanted = {"name": "x", "template_name": "list", "frequency": sent}
        answer = client.post("tasks/export/new", json={"export": wanted})

        assert 422 == answer.status_code, sent
        assert ["body", "export", "frequency"] == answer.json()["detail"][0]["loc"][:3]


def test_search_export(client: httpx.Client, export: Export) -> None:
    """A search by name finds the one, with its type and tags."""
    export("RandomExport", ignore_tags=["ignore"])
    export("Other")
    found = client.post("tasks/search", json={"query": {"name": "RandomExport"}, "type": "export"}).json()

    assert 1 == found["total"]
    assert ("export", ["ignore"]) == (found["tasks"][0]["type"], found["tasks"][0]["ignore_tags"])


SEARCHES: list[tuple[dict[str, object], list[str]]] = [
    ({"name": "randomexport"}, ["RandomExport", "RandomExport2"]),
    ({"name": "^RandomExport$"}, ["RandomExport"]),
    ({"name": "x.*2|^oth"}, ["Other", "RandomExport2"]),
    ({"name": ""}, ["Other", "RandomExport", "RandomExport2"]),
    ({"description": "FIRST"}, ["RandomExport"]),
    ({"description~": "fi.st|none"}, ["RandomExport"]),
    ({"name__in": ["Other", "Nobody"]}, ["Other"]),
    ({"enabled": True}, ["RandomExport2"]),
    ({"include_tags": ["c2"]}, ["RandomExport2"]),
    ({"status": "idle", "template_name": "csv"}, ["Other"]),
]


def test_searches(client: httpx.Client, export: Export) -> None:
    """A name is a regular expression in any case; other texts are parts; lists, and more expressions, are understood."""
    export("RandomExport", description="the first")
    export("RandomExport2", enabled=True, include_tags=["c2", "x"])
    export("Other", "csv")
    found = [client.post("tasks/search", json={"query": query}).json() for query, _ in SEARCHES]

    assert [names for _, names in SEARCHES] == [[item["name"] for item in page["tasks"]] for page in found]
    assert [len(names) for _, names in SEARCHES] == [page["total"] for page in found]


def test_search_in_pages(client: httpx.Client, export: Export) -> None:
    """Sorted either way, in pages; a count of 0 is all; other tasks than exports there are none."""
    for number in range(5):
        export(f"x{number}", description=f"{4 - number}")
    paged = client.post("tasks/search", json={"sorting": [["description", True]], "count": 2, "page": 1}).json()
    falling = client.post("tasks/search", json={"sorting": [["last_run", True], ["name", False]]}).json()
    every = client.post("tasks/search", json={"count": 0}).json()
    feeds = client.post("tasks/search", json={"type": "feed"}).json()

    assert (["x2", "x1"], 5) == ([item["name"] for item in paged["tasks"]], paged["total"])
    assert ["x4", "x3", "x2", "x1", "x0"] == [item["name"] for item in falling["tasks"]]
    assert 5 == len(every["tasks"])
    assert {"tasks": [], "total": 0} == feeds


def test_expressions_cannot_hang(client: httpx.Client, export: Export) -> None:
    """An expression that would keep other engines busy for ever is answered at once."""
    export("a" * 180 + "!")
    patterns = ("(a+)+$", "(a|aa)+$", "(.*a){12}$", "(a?){30}a{30}$", "((a?){30}){30}$", "(x+x+)+y")
    answers = [client.post("tasks/search", json={"query": {"name": text}}, timeout=5) for text in patterns]

    assert [200] * len(patterns) == [answer.status_code for answer in answers]
    assert max(answer.elapsed.total_seconds() for answer in answers) < 2


def test_toggle_twice(client: httpx.Client, export: Export) -> None:
    """The whole task comes back, on and off again."""
    export("x")
    answers = [client.post("tasks/x/toggle").json() for _ in range(2)]

    assert [True, False] == [answer["enabled"] for answer in answers]
    assert set(answers[0]) == FIELDS


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'{"params": {}}', b'{"params": {"value": "test"}}'])
def test_run_is_a_job(client: httpx.Client, export: Export, api: Api, body: bytes) -> None:
    """A run is asked for with parameters or without, by whom is known, and not done twice at once."""
    export("x", enabled=True)
    headers = {"Content-Type": "application/json"} if body else {}
    answers = [client.post("tasks/x/run", content=body, headers=headers) for _ in range(2)]
    with api.services.store() as store:
        waiting = jobs.find(store)

    assert [(200, {"status": "ok"})] * 2 == [(answer.status_code, answer.json()) for answer in answers]
    assert [("x", "waiting", "request", "admin (key 0)")] == [
        (item.export, item.state, item.cause, item.by) for item in waiting
    ]


def test_run_completes(
    client: httpx.Client, export: Export, hosts: dict[str, str], work: Callable[[], int], api: Api
) -> None:
    """After the run the task says when, and the SHA-256 of what is published."""
    export("x", enabled=True)
    client.post("tasks/x/run")
    done = work()
    found = task(client, "x")

    assert 1 == done
    assert ("completed", "") == (found["status"], found["status_message"])
    moment = datetime.fromisoformat(str(found["last_run"])).timestamp()
    assert abs(moment * SECOND - api.clock.now) < 60 * SECOND
    assert 64 == len(str(found["sha256"]))


def test_run_of_a_task_that_is_off_fails(client: httpx.Client, export: Export, work: Callable[[], int]) -> None:
    """It is taken, as in Yeti, and has failed with Yeti's words; nothing is run; switched on it runs."""
    export("x")
    answer = client.post("tasks/x/run")
    done = work()
    off = task(client, "x")
    client.post("tasks/x/toggle")
    client.post("tasks/x/run")
    work()

    assert (200, {"status": "ok"}, 0) == (answer.status_code, answer.json(), done)
    assert ("failed", "Task is disabled.", None) == (off["status"], off["status_message"], off["last_run"])
    assert ("completed", "") == (task(client, "x")["status"], task(client, "x")["status_message"])


def test_held_run_is_one_that_failed(
    client: httpx.Client, export: Export, hosts: dict[str, str], work: Callable[[], int], api: Api
) -> None:
    """What the gate holds is shown as failed, with the reason; what was published is still told."""
    export("x", enabled=True)
    client.post("tasks/x/run")
    work()
    before = task(client, "x")
    with api.services.store() as store:
        item = definitions.get_export(store, "x")
        definitions.replace_export(store, replace(item, limits={"most": "1"}))
    client.post("observables/", json={"value": "new.example.com", "type": "hostname", "tags": ["c2"]})
    client.post("tasks/x/run")
    work()
    held = task(client, "x")

    assert "failed" == held["status"]
    assert str(held["status_message"]).startswith("held: ")
    assert (before["sha256"], before["last_run"]) == (held["sha256"], held["last_run"])


def test_unknown_tasks_are_not_found(client: httpx.Client) -> None:
    """Whatever is done to a task that there is not, it is 404; Yeti says ok, or fails."""
    answers = [
        client.post("tasks/x/run"),
        client.post("tasks/x/toggle"),
        client.patch("tasks/export/x", json={"export": {"name": "x", "template_name": "list"}}),
        client.delete("tasks/export/x"),
    ]

    assert [404] * 4 == [answer.status_code for answer in answers]
    assert ["Task x not found"] * 2 + ["ExportTask x not found"] * 2 == [
        answer.json()["detail"] for answer in answers
    ]


def test_patch_changes_what_is_sent(client: httpx.Client, export: Export, api: Api) -> None:
    """Fields that are not sent stay; so does what Yeti does not know."""
    export("x", ignore_tags=["ignore"], include_tags=["c2"], description="kept", frequency="PT1H")
    answer = client.patch(
        "tasks/export/x", json={"export": {"name": "x", "template_name": "list", "ignore_tags": ["other"]}}
    )
    changed = answer.json()

    assert 200 == answer.status_code
    assert (["other"], ["c2"], "kept", "PT1H") == (
        changed["ignore_tags"],
        changed["include_tags"],
        changed["description"],
        changed["frequency"],
    )
    assert changed == task(client, "x")


def test_patch_with_all_that_is_shown_changes_nothing(client: httpx.Client, export: Export, api: Api) -> None:
    """A client that sends back what it was shown takes nothing away, even of a schedule that Yeti cannot show."""
    export("x", include_tags=["c2"], acts_on=["hostname"])
    with api.services.store() as store:
        item = definitions.get_export(store, "x")
        chosen = replace(item.selection, least_confidence=50, max_age_s=60)
        cron = "cron:0 4 * * *;zone=Europe/Berlin"
        definitions.replace_export(store, replace(item, schedule=cron, selection=chosen))
        before = definitions.get_export(store, "x")
    shown = task(client, "x")
    answer = client.patch("tasks/export/x", json={"export": shown})
    with api.services.store() as store:
        after = definitions.get_export(store, "x")

    assert None is shown["frequency"]
    assert (200, shown) == (answer.status_code, answer.json())
    assert (before.schedule, before.selection) == (after.schedule, after.selection)


def test_patch_to_a_bad_template_is_refused(client: httpx.Client, export: Export) -> None:
    """The message is Yeti's, and nothing has changed."""
    export("x")
    answer = client.patch(
        "tasks/export/x", json={"export": {"name": "x", "template_name": "NotThere", "description": "new"}}
    )

    assert 422 == answer.status_code
    assert {"detail": "ExportTask could not be patched: Template NotThere not found"} == answer.json()
    assert "" == task(client, "x")["description"]


def test_patch_renames(
    client: httpx.Client, export: Export, hosts: dict[str, str], work: Callable[[], int]
) -> None:
    """The name in the path says which export, the one that is sent what it is called from then on; the rest stays."""
    before = export("Old Name", include_tags=["c2"], enabled=True)
    client.post("tasks/Old Name/run")
    assert 1 == work()
    answer = client.patch(
        "tasks/export/Old Name", json={"export": {"name": " new name ", "template_name": "list"}}
    )
    client.post("tasks/new name/run")
    assert 1 == work()

    after = task(client, "new name")
    assert (200, "new name") == (answer.status_code, answer.json()["name"])
    assert (before["id"], ["c2"], "completed") == (after["id"], after["include_tags"], after["status"])
    assert 404 == client.patch("tasks/export/Old Name", json={"export": answer.json()}).status_code
    content = client.get(f"tasks/export/{after['id']}/content")
    assert {*hosts} >= {*content.text.split()} != set()
    assert "old_name.txt" in content.headers["content-disposition"]


def test_patch_to_a_name_that_is_taken(client: httpx.Client, export: Export, api: Api) -> None:
    """It is refused, and so is another name for an export that is being run."""
    for name in ("x", "y"):
        export(name)
    taken = client.patch("tasks/export/x", json={"export": {"name": "y", "template_name": "list"}})
    with api.services.store() as store, held(store, "x", Clock(api.clock.now)):
        running = client.patch("tasks/export/x", json={"export": {"name": "z", "template_name": "list"}})

    assert [409, 409] == [taken.status_code, running.status_code]
    assert "there is an export 'y' already" == taken.json()["detail"]
    assert "x is being run by" in running.json()["detail"]
    assert "x" == task(client, "x")["name"]


def test_delete_export(
    client: httpx.Client,
    export: Export,
    hosts: dict[str, str],
    work: Callable[[], int],
    published: Callable[[str], list[str]],
) -> None:
    """The export is gone; its file stays, as in Yeti."""
    export("x", enabled=True)
    client.post("tasks/x/run")
    work()
    answer = client.delete("tasks/export/x")

    assert (200, {"status": "ok"}) == (answer.status_code, answer.json())
    assert 0 == client.post("tasks/search", json={"query": {"name": "x"}}).json()["total"]
    assert "asd1.com" in published("x.txt")


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        ({}, ["asd1.com", "asd2.com", "asd3.com", "asd4.com"]),
        ({"exclude_tags": ["c2"]}, ["asd4.com"]),
        ({"include_tags": ["c2"], "exclude_tags": ["exclude"]}, ["asd1.com", "asd2.com"]),
        ({"ignore_tags": ["legit"]}, ["asd1.com", "asd2.com", "asd3.com"]),
        ({"include_tags": ["C2"], "acts_on": ["hostname"]}, ["asd1.com", "asd2.com", "asd3.com"]),
        ({"acts_on": ["ipv4"]}, []),
    ],
)
def test_tags_decide_what_is_exported(
    client: httpx.Client,
    export: Export,
    hosts: dict[str, str],
    work: Callable[[], int],
    published: Callable[[str], list[str]],
    fields: dict[str, list[str]],
    values: list[str],
) -> None:
    """Any included tag, no excluded one, ignored ones count for nothing, and without a tag nothing is exported."""
    export("x", enabled=True, **fields)
    client.post("tasks/x/run")
    work()

    assert "completed" == task(client, "x")["status"]
    assert values == published("x.txt")


def test_tag_that_went_stale_counts_only_if_asked_for(
    client: httpx.Client,
    export: Export,
    hosts: dict[str, str],
    work: Callable[[], int],
    published: Callable[[str], list[str]],
    api: Api,
) -> None:
    """``fresh_tags`` of false takes stale tags, too."""
    api.clock.now += 91 * 86_400 * SECOND
    for name, fresh in (("fresh", True), ("any", False)):
        export(name, enabled=True, fresh_tags=fresh)
        client.post(f"tasks/{name}/run")
    work()

    assert ([], 4) == (published("fresh.txt"), len(published("any.txt")))


@pytest.mark.parametrize(
    ("role", "statuses"), [(None, [401] * 6), ("reader", [200, 403, 403, 403, 403, 403]), ("editor", [200] * 6)]
)
def test_who_may_do_what(
    anybody: Callable[[str | None], httpx.Client], export: Export, role: str | None, statuses: list[int]
) -> None:
    """Readers look; editors make, change, run and remove exports."""
    export("x", enabled=True)
    client = anybody(role)
    answers = [
        client.post("tasks/search", json={}),
        client.post("tasks/export/new", json={"export": {"name": "y", "template_name": "list"}}),
        client.post("tasks/x/run"),
        client.post("tasks/x/toggle"),
        client.patch("tasks/export/x", json={"export": {"name": "x", "template_name": "list"}}),
        client.delete("tasks/export/x"),
    ]

    assert statuses == [answer.status_code for answer in answers]


BAD_EXPORTS: list[object] = [
    {"export": {"name": "x", "template_name": "list"}, "other": 1},
    {"export": {"name": "x"}},
    {"export": {"name": "", "template_name": "list"}},
    {"export": {"name": "x" * 300, "template_name": "list"}},
    {"export": {"name": "a\0b", "template_name": "list"}},
    {"export": {"name": "..", "template_name": "list"}},
    {"export": {"name": "x", "template_name": "list", "acts_on": ["hostnam"]}},
    {"export": {"name": "x", "template_name": "list", "include_tags": [" "]}},
    {"export": {"name": "x", "template_name": "list", "include_tags": ["a\0"]}},
    {"export": {"name": "x", "template_name": "list", "type": "feed"}},
    {"export": []},
    [],
    None,
]


def test_bad_exports_are_refused(client: httpx.Client) -> None:
    """422, with what is wrong; and nothing is made."""
    answers = [client.post("tasks/export/new", json=body) for body in BAD_EXPORTS]

    assert [] == [body for body, answer in zip(BAD_EXPORTS, answers, strict=True) if answer.status_code != 422]
    assert all(answer.json()["detail"] for answer in answers)
    assert 0 == client.post("tasks/search", json={}).json()["total"]


BAD_SEARCHES: list[dict[str, object]] = [
    {"query": {"nothing": "x"}},
    {"query": {"name": 5}},
    {"query": {"name": "("}},
    {"query": {"name": "(?=a)"}},
    {"query": {"name": "a" * 300}},
    {"query": {"name": "\\p{Greek}{500}{500}"}},
    {"query": {"name__in": "x"}},
    {"query": {"include_tags": {}}},
    {"sorting": [["nothing", True]]},
    {"sorting": [["name"]]},
    {"count": -1},
    {"page": -1},
    {"count": 10**30},
    {"page": "x"},
    {"type": "nothing"},
    {"unknown": 1},
]


def test_bad_searches_are_refused(client: httpx.Client, export: Export) -> None:
    """422, with what is wrong."""
    export("x")
    answers = [client.post("tasks/search", json=body) for body in BAD_SEARCHES]

    assert [] == [body for body, answer in zip(BAD_SEARCHES, answers, strict=True) if answer.status_code != 422]
    assert all(answer.json()["detail"] for answer in answers)


def test_nested_task_may_hold_more(export: Export) -> None:
    """What a client knows of a task beside its definition may be sent along, and is not believed."""
    made = export(
        "x", status="completed", id="77", root_type="task", total_links=3, last_run="2024-01-01T00:00:00Z"
    )

    assert ("idle", None) == (made["status"], made["last_run"])
    assert "77" != made["id"]
