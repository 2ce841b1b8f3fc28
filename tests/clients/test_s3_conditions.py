"""Conditional writes on S3: tried out before they are relied on, and not fooled by a lost answer."""

import re

import pytest

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.policies import Create, IfMatch
from core.clients.persistient_storage.s3 import writer as writers
from core.clients.persistient_storage.storage import Storage
from core.errors import FileExists, PreconditionFailed, StorageUnavailable, UnsupportedOperation


@pytest.mark.scoreboard("create-only ignored by the server is refused")
@pytest.mark.parametrize("policy", [Create(), IfMatch("0" * 32)])
def test_a_condition_that_the_server_ignores_is_refused(small, policy):
    """Instead of overwriting: the server is tried out once, and nothing of that stays."""
    small.ignores_conditions = True
    small.objects["/bucket/x/a.txt"] = b"old"
    storage = Storage(get_client("s3://bucket/x"))
    for _ in range(2):
        with pytest.raises(UnsupportedOperation, match="does not honour"):
            storage.write("a.txt", "new", policy=policy)

    assert small.objects == {"/bucket/x/a.txt": b"old"}
    assert small.methods() == ["PUT", "PUT", "PUT", "DELETE"]


def test_a_server_is_tried_out_once(small):
    """Where conditions are honoured, a second create costs one request."""
    storage = Storage(get_client("s3://bucket/x"))
    storage.write("a.txt", "one", policy=Create())
    small.requests.clear()
    storage.write("b.txt", "two", policy=Create())

    assert small.methods() == ["PUT"]
    assert sorted(small.objects) == ["/bucket/x/a.txt", "/bucket/x/b.txt"]


def test_a_create_whose_answer_was_lost_is_not_refused(small):
    """The server stored it, the answer was lost, and on the second try the own object is in the way."""
    storage = Storage(get_client("s3://bucket/x"))
    storage.write("first.txt", "x", policy=Create())
    small.loses_answers = 1

    assert storage.write("a.txt", "mine", policy=Create()).outcome == "created"
    assert small.methods()[-3:] == ["PUT", "PUT", "HEAD"]


def test_a_replacement_whose_answer_was_lost_is_not_refused(small):
    """The same for ``IfMatch``: the ETag that is there by the second try is that of the own object."""
    storage = Storage(get_client("s3://bucket/x"))
    etag = storage.write("a.txt", "old").etag
    storage.write("first.txt", "x", policy=Create())
    small.loses_answers = 1

    assert storage.write("a.txt", "mine", policy=IfMatch(etag)).outcome == "replaced"
    assert small.objects["/bucket/x/a.txt"] == b"mine"


@pytest.mark.parametrize(("policy", "kind"), [(Create(), FileExists), (IfMatch("0" * 32), PreconditionFailed)])
def test_somebody_elses_object_is_in_the_way_after_a_lost_answer(small, policy, kind):
    """Only the very same bytes count as the own object."""
    storage = Storage(get_client("s3://bucket/x"))
    storage.write("first.txt", "x", policy=Create())
    storage.write("a.txt", "theirs")
    small.failures = [500]
    with pytest.raises(kind):
        storage.write("a.txt", "mine", policy=policy)

    assert small.objects["/bucket/x/a.txt"] == b"theirs"


POLICIES = [(Create(), "If-None-Match", FileExists), (IfMatch("0" * 32), "If-Match", PreconditionFailed)]
LARGE = b"x" * 200


@pytest.fixture
def small_parts(monkeypatch):
    """A hundred bytes are a part, so that two hundred are a large file."""
    monkeypatch.setattr(writers, "PART_BYTES", 100)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.scoreboard("create-only ignored by the server is refused")
