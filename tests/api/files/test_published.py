"""What is served is what is published: which version, under which name, and what is beside it."""

import time

from publishing import Publisher, addresses, text_of
from sqlalchemy import select, update

from core.exports.versions.rollback import roll_back
from core.schemas.instant import SECOND
from core.store.schema import version

C2 = "/exports/c2.txt"


def test_what_lies_at_the_published_place_is_not_what_is_served(publisher, c2, token):
    """Somebody altered the published file: consumers of the API still get the version."""
    place = publisher.api.services.config.home / "exports" / "c2.txt"
    assert c2 == place.read_bytes()
    place.write_bytes(b"0.0.0.0/0\n")
    with publisher.client(token) as client:
        altered = client.get(C2)
        place.unlink()
        gone = client.get(C2)

    assert (c2, c2) == (altered.content, gone.content)


def test_a_date_does_not_tell_two_versions_of_one_second_apart(publisher, c2, token):
    """Who has the first by its date is given the second all the same."""
    with publisher.client(token) as client:
        date = client.get(C2).headers["last-modified"]
        publisher.run("c2", addresses(900))
        with publisher.api.services.store() as store, store.writing() as connection:
            first = select(version.c.created_at).where(version.c.number == 1).scalar_subquery()
            connection.execute(update(version).where(version.c.number == 2).values(created_at=first))
        time.sleep(0.25)
        answer = client.get(C2, headers={"If-Modified-Since": date})

    assert date == answer.headers["last-modified"]
    assert (200, text_of(addresses(900))) == (answer.status_code, answer.content)


def test_small_files_are_kept_as_they_are(publisher):
    """A coding is not worth a second object for a list that fits into a few packets."""
    small = publisher.publish("tiny", addresses(20))
    token = publisher.consumer("firewall", "tiny")
    with publisher.client(token) as client:
        answer = client.get("/exports/tiny.txt", headers={"Accept-Encoding": "gzip, zstd"})

    assert small == answer.content
    assert "content-encoding" not in answer.headers


def test_an_empty_list_is_an_empty_file(publisher):
    """With a length of nothing; no part of it can be had."""
    publisher.publish("none", [])
    token = publisher.consumer("firewall", "none")
    with publisher.client(token) as client:
        answer = client.get("/exports/none.txt")
        part = client.get("/exports/none.txt", headers={"Range": "bytes=0-"})

    assert (200, b"", "0") == (answer.status_code, answer.content, answer.headers["content-length"])
    assert (416, "bytes */0") == (part.status_code, part.headers["content-range"])


def test_names_may_have_folders_and_any_letters(publisher):
    """The name behind ``/exports/`` is that of the published file."""
    body = publisher.publish("a", addresses(3), file_name="lists/2026/für alle+%.txt", is_public=True)
    with publisher.client() as client:
        answer = client.get("/exports/lists/2026/f%C3%BCr%20alle+%25.txt")

    assert (200, body) == (answer.status_code, answer.content)


def test_places_other_than_the_default_have_names_of_their_own(publisher, tmp_path):
    """Of two exports that publish one name at two places, each is found by its own name, for ever."""
    here = publisher.publish("here", addresses(3), file_name="list.txt", is_public=True)
    there = publisher.publish(
        "there", addresses(5), file_name="list.txt", destination=str(tmp_path / "other"), is_public=True
    )
    with publisher.client() as client:
        found = [
            client.get(f"/exports/{name}").content for name in ("list.txt", "~here/list.txt", "~there/list.txt")
        ]

    assert [here, here, there] == found


def test_no_export_takes_the_path_of_another(publisher):
    """Not even where the names of two read alike, put together."""
    first = publisher.publish("a", addresses(3), file_name="b/x.txt", is_public=True)
    publisher.publish("a/b", addresses(5), file_name="x.txt", is_public=True)
    with publisher.client() as client:
        found = client.get("/exports/~a/b/x.txt").content

    assert first == found


def test_a_rollback_is_served_within_a_second(publisher, c2, token):
    """And so is every new version."""
    newer = addresses(500, first=700)
    with publisher.client(token) as client:
        first = client.get(C2).content
        publisher.run("c2", newer)
        time.sleep(1)
        second = client.get(C2).content
        with publisher.api.services.store() as store:
            roll_back(
                store,
                "c2",
                1,
                publisher.api.services.settings,
                by="test",
                reason="it was wrong",
                exact=True,
                now=publisher.api.clock.now + SECOND,
            )
        time.sleep(1)
        third = client.get(C2)

    assert [c2, text_of(newer), c2] == [first, second, third.content]


def test_deltas_and_signatures_are_served_beside(publisher: Publisher, tmp_path):
    """What is published beside a file is what is served beside it, byte for byte."""
    values = addresses(1_000)
    publisher.publish("c2", values[:900], deltas=True, is_public=True)
    publisher.run("c2", values)
    place = publisher.api.services.config.home / "exports"
    with publisher.client() as client:
        found = {path.name: client.get(f"/exports/{path.name}") for path in place.iterdir()}

    assert {"c2.txt", "c2.txt.delta.jsonl", "SHA256SUMS"} == set(found)
    for name, answer in found.items():
        assert (200, (place / name).read_bytes()) == (answer.status_code, answer.content)
    assert "application/x-ndjson" == found["c2.txt.delta.jsonl"].headers["content-type"]


def test_files_are_described(publisher):
    """The description of the interface has them, with every status that was seen here."""
    with publisher.client() as client:
        described = client.get("/openapi.json").json()
    path = described["paths"]["/exports/{file_name}"]

    assert {"get", "head"} == set(path)
    assert {"200", "206", "304", "307", "401", "403", "404", "406", "412", "416", "503"} == set(
        path["get"]["responses"]
    )
    assert {"/api/v2/tasks/export/{export_id}/content"} <= set(described["paths"])
    for scheme in ("HTTPBearer", "ConsumerToken"):
        assert scheme in described["components"]["securitySchemes"]
