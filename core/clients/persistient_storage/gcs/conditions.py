"""Find out whether a server honours the condition of a resumable upload, before relying on it.

Google looks at it when the upload is finished.  Emulators have forgotten it by then and overwrite without a word.
"""

import os
from typing import Any

from core.clients.persistient_storage import names
from core.clients.persistient_storage.bucket_path import Place
from core.clients.persistient_storage.gcs.connection import options, timeout_s
from core.errors import UnsupportedOperation

_honoured: dict[tuple[str, str], bool] = {}


def require(client: Any, place: Place) -> None:
    """Pass if the server is known to honour conditions of resumable uploads in this bucket.

    It is tried out once per server and bucket, with an empty object of a random name that is removed again.

    Raises:
        UnsupportedOperation: It ignores them.
    """
    server = client.api_endpoint, place.bucket
    if server not in _honoured:  # two threads may both try it out; that does no harm
        _honoured[server] = _probe(client, place)
    if not _honoured[server]:
        raise UnsupportedOperation(
            f"the server of bucket {place.bucket} ignores the condition of an upload in parts, so policies create "
            "and if_match could overwrite what they must not with more than 8 MiB; nothing was written"
        )


def _probe(client: Any, place: Place) -> bool:
    blob = client.bucket(place.bucket).blob(place.prefix + names.part_file(os.urandom(8).hex()))
    blob.upload_from_string(b"", **options())
    try:
        session = blob.create_resumable_upload_session(if_generation_match=0, **options())
        headers = {"Content-Range": "bytes */0"}
        answer = client._http.put(session, data=b"", headers=headers, timeout=timeout_s())
        return bool(answer.status_code == 412)
    finally:
        blob.delete(**options())
