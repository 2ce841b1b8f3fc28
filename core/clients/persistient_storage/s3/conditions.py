"""Find out whether a server honours conditional writes, before relying on it.

Some servers ignore ``If-None-Match`` and ``If-Match`` and overwrite without a word; nothing but trying tells.
"""

import os
import threading
from typing import Any

from core.clients.persistient_storage import names
from core.clients.persistient_storage.s3.errors import asking, status_of
from core.clients.persistient_storage.s3.place import Place
from core.errors import UnsupportedOperation

_NO_SUCH_ETAG = '"00000000000000000000000000000000"'

_lock = threading.Lock()
_honoured: dict[tuple[str, str], frozenset[str]] = {}


def require(client: Any, place: Place, condition: str) -> None:
    """Pass if the server is known to honour *condition* (``IfNoneMatch`` or ``IfMatch``) in this bucket.

    It is tried out once per server and bucket, with an empty object of a random name that is removed again.

    Raises:
        UnsupportedOperation: It ignores or refuses the condition.
    """
    server = (client.meta.endpoint_url, place.bucket)
    with _lock:
        if server not in _honoured:
            _honoured[server] = _probe(client, place)
        honoured = _honoured[server]
    if condition not in honoured:
        policy = "create" if condition == "IfNoneMatch" else "if_match"
        raise UnsupportedOperation(
            f"the server of bucket {place.bucket} does not honour {condition}, so policy {policy} could overwrite "
            "what it must not; nothing was written"
        )


def _probe(client: Any, place: Place) -> frozenset[str]:
    key = place.prefix + names.part_file(os.urandom(8).hex())
    honoured = set()
    try:
        if _put(client, place, key, IfNoneMatch="*") == "stored":
            if _put(client, place, key, IfNoneMatch="*") == "refused":
                honoured.add("IfNoneMatch")
            if _put(client, place, key, IfMatch=_NO_SUCH_ETAG) == "refused":
                honoured.add("IfMatch")
    finally:
        with asking(place.address(key)):
            client.delete_object(**place.target(key))
    return frozenset(honoured)


def _put(client: Any, place: Place, key: str, **condition: str) -> str:
    with asking(place.address(key)):
        try:
            # With all that the path asks for: a bucket's policy may refuse a put without it.
            client.put_object(**place.target(key), **dict(place.options.stored), Body=b"", **condition)
        except client.exceptions.ClientError as error:
            match status_of(error):
                case 412:
                    return "refused"
                case 400 | 501:  # the header itself is not understood
                    return "unknown"
                case _:
                    raise
    return "stored"


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)
