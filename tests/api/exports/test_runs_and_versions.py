"""From a definition to what consumers have, and back: runs, versions, differences, rollback."""

import hashlib

import httpx
import pytest
from desk import EXPORTS, Desk, path_of


def test_run_is_a_job_that_can_be_followed(desk: Desk) -> None:
    """202 and where to look; a worker does it; what it published is a version with a history."""
    desk.fill(1, 2)
    desk.define("c2")
    asked = desk.editor.post(path_of("c2", "runs"))
    again = desk.editor.post(path_of("c2", "runs"))
    waiting = desk.reader.get(asked.headers["location"]).json()
    desk.work()
    done = desk.reader.get(asked.headers["location"]).json()
    (run,) = desk.reader.get(path_of("c2", "runs")).json()["items"]
    state = desk.reader.get(path_of("c2", "state")).json()

    assert (202, True, False) == (asked.status_code, asked.json()["is_new"], again.json()["is_new"])
    assert f"{EXPORTS}/jobs/{asked.json()['id']}" == asked.headers["location"]
    assert ("waiting", "editor (key 0)") == (waiting["state"], waiting["by"])
    assert ("done", run["id"]) == (done["state"], done["run"])
    assert ("completed", "created", 2, 1) == (run["status"], run["outcome"], run["entries"], run["version"])
    assert ("completed", 1, 2) == (state["status"], state["current"]["version"], state["current"]["entries"])
    assert [] == state["attention"]


def test_a_job_of_an_export_that_was_removed(desk: Desk) -> None:
    """It is gone with it, and that is said."""
    desk.define("c2")
    job = desk.editor.post(path_of("c2", "runs")).headers["location"]
    desk.editor.post(path_of("c2", "cancel"))
    desk.editor.delete(path_of("c2"))
    answer = desk.reader.get(job)

    assert 404 == answer.status_code
    assert "those of exports that were removed" in answer.json()["detail"]


def test_log_of_a_run_is_kept(desk: Desk) -> None:
    """It names places, and so is for those who run exports."""
    desk.fill(1)
    desk.define("c2")
    run = desk.run("c2")["run"]

    log = desk.editor.get(path_of("c2", "runs", run, "log"))

    assert any("list made" in line["text"] for line in log.json()["lines"])
    assert run == desk.reader.get(path_of("c2", "runs", run)).json()["id"]
    assert 403 == desk.reader.get(path_of("c2", "runs", run, "log")).status_code
    assert 404 == desk.reader.get(path_of("c2", "runs", run + 1)).status_code


def test_several_run_and_what_waits_is_cancelled(desk: Desk) -> None:
    """All that are enabled run, or those that are named; what waits can be taken back."""
    desk.fill(1)
    for name, enabled in (("a", True), ("b", True), ("off", False)):
        desk.define(name, enabled=enabled)
    asked = desk.editor.post(f"{EXPORTS}/jobs", json={}).json()["items"]
    named = desk.editor.post(f"{EXPORTS}/jobs", json={"exports": ["off", "nowhere"]})
    cancelled = desk.editor.post(path_of("b", "cancel")).json()["items"]
    nothing = desk.editor.post(path_of("b", "cancel"))
    desk.work()
    jobs = desk.reader.get(f"{EXPORTS}/jobs", params={"state": ["done", "cancelled"]}).json()

    assert ["a", "b"] == [job["export"] for job in asked]
    assert (404, "waits or runs") == (nothing.status_code, nothing.json()["detail"][-13:])
    assert (404, 0) == (
        named.status_code,
        desk.reader.get(f"{EXPORTS}/jobs", params={"export": "off"}).json()["total"],
    )
    assert [("b", "cancelled", True)] == [(job["export"], job["state"], job["is_cancelled"]) for job in cancelled]
    assert [("b", "cancelled"), ("a", "done")] == [(job["export"], job["state"]) for job in jobs["items"]]
    assert (2, 1) == (jobs["total"], desk.reader.get(f"{EXPORTS}/jobs", params={"export": "a"}).json()["total"])


