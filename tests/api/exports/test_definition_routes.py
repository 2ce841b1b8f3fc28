"""Definitions over HTTP: the words of files, two who edit, names of any kind, and who may say where to publish."""

import pytest
from desk import EXPORTS, Desk, path_of

from core.api.exports.definition_models import Definition
from core.exports.definitions import file_words

PROBLEM = "application/problem+json"


def test_definition_is_kept_and_shown_by_the_words_of_files(desk: Desk) -> None:
    """What is sent is what a file says; what is shown can be sent back."""
    words = {
        "name": "c2",
        "format": "csv",
        "type": ["ip"],
        "max-age": "4w",
        "limit": {"loss": "20%"},
        "every": "1h",
    }
    made = desk.editor.post(f"{EXPORTS}/definitions", json=words)
    shown = desk.reader.get(made.headers["location"])

    assert 201 == made.status_code
    assert words | {"type": ["cidr", "ipv4", "ipv6"], "file-name": "c2.csv"} == shown.json()
    assert made.json()["definition"] == shown.json()
    assert made.headers["etag"] == shown.headers["etag"]


def test_models_have_every_word_of_files() -> None:
    """One vocabulary holds everywhere: no word of files is missing, and none is there besides."""
    assert [*file_words.WORDS] == [field.alias for field in Definition.model_fields.values()]


def test_new_export_is_enabled(desk: Desk) -> None:
    """As one that is defined at the command line: it runs by itself as soon as it has a schedule."""
    desk.define("c2")

    found = desk.reader.get(f"{EXPORTS}/definitions", params={"enabled": True}).json()

    assert ["c2"] == [item["export"] for item in found["items"]]
    assert "never run" == found["items"][0]["status"]


def test_two_editors_do_not_overwrite_each_other(desk: Desk) -> None:
    """Who replaces what somebody changed meanwhile is told so, and nothing is lost."""
    desk.define("c2", description="first")
    mine = desk.editor.get(path_of("c2"))
    theirs = desk.editor.patch(
        path_of("c2"), json={"description": "theirs"}, headers={"If-Match": mine.headers["etag"]}
    )
    late = desk.editor.put(path_of("c2"), json=mine.json(), headers={"If-Match": mine.headers["etag"]})
    blind = desk.editor.put(path_of("c2"), json=mine.json())
    again = desk.editor.put(
        path_of("c2"), json=mine.json() | {"description": "mine"}, headers={"If-Match": theirs.headers["etag"]}
    )

    assert [200, 412, 428, 200] == [answer.status_code for answer in (theirs, late, blind, again)]
    assert PROBLEM == late.headers["content-type"]
    assert "mine" == desk.reader.get(path_of("c2")).json()["description"]


def test_put_is_the_whole_truth_and_patch_is_what_it_says(desk: Desk) -> None:
    """PUT takes back what it does not say, but for the file name; PATCH leaves it, and null takes it back."""
    desk.define("c2", include=["c2"], limit={"loss": "20%", "least": 5}, **{"file-name": "old.txt"}, every="1h")

    patched = desk.editor.patch(path_of("c2"), json={"limit": {"least": None}, "cron": "0 4 * * *"}).json()
    whole = {"format": "list", "description": "all"}
    replaced = desk.editor.put(path_of("c2"), json=whole, headers={"If-Match": "*"}).json()

    expected = {"name": "c2", "format": "list", "include": ["c2"], "file-name": "old.txt"}
    assert expected | {"limit": {"loss": "20%"}, "cron": "0 4 * * *"} == patched["definition"]
    assert {"name": "c2", "file-name": "old.txt"} | whole == replaced["definition"]


def test_format_can_be_changed_by_one_word(desk: Desk) -> None:
    """A template or another format takes the place of a format, with its options."""
    desk.define("c2", format="csv", option={"header": "no"})

    answer = desk.editor.patch(path_of("c2"), json={"format": "list", "option": None})

    assert (200, "list") == (answer.status_code, answer.json()["definition"]["format"])


