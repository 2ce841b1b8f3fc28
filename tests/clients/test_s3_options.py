"""The options of an ``s3://`` path: checked when the client is made, sent with the requests they belong to."""
# ruff: noqa: PT012 - what a block does after its first statement is what is tested

from urllib.parse import parse_qs, urlsplit

import pytest

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.policies import Create
from core.clients.persistient_storage.s3.writer import PART_BYTES
from core.clients.persistient_storage.storage import Storage
from core.errors import InvalidStoragePath

OWNER = "123456789012"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd"
ALL = (
    f"s3://bucket/x?storage-class=STANDARD_IA&expected-bucket-owner={OWNER}&kms-key-id={KEY}"
    "&acl=bucket-owner-full-control&tag:team=intel&tag:tlp=clear%20text"
)
STORED = {
    "x-amz-storage-class": "STANDARD_IA",
    "x-amz-acl": "bucket-owner-full-control",
    "x-amz-server-side-encryption": "aws:kms",
    "x-amz-server-side-encryption-aws-kms-key-id": KEY,
    "x-amz-tagging": "team=intel&tlp=clear+text",
}


def options_of(headers):
    return {name.lower(): value for name, value in headers.items() if name.lower() in STORED}


def test_options_are_no_part_of_the_address():
    """``file_path`` and names are those of the same path without options."""
    assert get_client(ALL).file_path("a?b.txt") == "s3://bucket/x/a?b.txt"
    assert get_client("s3://bucket?acl=private").file_path("a.txt") == "s3://bucket/a.txt"
    assert get_client("s3://bucket/x?").file_path("a.txt") == "s3://bucket/x/a.txt"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "storage_class=GLACIER",
            r"no option 'storage_class'; there are storage-class, .*did you mean storage-class\?",
        ),
        ("owner=1", r"there are storage-class, expected-bucket-owner, kms-key-id, acl, tag:NAME"),
        ("storage-class", "'storage-class' of the s3:// path has no value; write storage-class="),
        ("acl=private&acl=private", "'acl' of the s3:// path is given twice"),
        ("acl=privat", "acl of the s3:// path cannot be 'privat'; it is one of private, public-read"),
        ("storage-class=standard", "cannot be 'standard'; it is capitals such as STANDARD_IA"),
        ("expected-bucket-owner=1234", "cannot be '1234'; it is the 12 digits of an account"),
        ("kms-key-id=", "cannot be ''; it is the id or the ARN of a key"),
        ("kms-key-id=a%0Ab", r"cannot be 'a\\nb'"),
        ("tag:=x", "the tag '' of the s3:// path is empty or too long"),
        ("tag:a=" + "x" * 257, "the tag 'a' of the s3:// path is empty or too long"),
        ("tag:aws:a=x", "does not begin with aws:"),
        ("tag:a=x%0A", "may hold letters, digits, spaces"),
        ("&".join(f"tag:{number}=x" for number in range(11)), "has 11 tags; an object can have 10"),
    ],
)
def test_an_option_that_cannot_be_is_refused(query, message):
    """When the client is made, before anything is asked: the message names what there is, and the nearest."""
    with pytest.raises(InvalidStoragePath, match=message):
        get_client(f"s3://bucket/x?{query}")


def test_a_secret_among_the_options_is_refused_and_not_repeated():
    """Credentials belong into the environment; a name that is no option is refused without its value."""
    with pytest.raises(InvalidStoragePath, match="no option 'aws_secret_access_key'") as caught:
        get_client("s3://bucket/x?aws_secret_access_key=a-secret-that-nobody-sees")

    assert "nobody-sees" not in str(caught.value)


