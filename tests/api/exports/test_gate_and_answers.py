"""What is held, and the override; why a value is listed; what a list would hit; false positives."""

import gzip

import pytest
from desk import EXPORTS, Desk, path_of


@pytest.fixture
def held(desk: Desk) -> Desk:
    """An export of three addresses whose next run is held: it would lose all but one."""
    desk.fill(1, 2, 3)
    desk.define("c2", limit={"loss": "10%", "loss-entries": 0})
    desk.run("c2")
    desk.editor.patch(path_of("c2"), json={"include": ["few"]})
    desk.fill(1, tags=("few",))
    desk.run("c2")
    return desk


def test_what_is_held_says_why_and_what_it_would_change(held: Desk) -> None:
    """Reasons with numbers, and the changes entry by entry; consumers keep what they have."""
    found = held.reader.get(path_of("c2", "held")).json()
    diff = held.reader.get(path_of("c2", "diff"), params={"from": "held"}).json()
    state = held.reader.get(path_of("c2", "state")).json()

    assert ["loss"] == [reason["rule"] for reason in found["reasons"]]
    assert (True, 1, 1) == (found["can_be_released"], found["entries"], found["base"])
    assert found["files"][0]["sha256"] == found["candidate"]
    assert ["8.8.0.2", "8.8.0.3"] == [item["value"] for item in diff["items"] if item["change"] == "removed"]
    assert ("held", 3) == (state["status"], state["current"]["entries"])
    assert len(state["attention"]) == 1


def test_only_what_was_looked_at_is_released(held: Desk) -> None:
    """With the SHA-256 of another candidate nothing is published; with the right one, and a reason, it is."""
    found = held.reader.get(path_of("c2", "held")).json()
    wrong = held.editor.post(path_of("c2", "held/release"), json={"sha256": "0" * 64, "reason": "looked at"})
    silent = held.editor.post(path_of("c2", "held/release"), json={"sha256": found["candidate"], "reason": " "})
    reader = held.reader.post(
        path_of("c2", "held/release"), json={"sha256": found["candidate"], "reason": "looked at"}
    )
    before = held.reader.get(path_of("c2", "state")).json()["current"]["version"]
    right = held.editor.post(
        path_of("c2", "held/release"), json={"sha256": found["candidate"], "reason": "looked at"}
    )
    version = held.reader.get(path_of("c2", "versions", 2)).json()

    assert [409, 422, 403] == [answer.status_code for answer in (wrong, silent, reader)]
    assert ("a later run made another candidate" in wrong.json()["detail"], 1) == (True, before)
    assert (200, 2, "replaced") == (
        right.status_code,
        right.json()["version"],
        right.json()["files"][0]["outcome"],
    )
    assert ("release", {"by": "editor (key 0)", "reason": "looked at"}) == (version["cause"], version["note"])
    assert 404 == held.reader.get(path_of("c2", "held")).status_code


def test_value_is_explained(desk: Desk) -> None:
    """Why it is listed, defanged or not; why another is not; what is no value is said to be none."""
    desk.fill(1)
    desk.define("c2", include=["c2"])
    desk.run("c2")
    listed = desk.reader.get(path_of("c2", "explain"), params={"value": "8.8.0[.]1"}).json()
    unknown = desk.reader.get(path_of("c2", "explain"), params={"value": "8.8.0.9"}).json()
    nothing = desk.reader.get(path_of("c2", "explain"), params={"value": "?"})

    (standing,) = listed["values"]
    assert (True, [{"tag": "c2", "source": "feed"}]) == (standing["listed"], standing["by"])
    assert "8.8.0.1 (ipv4) is on version 1 of c2" == standing["text"].partition(",")[0]
    assert [("c2", True)] == [(item["tag"], item["counts"]) for item in standing["assertions"]]
    assert (False, {"reason": "unknown"}) == (unknown["values"][0]["listed"], unknown["values"][0]["reason"])
    assert 404 == nothing.status_code


def test_preview_shows_what_a_run_would_publish(desk: Desk) -> None:
    """How many entries, the first of them, and whether it would be held; nothing is published."""
    desk.fill(*range(1, 10))
    desk.define("c2", limit={"most": 5})

    found = desk.reader.get(path_of("c2", "preview"), params={"entries": 2}).json()

    assert (9, ["8.8.0.1", "8.8.0.2"]) == (found["entries"], [*found["first"][:2]])
    assert (True, ["most"]) == (found["verdict"]["held"], [item["rule"] for item in found["verdict"]["reasons"]])
    assert 0 == desk.reader.get(path_of("c2", "versions")).json()["total"]
    assert 422 == desk.reader.get(path_of("c2", "preview"), params={"entries": 1_001}).status_code


