"""Conditional writes on S3: tried out before they are relied on, and not fooled by a lost answer."""

import pytest

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.policies import Create, IfMatch
from core.clients.persistient_storage.storage import Storage
from core.errors import FileExists, PreconditionFailed, UnsupportedOperation


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
