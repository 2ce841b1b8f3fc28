"""Yeti's way to the file of an export: ``GET /api/v2/tasks/export/{id}/content``."""

import hashlib
from pathlib import Path

from publishing import addresses

PATH = "/api/v2/tasks/export/{}/content"


def test_the_content_is_the_published_file(publisher, c2):
    """For users who may read, with a name for browsers, and all that lets a client not fetch it again."""
    with publisher.client(publisher.api.key("reader")) as client:
        answer = client.get(PATH.format(1))
        same = client.get(PATH.format(1), headers={"If-None-Match": answer.headers["etag"]})
        part = client.get(PATH.format(1), headers={"Range": "bytes=-9"})
        packed = client.get(PATH.format(1), headers={"Accept-Encoding": "gzip"})

    assert (200, c2) == (answer.status_code, answer.content)
    assert "attachment; filename=c2.txt" == answer.headers["content-disposition"]
    assert f'"{hashlib.sha256(c2).hexdigest()}"' == answer.headers["etag"]
    assert str(len(c2)) == answer.headers["content-length"]
    assert (304, b"") == (same.status_code, same.content)
    assert (206, c2[-9:]) == (part.status_code, part.content)
    assert ("gzip", c2) == (packed.headers["content-encoding"], packed.content)


def test_headers_alone(publisher, c2):
    """``HEAD`` says what ``GET`` would, and sends nothing."""
    with publisher.client(publisher.api.key("reader")) as client:
        got, head = client.get(PATH.format(1)), client.head(PATH.format(1))
        same = client.head(PATH.format(1), headers={"If-None-Match": head.headers["etag"]})

    assert (200, b"") == (head.status_code, head.content)
    for name in ("etag", "content-length", "content-type", "content-disposition"):
        assert got.headers[name] == head.headers[name]
    assert 304 == same.status_code


def test_what_should_be_kept_and_is_not(publisher, c2):
    """503, since a client may take 404 as the end of the list; where the file should lie is nobody's to know."""
    versions = Path(publisher.api.services.settings.versions_path)
    for path in versions.rglob("*"):
        if path.is_file():
            path.unlink()
    with publisher.client(publisher.api.key("reader")) as client:
        answer = client.get(PATH.format(1))

    assert (503, "5") == (answer.status_code, answer.headers["retry-after"])
    assert "what is kept of version 1 of 'c2' is not there" in answer.json()["detail"]
    assert str(versions) not in answer.text


def test_networks_of_exports_hold_here_too(publisher):
    """A list that may be fetched from some addresses only is not to be had from others by another path."""
    publisher.publish("far", addresses(3), networks=("192.0.2.0/24",))
    publisher.publish("near", addresses(3), networks=("127.0.0.0/8",))
    with publisher.client(publisher.api.key("reader")) as client:
        far, near = client.get(PATH.format(1)), client.get(PATH.format(2))

    assert (403, "this may not be fetched from this address") == (far.status_code, far.json()["detail"])
    assert 200 == near.status_code


def test_names_of_any_letters_are_only_names(publisher):
    """What a file is called cannot become another header, whatever is in it."""
    name = 'für "alle"; x=1.txt'
    publisher.publish("a", addresses(3), file_name=f"lists/{name}")
    with publisher.client(publisher.api.key("reader")) as client:
        answer = client.get(PATH.format(1))

    plain, extended = answer.headers["content-disposition"].removeprefix("attachment; ").split("; filename*=")
    assert 'filename="f_r _alle_; x=1.txt"' == plain
    assert "UTF-8''f%C3%BCr%20%22alle%22%3B%20x%3D1.txt" == extended


def test_an_export_that_never_ran_has_no_content(publisher):
    """404 with what to do, where Yeti fails."""
    publisher.define("never")
    with publisher.client(publisher.api.key("reader")) as client:
        answer = client.get(PATH.format(1))

    assert (404, {"detail": "ExportTask never has published nothing yet; run it first"}) == (
        answer.status_code,
        answer.json(),
    )


def test_unknown_ids_are_not_found(publisher, c2):
    """Whatever they are."""
    with publisher.client(publisher.api.key("reader")) as client:
        for key in ("2", "c2", "01", "-1", "1.0", "9" * 30, "%C2%B9"):
            answer = client.get(PATH.format(key))
            shown = "¹" if key == "%C2%B9" else key
            assert (404, {"detail": f"ExportTask {shown} not found"}) == (answer.status_code, answer.json())


def test_only_users_who_may_read(publisher, c2, token):
    """Nobody, and no consumer: its way is the other one."""
    with publisher.client() as client:
        found = [
            client.get(PATH.format(1)),
            client.get(PATH.format(1), headers={"Authorization": f"Bearer {token}"}),
        ]

    assert [401, 401] == [answer.status_code for answer in found]