@pytest.mark.parametrize(("policy", "header", "kind"), POLICIES)
def test_a_condition_that_is_ignored_at_the_end_of_an_upload_is_refused(small, policy, header, kind):
    """A server may honour it for small files only: those are stored; of a large one nothing is sent at all."""
    small.ignores_at_the_end = frozenset({header})
    small.objects["/bucket/x/a.txt"] = b"old"
    storage = Storage(get_client("s3://bucket/x"))
    with pytest.raises(kind):
        storage.write("a.txt", "new", policy=policy)
    for _ in range(2):
        small.requests.clear()
        with pytest.raises(UnsupportedOperation, match=r"larger than 8 MiB; nothing was written"):
            storage.write("a.txt", iter([LARGE]), policy=policy)

    assert (small.objects, small.uploads, small.methods()) == ({"/bucket/x/a.txt": b"old"}, {}, [])


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(("policy", "header", "kind"), POLICIES)
def test_the_other_condition_of_a_large_file_is_relied_on(small, policy, header, kind):
    """Each of the two is tried out for itself: a server may honour one and ignore the other."""
    small.ignores_at_the_end = frozenset({"If-None-Match", "If-Match"} - {header})
    small.objects["/bucket/x/a.txt"] = b"old"
    with pytest.raises(kind):
        Storage(get_client("s3://bucket/x")).write("a.txt", iter([LARGE]), policy=policy)

    assert (small.objects, small.uploads) == ({"/bucket/x/a.txt": b"old"}, {})


@pytest.mark.usefixtures("small_parts")
def test_uploads_are_tried_out_once_and_only_when_a_large_file_comes(small):
    """A small file with a policy costs what it did; a second large one is its own requests; nothing else stays."""
    storage = Storage(get_client("s3://bucket/x"))
    storage.write("small.txt", "x", policy=Create())
    assert small.methods() == ["PUT", "PUT", "PUT", "DELETE", "PUT"]
    storage.write("one.txt", iter([LARGE]), policy=Create())
    small.requests.clear()
    storage.write("two.txt", iter([LARGE]), policy=Create())
    storage.write("three.txt", iter([LARGE]))

    assert small.methods() == ["POST", "PUT", "PUT", "POST"] * 2
    assert sorted(small.objects) == [f"/bucket/x/{name}.txt" for name in ("one", "small", "three", "two")]
    assert small.uploads == {}


@pytest.mark.usefixtures("small_parts")
def test_an_upload_is_tried_out_with_all_that_the_path_asks_for(small):
    """A bucket's policy may refuse what comes without: the owner, the class, the tags."""
    path = "s3://bucket/x?expected-bucket-owner=123456789012&storage-class=STANDARD_IA"
    Storage(get_client(path)).write("a.txt", iter([LARGE]), policy=Create())
    asked = [(path, headers) for method, path, headers in small.requests if method == "POST"]
    begun = [headers["x-amz-storage-class"] for path, headers in asked if path.endswith("?uploads")]

    assert begun == ["STANDARD_IA"] * 4  # three canaries and the file
    assert {headers["x-amz-expected-bucket-owner"] for _, _, headers in small.requests} == {"123456789012"}


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("status", [500, 501])
def test_only_a_refusal_counts_as_honoured_at_the_end_of_an_upload(small, monkeypatch, status):
    """An error of the server is one, and is not remembered; a condition that it does not know is not honoured."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    storage = Storage(get_client("s3://bucket/x"))
    storage.write("small.txt", "x", policy=Create())

    def fail(method, path):
        if method == "POST" and re.search(r"part\?uploadId=", path):
            small.failures = [status]

    small.watch = fail
    with pytest.raises(StorageUnavailable if status == 500 else UnsupportedOperation):
        storage.write("a.txt", iter([LARGE]), policy=Create())
    assert (list(small.objects), small.uploads) == (["/bucket/x/small.txt"], {})
    small.watch = lambda method, path: None
    if status == 500:
        assert storage.write("a.txt", iter([LARGE]), policy=Create()).outcome == "created"


@pytest.mark.parametrize("lost", ["put", "end"])
def test_a_trial_whose_answer_was_lost_is_not_misunderstood(small, monkeypatch, lost):
    """The canary is in its own way at the second try; that is no reason to refuse all that comes."""
    monkeypatch.setattr(writers, "PART_BYTES", 100)
    lost_before = []

    def lose(method, path):
        is_it = re.search(r"part$" if lost == "put" else r"part\?uploadId=[^&]*$", path)
        if is_it and method == ("PUT" if lost == "put" else "POST") and not lost_before:
            lost_before.append(path)
            small.loses_answers = 1

    small.watch = lose
    assert Storage(get_client("s3://bucket/x")).write("a.txt", iter([LARGE]), policy=Create()).outcome == "created"
    assert len(lost_before) == 1
    assert sorted(small.objects) == ["/bucket/x/a.txt"]