def test_preview_says_what_a_log_would_have_hit(desk: Desk) -> None:
    """A log is sent as it is, or compressed; what unpacks to more than is looked at is refused."""
    desk.fill(1)
    desk.define("c2")
    log = b"10.0.0.1 GET http://8.8.0.1/x\nnothing\n8.8.0.1 again\n"
    plain = desk.reader.post(path_of("c2", "preview"), content=log).json()["against"]
    packed = desk.reader.post(path_of("c2", "preview"), content=gzip.compress(log)).json()["against"]
    bomb = desk.reader.post(path_of("c2", "preview"), content=gzip.compress(b"\n" * (5 << 20)))
    damaged = desk.reader.post(path_of("c2", "preview"), content=gzip.compress(log)[:-9])

    assert plain == packed
    assert (3, 2, 1) == (plain["lines"], plain["lines_hit"], plain["lines_without_value"])
    assert [413, 422] == [bomb.status_code, damaged.status_code]
    assert "what was sent is damaged, or not whole" == damaged.json()["detail"]


def test_kept_off_is_listed_with_reasons(desk: Desk) -> None:
    """What is selected and all the same not on the list, of a version, in pages."""
    desk.fill(1, 2, 3)
    desk.define("c2", limit={"never": "8.8.0.2 8.8.0.3", "dropped": "off"})
    empty = desk.reader.get(path_of("c2", "kept-off"))
    desk.run("c2")

    found = desk.reader.get(path_of("c2", "kept-off"), params={"limit": 1}).json()
    other = desk.reader.get(path_of("c2", "kept-off"), params={"reason": "cut"}).json()

    assert 404 == empty.status_code
    assert (2, 1, ["8.8.0.2"]) == (found["total"], found["version"], [item["value"] for item in found["items"]])
    assert 0 == other["total"]


def test_false_positive_leaves_every_list_at_once(desk: Desk) -> None:
    """Nobody waits for a worker; an export that is off lets it go, too; what lists a network around it is told."""
    home = desk.api.services.config.home / "exports"
    desk.fill(1, 2)
    desk.fill(type="cidr", values=["8.8.0.0/24"])
    for name, enabled in (("a", True), ("off", False)):
        desk.define(name, enabled=enabled, type=["ipv4"])
    desk.define("nets", type=["cidr"])
    for name in ("a", "off", "nets"):
        desk.run(name)
    before = desk.reader.get(f"{EXPORTS}/holders", params={"value": "8.8.0.1"}).json()["values"][0]
    refused = desk.reader.post(f"{EXPORTS}/withdrawals", json={"value": "8.8.0.1", "reason": "ours"})
    done = desk.editor.post(f"{EXPORTS}/withdrawals", json={"value": "8.8.0[.]1", "reason": "ours"}).json()
    texts = [(home / name).read_text("utf-8") for name in ("a.txt", "off.txt")]
    back = desk.editor.post(f"{EXPORTS}/reinstatements", json={"value": "8.8.0.1"}).json()

    assert ["a", "off"] == before["exports"]
    assert [{"type": "cidr", "value": "8.8.0.0/24", "exports": ["nets"]}] == before["covering"]
    assert 403 == refused.status_code
    assert ["8.8.0.2\n", "8.8.0.2\n"] == texts
    assert [("a", None, True), ("off", None, False)] == [
        (item["export"], item["fault"], item["job"] is not None) for item in done["exports"]
    ]
    assert (1, False, before["covering"]) == tuple(
        done["values"][0][word] for word in ("assertions", "is_carved_out", "covering")
    )
    assert 1 == back["values"][0]["assertions"]


def test_address_is_carved_out_of_networks(desk: Desk) -> None:
    """Then no list has the network around it but what is left of it; a name cannot be carved out."""
    desk.fill(type="cidr", values=["8.8.0.0/30"])
    desk.define("nets")
    desk.run("nets")
    name = desk.editor.post(
        f"{EXPORTS}/withdrawals", json={"value": "evil.example.net", "reason": "x", "carve_out": True}
    )
    done = desk.editor.post(
        f"{EXPORTS}/withdrawals", json={"value": "8.8.0.1", "reason": "ours", "carve_out": True}
    ).json()
    desk.work()
    listed = (desk.api.services.config.home / "exports" / "nets.txt").read_text("utf-8").split()

    assert 422 == name.status_code
    assert ["nets"] == [item["export"] for item in done["exports"]]
    assert not {"8.8.0.0/30", "8.8.0.1", "8.8.0.1/32", "8.8.0.0/31"} & {*listed}
    assert "8.8.0.2/31" in listed
