"""A published file over HTTP: its bytes, its codings, and what a client need not fetch again."""

import hashlib
from email.utils import parsedate_to_datetime

import pytest
from publishing import Publisher, addresses, unpacked
from served import served_installation

from core.schemas.instant import SECOND, from_datetime

C2 = "/exports/c2.txt"


@pytest.fixture(scope="module")
def publisher(tmp_path_factory, databases):
    """One installation for all tests here, which only read."""
    with served_installation(tmp_path_factory.mktemp("served"), databases) as api:
        yield Publisher(api)


@pytest.fixture(scope="module")
def c2(publisher):
    """A list of a thousand addresses."""
    return publisher.publish("c2", addresses(1_000))


@pytest.fixture(scope="module")
def token(publisher, c2):
    """The token of a consumer that may fetch it."""
    return publisher.consumer("firewall", "c2")


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
    assert publisher.api.clock.now - SECOND <= modified <= publisher.api.clock.now + 60 * SECOND


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
        (f"bytes=0-{'9' * 40}", 0, None),
        (f"bytes=-{'9' * 40}", 0, None),
        (f"bytes={'0' * 5_000}5-9", 5, 10),
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
        for asked in (
            "bytes=0-1,5-9",
            "lines=0-1",
            "bytes=",
            "bytes=-",
            "bytes=9-5",
            f"bytes={'9' * 40}-5",
            "bytes=x-1",
            "0-5",
        ):
            answer = client.get(C2, headers={"Range": asked})
            assert (200, len(c2)) == (answer.status_code, len(answer.content)), asked
        for asked in (f"bytes={len(c2)}-", "bytes=99999999-", f"bytes={'9' * 40}-{'9' * 41}", "bytes=-0"):
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
