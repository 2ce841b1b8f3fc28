"""What a client says it cannot promise is refused in words, before the client is asked for it."""

import os
import threading

from core.clients.persistient_storage.policies import Create, IfMatch
from core.clients.persistient_storage.receipts import WriteRequest
from core.errors import UnsupportedOperation

_POLICIES: dict[type, str] = {Create: "create", IfMatch: "if_match"}


class Promises:
    """The guard of one client, made where and when the client is taken into use.

    Args:
        client: The client; its ``CANNOT_PROMISE`` is what is guarded.
    """

    def __init__(self, client: object) -> None:
        self._client = type(client).__name__
        self._cannot = frozenset(getattr(client, "CANNOT_PROMISE", ()))
        self._process, self._thread = os.getpid(), threading.get_ident()

    def check_use(self, name: str = "") -> None:
        """Refuse the use of the client here and now, or of a name that it has no place for.

        Raises:
            UnsupportedOperation: With the word that it cannot promise.
        """
        if not self._cannot:
            return
        if "nested" in self._cannot and "/" in name:
            raise self._refusal("nested", f"names with a slash such as {name}")
        if "fork" in self._cannot and os.getpid() != self._process:
            raise self._refusal("fork", "use in a forked child; make it anew there, or in a process of its own")
        if "threads" in self._cannot and threading.get_ident() != self._thread:
            raise self._refusal("threads", "use by another thread than the one that made it")

    def check_write(self, request: WriteRequest) -> None:
        """Refuse a write whose policy or metadata the client cannot keep.

        Raises:
            UnsupportedOperation: With the word that it cannot promise.
        """
        word = policy_word(request)
        if word in self._cannot:
            raise self._refusal(word, "writes with that policy")
        if request.has_asked and "metadata" in self._cannot:
            raise self._refusal("metadata", "metadata beside a file")

    def _refusal(self, word: str, what: str) -> UnsupportedOperation:
        return UnsupportedOperation(f"{self._client} cannot promise {word!r}: {what}")


def policy_word(request: WriteRequest) -> str:
    """Return the word of the contract for the request's policy; empty for one that every client carries."""
    return _POLICIES.get(type(request.policy), "")