@pytest.mark.parametrize(
    ("word", "value", "text"),
    [
        ("format", "lsit", "did you mean 'list'"),
        ("type", ["ipv5"], "unknown type 'ipv5'"),
        ("max-age", "soon", "is not a duration"),
        ("limit", {"lose": "5%"}, "did you mean 'loss'"),
        ("option", {"header": "no"}, "list"),
        ("cron", "every day", "five fields"),
        ("file-name", "../x", "the parts . and .. are not names"),
        ("name", "c2\n3", "cannot be printed"),
        ("to", "s3://key:secret@bucket", "holds a password or key"),
        ("every", 5, "valid string"),
        ("colour", "red", "not permitted"),
    ],
)
def test_what_cannot_be_is_said_with_the_field(desk: Desk, word: str, value: object, text: str) -> None:
    """422 names the field, says what can be, and repeats no secret."""
    answer = desk.admin.post(f"{EXPORTS}/definitions", json={"name": "c2", "format": "list"} | {word: value})

    assert (422, PROBLEM) == (answer.status_code, answer.headers["content-type"])
    (fault,) = answer.json()["errors"]
    assert ["body", word] == fault["loc"][:2]
    assert text in fault["msg"]
    assert "secret" not in answer.text


def test_names_and_files_are_taken_once(desk: Desk) -> None:
    """409 for a name that there is; an unknown name is 404."""
    desk.define("c2")
    again = desk.editor.post(f"{EXPORTS}/definitions", json={"name": "c2", "format": "list"})
    missing = desk.reader.get(path_of("c3"))

    assert (409, "there is an export 'c2' already") == (again.status_code, again.json()["detail"])
    assert (404, "Not Found") == (missing.status_code, missing.json()["title"])
    assert missing.headers["x-request-id"] == missing.json()["request_id"]


@pytest.mark.parametrize("name", ["a b", "a/b", "definitions", "runs", "a/runs", "ü%2F?#", "100% c2", "-", "held"])
def test_any_name_has_a_path(desk: Desk, name: str) -> None:
    """Spaces, slashes and percent signs are encoded, and no name is in the way of a subject."""
    made = desk.define(name, **{"file-name": "x.txt"})
    job = desk.run(name)

    assert path_of(name) == made.headers["location"]
    assert name == desk.reader.get(made.headers["location"]).json()["name"]
    assert (name, "done") == (job["export"], job["state"])
    assert [1] == [item["version"] for item in desk.reader.get(path_of(name, "versions")).json()["items"]]
    assert 200 == desk.editor.delete(path_of(name)).status_code


