"""Read published files all the time, as consumers do: from the api, and from the bucket."""

import hashlib
import http.client
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.services.outcome import Reads

if TYPE_CHECKING:
    from bench.services.places import SeaweedFS

API, BUCKET = "api", "bucket"
_PAUSE_S = 0.02
_PATIENCE_S = 10


class _Refused(Exception):
    """A file could not be read, and it may be so; the message says how."""


class _Gone(Exception):
    """There is no such file."""


@contextmanager
def reading(names: Sequence[str], urls: Sequence[str], storage: "SeaweedFS") -> Iterator[Reads]:
    """Read files of some names for a block, one after the other, from each place; what came of it is whole at its end.

    Args:
        names: Of the files; as long as one was never there it need not be.
        urls: Of the processes of api.
        storage: Where the files are.
    """
    found, stop = Reads(), threading.Event()
    by_place: dict[str, Callable[[str, random.Random], bytes]] = {
        API: lambda name, chance: _from_api(f"{chance.choice(urls)}/exports/{name}", name, found),
        BUCKET: lambda name, _: _from_bucket(storage, name),
    }
    threads = [
        threading.Thread(target=_read, args=(place, fetch, names, found, stop), daemon=True)
        for place, fetch in by_place.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        stop.set()
        for thread in threads:
            thread.join(3 * _PATIENCE_S)


def _read(
    place: str,
    fetch: Callable[[str, random.Random], bytes],
    names: Sequence[str],
    found: Reads,
    stop: threading.Event,
) -> None:
    chance, there = random.Random(place), set[str]()
    found.whole[place] = 0
    try:
        while not stop.wait(_PAUSE_S):
            name = chance.choice(names)
            try:
                body = fetch(name, chance)
            except _Gone:
                if name in there:
                    found.broken.append(f"{place}: {name} was there and is gone")
                continue
            except _Refused as error:
                found.errors.append((time.time_ns() // 1_000, f"reader of the {place}", str(error)))
                continue
            there.add(name)
            found.whole[place] += 1
            found.contents.add((place, name, hashlib.sha256(body).hexdigest()))
    except Exception as error:
        found.faults.append(f"the reader of the {place} ended: {type(error).__name__}: {error}")


def _from_api(url: str, name: str, found: Reads) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_PATIENCE_S) as answer:
            body, etag = answer.read(), answer.headers["ETag"]
    except urllib.error.HTTPError as error:
        if error.code in (401, 404):  # who may not know gets the one, and the others the other
            raise _Gone from error
        raise _Refused(f"HTTP {error.code}") from error
    except (OSError, http.client.HTTPException) as error:
        # Also an answer that is shorter than it says: whoever fetches knows, and asks again later.
        cause = getattr(error, "reason", error)
        raise _Refused(f"no answer, or half of one ({type(cause).__name__})") from error
    sha256 = hashlib.sha256(body).hexdigest()
    if etag != f'"{sha256}"':
        found.broken.append(f"api: {name} is not what its ETag {etag} says: SHA-256 {sha256}")
    return body


def _from_bucket(storage: "SeaweedFS", name: str) -> bytes:
    from botocore.exceptions import BotoCoreError, ClientError
    from urllib3.exceptions import HTTPError

    try:
        return storage.read(f"lists/{name}")
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            raise _Gone from error
        raise _Refused(f"HTTP {error.response['ResponseMetadata']['HTTPStatusCode']}") from error
    except (BotoCoreError, HTTPError, OSError) as error:
        raise _Refused(f"no answer, or half of one ({type(error).__name__})") from error
