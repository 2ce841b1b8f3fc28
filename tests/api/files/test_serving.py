"""A published file over HTTP: its bytes, its codings, and what a client need not fetch again."""

import hashlib
import time
from email.utils import parsedate_to_datetime

import pytest
from publishing import Publisher, addresses, text_of, unpacked
from sqlalchemy import select, update

from core.exports.versions.rollback import roll_back
from core.schemas.instant import SECOND, from_datetime
from core.store.schema import version

C2 = "/exports/c2.txt"


def get_raw(client, url, **headers):
    """The answer, and its body as it came."""
    with client.stream("GET", url, headers=headers) as answer:
        return answer, b"".join(answer.iter_raw())


def test_the_file_is_the_current_version(publisher, c2, token):
    """What is sent is the published file, byte for byte, with all that a client needs to keep it."""
    with publisher.client(token) as client:
        answer = client.get(C2)

    assert (200, c2) == (answer.status_code, answer.content)
    assert f'"{hashlib.sha256(c2).hexdigest()}"' == answer.headers["etag"]
    assert str(len(c2)) == answer.headers["content-length"]
    assert "text/plain; charset=utf-8" == answer.headers["content-type"]
    assert "private, no-cache" == answer.headers["cache-control"]
    assert "Accept-Encoding" == answer.headers["vary"]
    assert "bytes" == answer.headers["accept-ranges"]
    modified = from_datetime(parsedate_to_datetime(answer.headers["last-modified"]))
    assert publisher.api.clock.now - SECOND <= modified <= publisher.api.clock.now


def test_head_is_get_without_a_body(publisher, c2, token):
    """Every header of the one is that of the other, but for the id of the request and the time."""
    own = {"x-request-id", "date"}
    with publisher.client(token) as client:
        for coding in ("identity", "gzip", "zstd"):
            headers = {"Accept-Encoding": coding}
            head, got = client.head(C2, headers=headers), client.get(C2, headers=headers)

            assert (200, b"") == (head.status_code, head.content)
            assert [(name, value) for name, value in got.headers.multi_items() if name not in own] == [
                (name, value) for name, value in head.headers.multi_items() if name not in own
            ]


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


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (None, "identity"),
        ("", "identity"),
        ("identity", "identity"),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, deflate, br", "gzip"),
        ("GZIP;Q=0.5", "gzip"),
        ("gzip, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.9", "gzip"),
        ("gzip;q=0.001, identity;q=0.002", "identity"),
        ("*", "zstd"),
        ("*;q=0.5, zstd;q=0", "gzip"),
        ("br", "identity"),
        ("gzip;q=0, zstd;q=0", "identity"),
        ("identity;q=0, gzip", "gzip"),
        ("*;q=0, identity;q=0.1", "identity"),
        ("gzip;q=nonsense", "identity"),
    ],
)
def test_the_coding_is_what_the_client_likes_best(publisher, c2, token, accepted, coding):
    """By the weights of ``Accept-Encoding``; of those it likes as much, the smaller."""
    with publisher.client(token) as client:
        del client.headers["accept-encoding"]
        request = client.build_request("GET", C2)
        if accepted is None:
            request.headers.pop("accept-encoding", None)
        else:
            request.headers["accept-encoding"] = accepted
        answer = client.send(request, stream=True)
        raw = b"".join(answer.iter_raw())

    assert coding == answer.headers.get("content-encoding", "identity")
    assert c2 == unpacked(answer, raw)
    assert len(raw) == int(answer.headers["content-length"])


@pytest.mark.parametrize("accepted", ["identity;q=0", "*;q=0", "br, identity;q=0"])
def test_a_client_that_takes_no_coding_gets_none(publisher, c2, token, accepted):
    """Whoever refuses even the file as it is, is told so."""
    with publisher.client(token) as client:
        answer = client.get(C2, headers={"Accept-Encoding": accepted})

    assert 406 == answer.status_code


def test_each_coding_has_its_own_strong_tag(publisher, c2, token):
    """The tag is the SHA-256 of the very bytes that are sent."""
    tags = set()
    with publisher.client(token) as client:
        for coding in ("identity", "gzip", "zstd"):
            answer, raw = get_raw(client, C2, **{"Accept-Encoding": coding})
            assert f'"{hashlib.sha256(raw).hexdigest()}"' == answer.headers["etag"]
            assert coding == "identity" or len(raw) < len(c2)
            tags.add(answer.headers["etag"])

    assert 3 == len(tags)


def test_who_has_the_file_does_not_get_it_again(publisher, c2, token):
    """304 for its tag, alone, in a list, made weak by a proxy, and for ``*``; with the headers that a cache needs."""
    with publisher.client(token) as client:
        got = client.get(C2)
        tag = got.headers["etag"]
        for sent in (tag, f"W/{tag}", f'"other", {tag}', "*", f'"a,b",W/{tag} , "c"'):
            answer = client.get(C2, headers={"If-None-Match": sent})
            assert (304, b"") == (answer.status_code, answer.content), sent
            for name in ("etag", "cache-control", "vary", "last-modified"):
                assert got.headers[name] == answer.headers[name]
        for sent in ('"other"', 'W/"other"', "", tag.strip('"'), tag.upper()):
            assert 200 == client.get(C2, headers={"If-None-Match": sent}).status_code, sent


