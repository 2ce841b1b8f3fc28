"""Find out whether a server honours conditional writes, before relying on it.

Some servers ignore ``If-None-Match`` and ``If-Match`` and overwrite without a word; nothing but trying tells.
"""

import os
import threading
from collections.abc import Callable

from core.clients.persistient_storage import names
from core.clients.persistient_storage.s3.connection import Connection
from core.clients.persistient_storage.s3.errors import asking, status_of
from core.clients.persistient_storage.s3.place import S3Place
from core.clients.persistient_storage.s3.uploads import Upload
from core.errors import UnsupportedOperation

_NO_SUCH_ETAG = '"00000000000000000000000000000000"'

_lock = threading.Lock()
_honoured: dict[tuple[str, str, bool], frozenset[str]] = {}


def require(link: Connection, place: S3Place, condition: str, *, in_parts: bool = False) -> None:
    """Pass if the server is known to honour *condition* (``IfNoneMatch`` or ``IfMatch``) in this bucket.

    It is tried out once per server and bucket, and once more for what is sent *in_parts*: there are servers that
    honour a condition of one request, and ignore it at the end of an upload.  What is tried out is an object of a
    random name that is removed again.

    Raises:
        UnsupportedOperation: It ignores or refuses the condition.
    """
    kind = (link.client.meta.endpoint_url, place.bucket, in_parts)
    with _lock:
        if kind not in _honoured:
            _honoured[kind] = _probe(link, place, _upload if in_parts else _put)
        honoured = _honoured[kind]
    if condition not in honoured:
        policy = "create" if condition == "IfNoneMatch" else "if_match"
        where, what = (" at the end of an upload", " with a file larger than 8 MiB") if in_parts else ("", "")
        raise UnsupportedOperation(
            f"the server of bucket {place.bucket} does not honour {condition}{where}, so policy {policy} could "
            f"overwrite what it must not{what}; nothing was written"
        )


def _probe(link: Connection, place: S3Place, write: Callable[..., None]) -> frozenset[str]:
    key = place.prefix + names.part_file(os.urandom(8).hex())

    def outcome(**condition: str) -> str:
        with asking(place.address(key)):
            try:
                write(link, place, key, condition)
            except link.client.exceptions.ClientError as error:
                match status_of(error):
                    case 412:
                        return "refused"
                    case 400 | 501:  # the header itself is not understood
                        return "unknown"
                    case _:
                        raise
        return "stored"

    honoured = set()
    try:
        # Nobody else knows the name: refused is what was stored already, by a try whose answer was lost.
        if outcome(IfNoneMatch="*") != "unknown":
            if outcome(IfNoneMatch="*") == "refused":
                honoured.add("IfNoneMatch")
            if outcome(IfMatch=_NO_SUCH_ETAG) == "refused":
                honoured.add("IfMatch")
    finally:
        with asking(place.address(key)):
            link.client.delete_object(**place.target(key))
    return frozenset(honoured)


# Both with all that the path asks for: a bucket's policy may refuse what comes without it.


def _put(link: Connection, place: S3Place, key: str, condition: dict[str, str]) -> None:
    link.client.put_object(**place.target(key), **dict(place.options.stored), Body=b"", **condition)


def _upload(link: Connection, place: S3Place, key: str, condition: dict[str, str]) -> None:
    upload = Upload(link, place, key, dict(place.options.stored))
    try:
        upload.send(bytearray(1), 1)
        upload.complete(condition)
    except BaseException:
        upload.forget()
        raise


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)