def test_versions_differ_and_one_is_published_again(desk: Desk) -> None:
    """What a later version changed is said; a rollback publishes the earlier one and pins it, until that ends."""
    published = desk.api.services.config.home / "exports" / "c2.txt"
    desk.fill(1, 2)
    desk.define("c2", limit={"loss": "off"})
    desk.run("c2")
    desk.fill(3)
    desk.run("c2")
    diff = desk.reader.get(path_of("c2", "diff")).json()
    back = desk.editor.post(path_of("c2", "rollback"), json={"version": 1, "reason": " too many "})
    after = published.read_text("utf-8")
    listed = desk.reader.get(path_of("c2", "versions")).json()
    held_back = desk.run("c2")
    unpinned = desk.editor.delete(path_of("c2", "pin"))
    desk.run("c2")

    assert {"added": 1, "removed": 0, "changed": 0} == diff["counts"]
    assert [{"change": "added", "type": "ipv4", "value": "8.8.0.3", "why": None}] == diff["items"]
    assert (1, 2, 1) == (diff["from"], diff["to"], diff["total"])
    assert (200, 3, 1, 3, 2) == (
        back.status_code,
        *(back.json()[word] for word in ("version", "of", "entries_before", "entries")),
    )
    assert "8.8.0.1\n8.8.0.2\n" == after
    assert (3, [3, 2, 1]) == (listed["current"], [item["version"] for item in listed["items"]])
    assert {"by": "editor (key 0)", "of": "1", "reason": "too many"} == listed["items"][0]["note"]
    assert ("editor (key 0)", 3) == (listed["pinned"]["by"], listed["pinned"]["version"])
    assert ("done", "pinned") == (held_back["state"], held_back["message"][:6])
    assert (200, 3) == (unpinned.status_code, unpinned.json()["version"])
    assert "8.8.0.1\n8.8.0.2\n8.8.0.3\n" == published.read_text("utf-8")
    assert 404 == desk.editor.delete(path_of("c2", "pin")).status_code
    assert desk.reader.get(path_of("c2", "pin")).json() is None


def test_differences_come_in_pages(desk: Desk) -> None:
    """So many at most, while all are counted; sides that there are not are said to be so."""
    desk.fill(*range(1, 8))
    desk.define("c2")
    desk.run("c2")

    page = desk.reader.get(path_of("c2", "diff"), params={"from": 0, "to": 1, "limit": 2, "offset": 3}).json()
    missing = desk.reader.get(path_of("c2", "diff"), params={"from": 4})
    half = desk.reader.get(path_of("c2", "diff"), params={"to": 1})

    assert ["8.8.0.4", "8.8.0.5"] == [item["value"] for item in page["items"]]
    assert (7, 2, 3) == (page["total"], page["limit"], page["offset"])
    assert [404, 422] == [missing.status_code, half.status_code]


def test_version_can_be_had_as_it_was_published(desk: Desk) -> None:
    """Its files byte for byte, with their SHA-256 as ETag; its manifest with the SHA-256 that the version tells."""
    desk.fill(1)
    desk.define("c2", **{"file-name": "lists/c2.txt"})
    desk.run("c2")
    desk.fill(2)
    desk.run("c2")
    version = desk.reader.get(path_of("c2", "versions", 1)).json()
    (file,) = version["files"]
    answer = desk.reader.get(path_of("c2", "versions", 1, "files", "lists%2Fc2.txt"))
    same = desk.reader.get(answer.request.url, headers={"If-None-Match": answer.headers["etag"]})
    manifest = desk.editor.get(path_of("c2", "versions", 1, "manifest"))

    assert b"8.8.0.1\n" == answer.content
    assert hashlib.sha256(answer.content).hexdigest() == file["sha256"] == answer.headers["etag"].strip('"')
    assert ("text/plain; charset=utf-8", "8") == (answer.headers["content-type"], answer.headers["content-length"])
    assert "attachment; filename*=UTF-8''c2.txt" == answer.headers["content-disposition"]
    assert (304, b"") == (same.status_code, same.content)
    assert version["manifest_sha256"] == hashlib.sha256(manifest.content).hexdigest()
    assert 403 == desk.reader.get(path_of("c2", "versions", 1, "manifest")).status_code
    assert 404 == desk.reader.get(path_of("c2", "versions", 1, "files", "other.txt")).status_code