def test_options_go_where_objects_are_made(small):
    """With a small file's put, with the begin of a large one, and with the try-out of conditions; nowhere else."""
    storage = Storage(get_client(ALL))
    storage.write("a.txt", "one", policy=Create())
    storage.write("large.bin", b"x" * (PART_BYTES + 1))
    storage.stat("a.txt")
    storage.read_bytes("a.txt")
    list(storage.list())
    storage.delete("a.txt")

    made = [options_of(headers) for method, _, headers in small.requests if options_of(headers)]
    assert made == [STORED] * 5
    puts = [path for method, path, headers in small.requests if options_of(headers) and method == "PUT"]
    assert [path.rpartition("/")[2][:6] for path in puts] == [".yeti-"] * 3 + ["a.txt"]


def test_the_expected_owner_goes_with_every_request(small):
    """So that nothing is read from, written to or removed from a bucket that has become somebody else's."""
    storage = Storage(get_client(ALL))
    storage.write("a.txt", "one", policy=Create())
    storage.write("large.bin", b"x" * (PART_BYTES + 1))
    storage.stat("a.txt")
    storage.read_bytes("a.txt")
    list(storage.list())
    storage.delete("a.txt")
    small.uploads["upload-1"] = ("/bucket/x/dead.bin", {})
    small.objects["/bucket/x/.yeti-0123456789abcdef.part"] = b""
    with pytest.raises(RuntimeError), storage.open_writer("large.bin") as file:
        file.write(b"x" * (PART_BYTES + 1))
        raise RuntimeError
    for leftover in list(storage.leftovers()):
        storage.remove_leftover(leftover)

    owners = {headers.get("x-amz-expected-bucket-owner") for _, _, headers in small.requests}
    assert owners == {OWNER}
    assert {*small.methods()} == {"PUT", "POST", "GET", "HEAD", "DELETE"}
    assert small.uploads == {}


def test_without_options_none_are_sent(small):
    """No ACL, no class, no key, no tags, no owner: the bucket's own settings decide."""
    storage = Storage(get_client("s3://bucket/x"))
    storage.write("a.txt", "one")
    storage.write("large.bin", b"x" * (PART_BYTES + 1))

    assert [options_of(headers) for _, _, headers in small.requests] == [{}] * 5
    assert not any("x-amz-expected-bucket-owner" in headers for _, _, headers in small.requests)


def test_a_link_is_not_bound_to_the_owner(small):
    """A browser that opens it could not send the header that this would need."""
    link = Storage(get_client(ALL)).presign("a.txt", 60)

    assert parse_qs(urlsplit(link).query)["X-Amz-SignedHeaders"] == ["host"]


def test_options_are_kept_by_a_server(moto_in_use):
    """Class, key, tags and rights are what was asked for, on small files and on large ones."""
    bucket, client = moto_in_use.new_bucket(), moto_in_use.client
    storage = Storage(
        get_client(ALL.replace("bucket/x", f"{bucket}/x").replace(f"expected-bucket-owner={OWNER}&", ""))
    )
    storage.write("a.txt", "one")
    storage.write("large.bin", b"x" * (PART_BYTES + 1))

    for key in ("x/a.txt", "x/large.bin"):
        head = client.head_object(Bucket=bucket, Key=key)
        assert (head["StorageClass"], head["ServerSideEncryption"], head["SSEKMSKeyId"]) == (
            "STANDARD_IA",
            "aws:kms",
            KEY,
        )
        tags = client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "intel", "tlp": "clear text"}


@pytest.mark.s3
def test_class_and_tags_on_a_real_server(weed_server):
    """The same on a server that checks signatures."""
    bucket, client = weed_server.new_bucket(), weed_server.client
    Storage(get_client(f"s3://{bucket}/x?storage-class=STANDARD_IA&acl=private&tag:team=intel")).write(
        "a.txt", "one"
    )

    assert client.head_object(Bucket=bucket, Key="x/a.txt")["StorageClass"] == "STANDARD_IA"
    assert client.get_object_tagging(Bucket=bucket, Key="x/a.txt")["TagSet"] == [{"Key": "team", "Value": "intel"}]
