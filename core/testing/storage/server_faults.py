"""Server faults: it fails, stalls, breaks off or cuts short, and readers still see a whole file or an error."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.patience import waiting_at_most
from core.clients.persistient_storage.storage import Storage
from core.errors import FileMissing, StorageCorrupt, StorageError
from core.testing.faults import HTTP_KINDS, TCP_KINDS, Fault, Proxy
from core.testing.storage.under_test import ClientUnderTest, alike, cannot, state

_STALL_ENDS_WITHIN_S, _ANSWER_WITHIN_S = 1, 10
"""How long an answer is waited for: where none will come, and where only the machine is slow."""

_ENDS_WITHIN_S = 30
"""A fault for ever is to end in an error by then: some tries with pauses, and one time-out."""

_TEXT = "0123456789abcde\n" * (20 << 10)
_WITHOUT_BODY = tuple(kind for kind in HTTP_KINDS if kind not in ("short", "no-length"))

_LOOKS: dict[str, Callable[[Storage], object]] = {
    "delete": lambda storage: storage.delete("file.txt"),
    "stat": lambda storage: storage.stat("file.txt").size_bytes,
    "list": lambda storage: [stat.name for stat in storage.list()],
}


def _once_and_for_ever(kinds: tuple[str, ...]) -> list[Any]:
    """Return the cases of a test; a stall is one time-out, and the same whether or not it would come again."""
    cases = [(kind, times) for kind in kinds for times in (1, None) if (kind, times) != ("stall", 1)]
    return [pytest.param(*case, id=f"{case[0]}-{'once' if case[1] else 'for ever'}") for case in cases]


class ServerFaultTests(ClientUnderTest):
    """What happens when the server does not do its part; needs ``path_through``."""

    @pytest.fixture
    def proxy(self) -> Iterator[Proxy]:
        """Stands between the client and its server."""
        with Proxy() as proxy:
            yield proxy

    @pytest.fixture
    def far_path(self, proxy: Proxy, path: str, monkeypatch: pytest.MonkeyPatch) -> str:
        """The path by way of the proxy."""
        far = self.path_through(proxy, path, monkeypatch)
        if far is None:
            pytest.skip("no path_through in the test class: server faults are not tried")
        return far

    def test_taking_a_path_contacts_nobody(self, far_path, proxy):
        """The constructor and ``file_path`` ask no server: one that is away does not keep a program from starting."""
        get_client(far_path).file_path("file.txt")

        assert proxy.requests == 0, "connect on the first use, not in the constructor or in file_path (__init__)"

    @pytest.mark.parametrize(("kind", "times"), _once_and_for_ever(_WITHOUT_BODY))
    def test_a_put_that_meets_a_fault(self, client, far_path, proxy, kind, times):
        """A fault of the server on a put: the new file stands, or an error says "later" and the old one stands."""
        _try_if_possible(proxy, kind)
        client.put_file("file.txt", "old")
        proxy.fault = Fault(kind, "put", times)

        said = _within(lambda: Storage(get_client(far_path)).write("file.txt", _TEXT), kind)

        _check_error(said, times)
        proxy.fault = None
        stands = self.what_stands(client)
        if cannot(client, "atomic"):
            assert stands in (b"old", _TEXT.encode(), None)
        else:
            expected = b"old" if isinstance(said, Exception) else _TEXT.encode()
            assert stands == expected, (
                f"a put is to store all and return, or nothing and raise (put_file); it said {said}"
            )

    @pytest.mark.parametrize("kind", ["500", "reset", "stall"])
    def test_a_large_put_that_meets_a_fault_midway(self, client, storage, far_path, proxy, kind):
        """A server that fails after the first part for ever: the old file stands and no part of the new is left."""
        _try_if_possible(proxy, kind)
        client.put_file("file.txt", "old")
        proxy.fault = Fault(kind, "put", after=1)

        data = b"0123456789abcdef" * (20 << 16)
        said = _within(lambda: Storage(get_client(far_path)).write("file.txt", data), kind)

        proxy.fault = None
        if isinstance(said, Exception):
            _check_error(said, None)
            self.expect_only_old(client, storage)
        else:  # it needed one request only
            assert alike(self.raw(client, "file.txt"), data)

    @pytest.mark.parametrize(("kind", "times"), _once_and_for_ever(HTTP_KINDS))
    def test_a_read_that_meets_a_fault(self, client, far_path, proxy, kind, times):
        """A fault of the server on a read: the whole file comes, or an error; never a part, never "missing"."""
        _try_if_possible(proxy, kind)
        client.put_file("file.txt", _TEXT)
        reads = [lambda client: Storage(client).read_text("file.txt")]
        if kind in ("short", "no-length"):  # what only looks like the end of the file
            reads.append(lambda client: client.get_file("file.txt"))
        for read in reads:
            proxy.fault = Fault(kind, "get", times)

            said = _within(lambda read=read: read(get_client(far_path)), kind)

            if not isinstance(said, Exception):
                assert said == _TEXT, "compare what came with the length that was announced (get_file)"
                continue
            assert not isinstance(said, FileMissing), f"it is there: {said} (get_file)"
            if kind != "no-length" or not isinstance(said, StorageCorrupt):  # which is no use to try again
                _check_error(said, times)

    @pytest.mark.parametrize("kind", ["503", "reset"], ids=["503 for ever", "reset for ever"])
    @pytest.mark.parametrize("verb", _LOOKS)
    def test_a_server_that_fails_is_not_an_empty_one(self, client, far_path, proxy, kind, verb):
        """A server that always fails on a delete, a stat or a list: an error that says "later", never "not there"."""
        far = get_client(far_path)
        if not proxy.speaks_http:
            pytest.skip("only of HTTP it is known what is a look")
        if not hasattr(far, "delete_file" if verb == "delete" else verb):
            pytest.skip(f"the client has no {verb}")
        client.put_file("file.txt", "old")
        proxy.fault = Fault(kind, "delete" if verb == "delete" else "look")

        said = _within(lambda: _LOOKS[verb](Storage(far)), kind)

        proxy.fault = None
        if isinstance(said, Exception):
            assert not isinstance(said, FileNotFoundError), f"it is there: {said}"
            _check_error(said, None)
            assert self.raw(client, "file.txt") == b"old"
        else:  # it asked in another way
            assert said == {"delete": None, "stat": 3, "list": ["file.txt"]}[verb]
            assert verb != "delete" or state(client) is None


def _try_if_possible(proxy: Proxy, kind: str) -> None:
    if not proxy.speaks_http and kind not in TCP_KINDS:
        pytest.skip(f"only HTTP has the fault {kind!r}")


def _check_error(said: object, times: int | None) -> None:
    """Check that a fault for ever is told, and that what is told is ours and says that later may be better."""
    assert isinstance(said, Exception) or times is not None, "a server that always fails cannot have stored it"
    if isinstance(said, Exception):
        assert isinstance(said, StorageError), f"not an error of ours: {type(said).__name__}: {said}"
        assert said.transient, f"another try may help, but the error does not say so: {said}"


def _within(run: Any, kind: str) -> Any:
    """Return what *run* returns or raises at a fault of that kind, if it does so in time; otherwise fail."""
    said: list[Any] = []
    answer_within_s = _STALL_ENDS_WITHIN_S if kind == "stall" else _ANSWER_WITHIN_S

    def call() -> None:
        try:
            with waiting_at_most(answer_within_s):
                said.append(run())
        except Exception as error:  # looked at by the test
            said.append(error)

    thread = threading.Thread(target=call, daemon=True)
    began = time.monotonic()
    thread.start()
    thread.join(_ENDS_WITHIN_S)
    assert said, f"no end after {time.monotonic() - began:.0f} s, though nobody should wait longer than that"
    return said[0]