def test_altered_version_is_found_and_not_sent(desk: Desk) -> None:
    """Verify names what is not as it should be; a download of it is refused before its first byte."""
    desk.fill(1)
    desk.define("c2")
    desk.run("c2")
    good = desk.editor.get(path_of("c2", "verify")).json()
    (kept,) = (desk.api.services.config.home / "versions").glob("*.file")
    kept.chmod(0o600)
    kept.write_bytes(b"8.8.8.8\n")
    bad = desk.editor.get(path_of("c2", "verify")).json()
    answer = desk.reader.get(path_of("c2", "versions", 1, "files", "c2.txt"))

    assert (True, []) == (good["is_good"], [item for item in good["findings"] if item["fault"]])
    assert [str(kept)] == [item["what"] for item in bad["findings"] if item["fault"]]
    assert (503, "5") == (answer.status_code, answer.headers["retry-after"])


def test_busy_export_is_said_to_be_so(desk: Desk) -> None:
    """While a run goes on, a rollback is 409, and so is a removal."""
    from core.exports.lease import Clock, held

    desk.fill(1)
    desk.define("c2")
    desk.run("c2")
    with desk.api.services.store() as store, held(store, "c2", Clock(desk.api.clock.now)):
        back = desk.editor.post(path_of("c2", "rollback"), json={"version": 1, "reason": "x"})
        removed = desk.editor.delete(path_of("c2"))

    assert [409, 409] == [back.status_code, removed.status_code]
    assert "is being run by" in back.json()["detail"]


def test_version_is_sent_as_published_files_are(desk: Desk) -> None:
    """Headers alone, a part, a coding; with the ETag of the bytes that are sent, and no copy of it on the disk."""
    desk.fill(*range(1, 2_001))
    desk.define("c2", limit={"growth": "off"})
    desk.run("c2")
    path = path_of("c2", "versions", 1, "files", "c2.txt")
    plain = {"Accept-Encoding": "identity"}
    spool = desk.api.services.settings.spool_path
    before = spool.stat().st_mtime_ns if spool.exists() else None

    whole = desk.reader.get(path, headers=plain)
    head = desk.reader.head(path, headers=plain)
    part = desk.reader.get(path, headers=plain | {"Range": "bytes=-9"})
    wrong = desk.reader.get(path, headers=plain | {"Range": "bytes=999999-"})
    packed = desk.reader.get(path, headers={"Accept-Encoding": "gzip"})

    assert (200, b"") == (head.status_code, head.content)
    assert (whole.headers["etag"], str(len(whole.content))) == (
        head.headers["etag"],
        head.headers["content-length"],
    )
    assert (206, whole.content[-9:]) == (part.status_code, part.content)
    assert (416, "application/problem+json") == (wrong.status_code, wrong.headers["content-type"])
    assert ("gzip", whole.content) == (packed.headers["content-encoding"], packed.content)
    assert packed.headers["etag"] != whole.headers["etag"]
    assert "Accept-Encoding" in whole.headers["vary"]
    assert before == (spool.stat().st_mtime_ns if spool.exists() else None)


def test_large_version_that_was_altered_is_not_sent_to_its_end(desk: Desk) -> None:
    """The client sees that it did not get all of it."""
    desk.fill(*range(1, 40_001))
    desk.define("c2", limit={"growth": "off"})
    desk.run("c2")
    (kept,) = (desk.api.services.config.home / "versions").glob("*.file")
    kept.chmod(0o600)
    data = kept.read_bytes()
    kept.write_bytes(b"9" + data[1:])

    with pytest.raises(httpx.RemoteProtocolError):
        desk.reader.get(path_of("c2", "versions", 1, "files", "c2.txt"), headers={"Accept-Encoding": "identity"})
    assert len(data) > 1 << 18


def test_networks_of_exports_hold_for_versions(desk: Desk) -> None:
    """A list that may be fetched from some addresses only is not to be had from others as a version."""
    desk.fill(1)
    desk.define("far", network=["192.0.2.0/24"])
    desk.define("near", network=["127.0.0.0/8"])
    desk.run("far")
    desk.run("near")
    far = desk.admin.get(path_of("far", "versions", 1, "files", "far.txt"))
    near = desk.reader.get(path_of("near", "versions", 1, "files", "near.txt"))

    assert (403, "this may not be fetched from this address") == (far.status_code, far.json()["detail"])
    assert (200, b"8.8.0.1\n") == (near.status_code, near.content)