def test_the_tag_of_another_coding_is_not_that_of_this_one(publisher, c2, token):
    """Who has the gzip form and now asks for the file as it is, gets it."""
    with publisher.client(token) as client:
        packed = client.head(C2, headers={"Accept-Encoding": "gzip"}).headers["etag"]
        plain = client.get(C2, headers={"If-None-Match": packed})
        same = client.get(C2, headers={"If-None-Match": packed, "Accept-Encoding": "gzip"})

    assert (200, 304) == (plain.status_code, same.status_code)


def test_dates_tell_what_changed(publisher, c2, token):
    """``If-Modified-Since`` counts where no tag is given, and dates that are none do not."""
    with publisher.client(token) as client:
        date = client.get(C2).headers["last-modified"]
        same = client.get(C2, headers={"If-Modified-Since": date})
        later = client.get(C2, headers={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"})
        earlier = client.get(C2, headers={"If-Modified-Since": "Fri, 01 Jan 1999 00:00:00 GMT"})
        nonsense = client.get(C2, headers={"If-Modified-Since": "yesterday"})
        tag_first = client.get(C2, headers={"If-Modified-Since": date, "If-None-Match": '"other"'})

    assert [304, 304, 200, 200, 200] == [
        answer.status_code for answer in (same, later, earlier, nonsense, tag_first)
    ]


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


def test_preconditions(publisher, c2, token):
    """``If-Match`` and ``If-Unmodified-Since``: another version is told, never sent."""
    with publisher.client(token) as client:
        got = client.get(C2)
        tag, date = got.headers["etag"], got.headers["last-modified"]
        wanted = [
            (200, {"If-Match": tag}),
            (200, {"If-Match": "*"}),
            (412, {"If-Match": '"other"'}),
            (412, {"If-Match": f"W/{tag}"}),
            (200, {"If-Unmodified-Since": date}),
            (412, {"If-Unmodified-Since": "Fri, 01 Jan 1999 00:00:00 GMT"}),
            (200, {"If-Match": tag, "If-Unmodified-Since": "Fri, 01 Jan 1999 00:00:00 GMT"}),
            (304, {"If-Match": tag, "If-None-Match": tag}),
        ]
        found = [(client.get(C2, headers=headers).status_code, headers) for _, headers in wanted]

    assert wanted == found


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=100-", 100, None),
        ("bytes=-100", -100, None),
        ("bytes=0-99999999", 0, None),
        ("bytes=-99999999", 0, None),
        ("Bytes = 5 - 9", 5, 10),
    ],
)
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_part_is_sent(publisher, c2, token, asked, start, end, coding):
    """Of the bytes of the coding that is sent, as they are."""
    with publisher.client(token) as client:
        _, whole = get_raw(client, C2, **{"Accept-Encoding": coding})
        answer, raw = get_raw(client, C2, **{"Accept-Encoding": coding, "Range": asked})

    assert (206, whole[start:end]) == (answer.status_code, raw)
    first = len(whole) + start if start < 0 else start
    assert f"bytes {first}-{first + len(raw) - 1}/{len(whole)}" == answer.headers["content-range"]
    assert len(raw) == int(answer.headers["content-length"])


def test_what_is_no_part_is_the_whole_file_or_refused(publisher, c2, token):
    """Several parts, other units and nonsense: the whole file; what lies behind its end: 416 with its length."""
    with publisher.client(token) as client:
        for asked in ("bytes=0-1,5-9", "lines=0-1", "bytes=", "bytes=-", "bytes=9-5", "bytes=x-1", "0-5"):
            answer = client.get(C2, headers={"Range": asked})
            assert (200, len(c2)) == (answer.status_code, len(answer.content)), asked
        for asked in (f"bytes={len(c2)}-", "bytes=99999999-", "bytes=-0"):
            answer = client.get(C2, headers={"Range": asked})
            assert (416, f"bytes */{len(c2)}") == (answer.status_code, answer.headers["content-range"]), asked
        head = client.head(C2, headers={"Range": "bytes=0-5"})

    assert (200, str(len(c2))) == (head.status_code, head.headers["content-length"])


def test_a_part_of_another_version_is_never_joined(publisher, c2, token):
    """``If-Range``: the part for the same tag, and the whole file for another one, a weak one, or a date."""
    with publisher.client(token) as client:
        got = client.get(C2)
        tag, date = got.headers["etag"], got.headers["last-modified"]
        found = {
            sent: client.get(C2, headers={"Range": "bytes=0-5", "If-Range": sent}).status_code
            for sent in (tag, '"other"', f"W/{tag}", date)
        }

    assert {tag: 206, '"other"': 200, f"W/{tag}": 200, date: 200} == found


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_files_are_only_read(publisher, c2, token, method):
    """Other methods are told which there are."""
    with publisher.client(token) as client:
        answer = client.request(method, C2)

    assert (405, "GET, HEAD") == (answer.status_code, answer.headers["allow"])


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
    assert 401 == found.pop("SHA256SUMS").status_code  # of a folder, and not of an export
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
