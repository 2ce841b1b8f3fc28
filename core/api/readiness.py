"""Whether this process can do its work: the store, the storages, and whether anybody runs what is due.

The words are for strangers: no path, no name, no address.  The log has the whole of it, once for each change.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import errors
from core.api.kept import Kept
from core.errors import FileMissing, YetiError
from core.store import health, workers

if TYPE_CHECKING:
    from core.api.services import Services
    from core.store import Store

KEPT_S = 2.0
ANSWER_WITHIN_S = 5.0
"""A storage that takes longer counts as away: whoever asks has no more patience either."""

LATE_S = 60
NEWER = "a newer version has upgraded the store, and this one may use it"
_PROBE = "readiness-probe.txt"
"""A file that there is not: asking for it costs few requests, and changes nothing."""

_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (errors.StoreSchemaError, "the schema of the store is not this program's"),
    (errors.StoreAway, "the store cannot be reached"),
    (errors.StoreBusy, "the store is busy"),
    (errors.StoreError, "the store cannot be read"),
    (errors.StorageTimeout, "the storage does not answer"),
    (errors.StoragePermissionDenied, "the storage refuses this program"),
    (errors.StorageUnavailable, "the storage cannot be reached"),
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """How one part is: in order, or what is wrong, and whether this process can do without it.

    A note says what is worth knowing of one that is in order.
    """

    name: str
    message: str = ""
    is_needed: bool = True
    note: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether it is in order."""
        return not self.message


class Readiness:
    """Looks when it is asked, and not more often than every two seconds."""

    def __init__(self, services: "Services") -> None:
        """Keep what is looked at; nothing is looked at yet."""
        self._services = services
        paths = dict.fromkeys((services.settings.export_path, services.settings.versions_path))
        self._probes = [_Probe(path) for path in paths]
        self._kept = Kept(self._look, KEPT_S)
        self._said: dict[str, str] = {}
        self._note = ""

    def checks(self) -> tuple[Check, ...]:
        """Return how each part is."""
        return self._kept.get()

    def _look(self) -> tuple[Check, ...]:
        store = Check("store", self._why("store", self._check_store), note=self._note)
        storage = Check("storage", next(filter(None, (self._ask(probe) for probe in self._probes)), ""))
        if not store.is_ok:
            return store, storage, Check("queue", "the store cannot be asked", is_needed=False)
        queue = Check("queue", self._why("queue", self._check_queue))
        if queue.is_ok:
            queue = Check("queue", self._why("workers", self._check_workers), is_needed=False)
        return store, storage, queue

    def _check_store(self) -> None:
        # What was opened before can be read on when its file is gone, and a new one would be made: both look well.
        health.check_there(self._services.config["database.url"])
        with self._services.store() as store:
            newer = health.check_schema(store)
        self._note = NEWER if newer else ""

    def _check_queue(self) -> None:
        with self._services.store() as store:
            health.queue(store, self._services.now)

    def _check_workers(self) -> None:
        with self._services.store() as store:
            self._refuse_nobody(store)

    def _refuse_nobody(self, store: "Store") -> None:
        """Do nothing if somebody runs what is due, or nothing is: who calls ``tasks --once`` needs nobody."""
        now = self._services.now
        late = health.queue(store, now - LATE_S * 1_000_000)
        if late.due and not workers.lately(store, now):
            raise _NobodyWorks("runs are due, and nobody was seen in the last minute who does them")

    def _ask(self, probe: "_Probe") -> str:
        return self._why(f"storage {probe.path}", probe.ask)

    def _why(self, what: str, look: Callable[[], None]) -> str:
        """Return in words for anybody what is wrong; the log gets the whole of it when it changes."""
        try:
            look()
        except (YetiError, OSError) as error:
            whole, words = str(error), _words(error)
        else:
            whole, words = "", ""
        before = self._said.get(what, "")
        if whole != before:
            self._said[what] = whole
            if whole:
                _log.error("not ready", extra={"part": what, "why": whole})
            else:
                _log.info("ready again", extra={"part": what})
        return words


class _NobodyWorks(YetiError):
    """Jobs are due, and nobody was seen who does them."""


def _words(error: BaseException) -> str:
    if isinstance(error, _NobodyWorks):
        return str(error)
    return next((words for kind, words in _WORDS if isinstance(error, kind)), "the storage cannot be used")


class _Probe:
    """Asks one storage, by a thread of its own, so that one which never answers holds nobody up."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def ask(self) -> None:
        """Do nothing if the storage answers.

        Raises:
            StorageError: It does not, or it refuses.
        """
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._try, name="storage probe", daemon=True)
            self._thread.start()
        self._thread.join(ANSWER_WITHIN_S)
        if self._thread.is_alive():
            raise errors.StorageTimeout(f"{self.path}: no answer within {ANSWER_WITHIN_S:.0f} s")
        if self._error is not None:
            raise self._error

    def _try(self) -> None:
        from core.clients.persistient_storage import get_client
        from core.clients.persistient_storage.storage import Storage

        self._error = None
        try:
            Storage(get_client(self.path)).stat(_PROBE)
        except FileMissing:
            return
        except (YetiError, OSError) as error:
            self._error = error
