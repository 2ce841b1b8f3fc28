"""What a path may ask for beside its place: ``s3://bucket/prefix?storage-class=STANDARD_IA&tag:team=intel``."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlencode

from core.errors import InvalidStoragePath

_TAG = "tag:"
_MOST_TAGS = 10
_LONGEST_TAG_NAME, _LONGEST_TAG_VALUE = 128, 256
_TAG_LETTERS = re.compile(r"[\w +\-=.:/@]*")
_ACLS = (
    *("private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read"),
    *("bucket-owner-read", "bucket-owner-full-control"),
)

_FORMS: dict[str, tuple[re.Pattern[str], str]] = {
    "storage-class": (re.compile(r"[A-Z][A-Z0-9_]{0,63}"), "capitals such as STANDARD_IA"),
    "expected-bucket-owner": (re.compile(r"[0-9]{12}"), "the 12 digits of an account"),
    "kms-key-id": (re.compile(r"[!-~]{1,2048}"), "the id or the ARN of a key"),
    "acl": (re.compile("|".join(_ACLS)), f"one of {', '.join(_ACLS)}"),
}
KNOWN = (*_FORMS, f"{_TAG}NAME")
"""The options there are."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a path, as boto3 names them.

    Attributes:
        owner: Goes with every request: it is refused if the bucket belongs to somebody else.
        stored: Goes with the requests that make an object.
    """

    owner: tuple[tuple[str, str], ...] = ()
    stored: tuple[tuple[str, str], ...] = ()


def options(query: str) -> Options:
    """Return the options that *query* spells, each ``name=value`` and percent-encoded where it must be.

    Raises:
        InvalidStoragePath: One is unknown, given twice, or has a value that it cannot have.
    """
    given: dict[str, str] = {}
    for item in query.split("&") if query else ():
        name, equals, value = (unquote(part) for part in item.partition("="))
        if not equals:
            raise InvalidStoragePath(f"the option {name!a} of the s3:// path has no value; write {name}=…")
        if name in given:
            raise InvalidStoragePath(f"the option {name!a} of the s3:// path is given twice")
        _check(name, value)
        given[name] = value
    return _made(given)


def _made(given: dict[str, str]) -> Options:
    tags = {name.removeprefix(_TAG): value for name, value in given.items() if name.startswith(_TAG)}
    if len(tags) > _MOST_TAGS:
        raise InvalidStoragePath(f"the s3:// path has {len(tags)} tags; an object can have {_MOST_TAGS}")
    owner = given.get("expected-bucket-owner")
    key = given.get("kms-key-id")
    stored = {
        "StorageClass": given.get("storage-class"),
        "ACL": given.get("acl"),
        "ServerSideEncryption": "aws:kms" if key else None,
        "SSEKMSKeyId": key,
        "Tagging": urlencode(tags) or None,
    }
    return Options(
        (("ExpectedBucketOwner", owner),) if owner else (),
        tuple((name, value) for name, value in stored.items() if value is not None),
    )


def _check(name: str, value: str) -> None:
    if name.startswith(_TAG):
        _check_tag(name.removeprefix(_TAG), value)
    elif name not in _FORMS:
        from difflib import get_close_matches

        near = get_close_matches(name, KNOWN, 1, 0.4)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InvalidStoragePath(
            f"the s3:// path has no option {name!a}; there are {', '.join(KNOWN)}{hint}  A ? within a prefix "
            "cannot be had."
        )
    else:
        form, wanted = _FORMS[name]
        if not form.fullmatch(value):
            raise InvalidStoragePath(f"the option {name} of the s3:// path cannot be {value!a}; it is {wanted}")


def _check_tag(name: str, value: str) -> None:
    if not 1 <= len(name) <= _LONGEST_TAG_NAME or len(value) > _LONGEST_TAG_VALUE:
        raise InvalidStoragePath(
            f"the tag {name!a} of the s3:// path is empty or too long: its name has 1 to {_LONGEST_TAG_NAME} "
            f"letters, its value up to {_LONGEST_TAG_VALUE}"
        )
    if name.lower().startswith("aws:") or not _TAG_LETTERS.fullmatch(name) or not _TAG_LETTERS.fullmatch(value):
        raise InvalidStoragePath(
            f"the tag {name!a} of the s3:// path may hold letters, digits, spaces and + - = . _ : / @, and its "
            "name does not begin with aws:"
        )