def test_only_admins_say_where_to_publish(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The service writes there with its own rights; editors may leave a place as it is, and readers do not see it."""
    place = str(tmp_path_factory.mktemp("elsewhere"))
    refused = desk.editor.post(f"{EXPORTS}/definitions", json={"name": "x", "format": "list", "to": place})
    desk.define("c2", to=place)
    seen = desk.editor.get(path_of("c2"))
    same = desk.editor.put(path_of("c2"), json=seen.json(), headers={"If-Match": "*"})
    moved = desk.editor.patch(path_of("c2"), json={"to": None})
    by_plan = desk.editor.post(f"{EXPORTS}/apply", json={"exports": [{"name": "c2", "format": "list"}]})

    assert (403, True) == (refused.status_code, "to" in refused.json()["detail"])
    assert [200, 403, 403] == [answer.status_code for answer in (same, moved, by_plan)]
    assert place == seen.json()["to"]
    assert "to" not in desk.reader.get(path_of("c2")).json()
    assert 200 == desk.admin.patch(path_of("c2"), json={"to": None}).status_code


def test_secret_of_a_place_is_never_shown_and_stays(desk: Desk) -> None:
    """A place that the command line gave a password is shown without it, and keeps it when it is sent back."""
    from dataclasses import replace

    from core.store import definitions

    desk.define("c2")
    secret = "webdav://user:hunter2@files.example.com/lists"
    with desk.api.services.store() as store:
        definitions.replace_export(store, replace(definitions.get_export(store, "c2"), destination=secret))
    seen = desk.editor.get(path_of("c2"))
    sent = desk.editor.put(path_of("c2"), json=seen.json() | {"description": "new"}, headers={"If-Match": "*"})
    patched = desk.editor.patch(path_of("c2"), json={"include": ["c2"]})
    with desk.api.services.store() as store:
        kept = definitions.get_export(store, "c2")

    assert [200, 200] == [sent.status_code, patched.status_code]
    assert secret == kept.destination
    for answer in (seen, sent, patched):
        assert "hunter2" not in answer.text


def test_list_has_pages(desk: Desk) -> None:
    """So many at most, from there on, and how many there are."""
    for name in "abc":
        desk.define(name)

    found = desk.reader.get(f"{EXPORTS}/definitions", params={"limit": 2, "offset": 1}).json()

    assert (3, 2, 1) == (found["total"], found["limit"], found["offset"])
    assert ["b", "c"] == [item["export"] for item in found["items"]]


def test_removed_export_leaves_its_file_unless_that_is_to_go(desk: Desk) -> None:
    """What consumers fetch stays; purge takes it away, too."""
    desk.fill(1)
    for name in ("a", "b"):
        desk.define(name)
        desk.run(name)
    stays = desk.editor.delete(path_of("a")).json()
    goes = desk.editor.delete(path_of("b"), params={"purge": True}).json()
    place = desk.api.services.config.home / "exports"

    assert ([str(place / "a.txt")], []) == (stays["kept"], stays["deleted"])
    assert ([], [str(place / "b.txt")]) == (goes["kept"], goes["deleted"])
    assert [True, False] == [(place / name).exists() for name in ("a.txt", "b.txt")]


def test_several_are_planned_and_applied_together(desk: Desk) -> None:
    """A plan touches nothing; what was planned is done only if nobody was quicker."""
    desk.fill(1, 2)
    desk.define("old")
    wanted = {"exports": [{"name": "new", "format": "list", "include": ["c2"]}], "remove": True}
    plan = desk.editor.post(f"{EXPORTS}/plan", json=wanted)
    untouched = desk.reader.get(f"{EXPORTS}/definitions").json()["total"]
    desk.define("other")
    late = desk.editor.post(f"{EXPORTS}/apply", json=wanted, headers={"If-Match": plan.headers["etag"]})
    done = desk.editor.post(f"{EXPORTS}/apply", json=wanted)

    assert [("new", "create"), ("old", "remove")] == [
        (item["name"], item["change"]) for item in plan.json()["exports"]
    ]
    assert 2 == plan.json()["exports"][0]["outlook"]["entries"]
    assert 1 == untouched
    assert [412, 200] == [late.status_code, done.status_code]
    assert ["new"] == [item["export"] for item in desk.reader.get(f"{EXPORTS}/definitions").json()["items"]]


def test_plan_says_everything_that_is_wrong(desk: Desk) -> None:
    """All mistakes of all definitions, and nothing is done."""
    wanted = [
        {"name": "a", "format": "lsit"},
        {"name": "b", "format": "list", "every": "x"},
        {"name": "c", "format": "list"},
    ]
    first = desk.editor.post(f"{EXPORTS}/apply", json={"exports": [*wanted, wanted[2]]}).json()

    assert ["exports[1]: export 'b'", "exports[3]: export 'c'"] == [item["msg"][:22] for item in first["errors"]]
    assert 0 == desk.reader.get(f"{EXPORTS}/definitions").json()["total"]


def test_dump_is_a_file_that_apply_reads(desk: Desk) -> None:
    """As `yetictl export dump` prints it."""
    desk.define("c2", include=["c2"], every="1h")

    answer = desk.editor.get(f"{EXPORTS}/dump", params={"name": "c2"})

    assert "application/toml" == answer.headers["content-type"]
    assert '[[export]]\nname = "c2"\nformat = "list"\ninclude = ["c2"]\nevery = "1h"\n' == answer.text
