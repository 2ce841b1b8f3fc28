"""The figures that Prometheus is given: names, meanings, and where each comes from."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from fastapi.routing import iter_route_contexts
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, values
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.types import Scope

from core import __version__
from core.api.kept import Kept
from core.errors import DefinitionError
from core.exports.definitions.schedule import longest_pause, read_schedule
from core.schemas.instant import DAY, SECOND, Instant
from core.store import figures, health, workers
from core.store.run_totals import Total

if TYPE_CHECKING:
    from core.api.services import Services

disable_created_metrics()  # type: ignore[no-untyped-call]  # a third more series, of which nobody makes use

KEPT_S = 5.0
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which the library finds what several processes count together."""

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_ENDED = ("completed", "held", "failed")

_EXPORT = ("export",)


@dataclass(frozen=True, slots=True)
class Figure:
    """One name: what kind it is, what it means, and what tells its values apart."""

    name: str
    kind: type[Metric]
    meaning: str
    labels: Sequence[str] = ()


FIGURES = (
    Figure("yeti_exports", GaugeMetricFamily, "Exports that are defined."),
    Figure("yeti_export_enabled", GaugeMetricFamily, "1 if it runs by a schedule, 0 if by hand alone.", _EXPORT),
    Figure(
        "yeti_export_interval_seconds",
        GaugeMetricFamily,
        "The longest time between two of its next turns by its schedule; not for those that run by hand alone.",
        _EXPORT,
    ),
    Figure(
        "yeti_export_runs",
        CounterMetricFamily,
        "Runs that ended, by how, since it was made.",
        ("export", "status"),
    ),
    Figure("yeti_export_run_duration_seconds", SummaryMetricFamily, "How long those runs took.", _EXPORT),
    Figure("yeti_export_last_run_duration_seconds", GaugeMetricFamily, "How long its last run took.", _EXPORT),
    Figure(
        "yeti_export_last_success_timestamp_seconds",
        GaugeMetricFamily,
        "When it was last brought up to date, or found to be; in Unix time.",
        _EXPORT,
    ),
    Figure(
        "yeti_export_age_seconds",
        GaugeMetricFamily,
        "How long ago it was last brought up to date, or found to be.",
        _EXPORT,
    ),
    Figure("yeti_export_failed", GaugeMetricFamily, "1 if its last run failed.", _EXPORT),
    Figure("yeti_export_held", GaugeMetricFamily, "1 if the gate holds a list, or held the last run.", _EXPORT),
    Figure("yeti_export_version", GaugeMetricFamily, "Number of the version that is published.", _EXPORT),
    Figure(
        "yeti_export_version_timestamp_seconds",
        GaugeMetricFamily,
        "When that version was made, in Unix time.",
        _EXPORT,
    ),
    Figure("yeti_export_entries", GaugeMetricFamily, "Entries of that version.", _EXPORT),
    Figure("yeti_export_size_bytes", GaugeMetricFamily, "Size of the files of that version.", _EXPORT),
    Figure("yeti_export_next_run_timestamp_seconds", GaugeMetricFamily, "When it is due, in Unix time.", _EXPORT),
    Figure("yeti_jobs", GaugeMetricFamily, "Runs that wait, and that go on.", ("state",)),
    Figure("yeti_jobs_due", GaugeMetricFamily, "Runs that should have begun."),
    Figure("yeti_jobs_due_age_seconds", GaugeMetricFamily, "How long the first of those has been due."),
    Figure("yeti_workers", GaugeMetricFamily, "Processes that run what is due, seen in the last minute."),
    Figure(
        "yeti_consumer_lag_versions",
        GaugeMetricFamily,
        "How many versions newer the published one is than the one that the consumer got last; of one that never got "
        "any, how many there were since it first asked.",
        ("consumer", "export"),
    ),
    Figure(
        "yeti_consumer_lag_seconds",
        GaugeMetricFamily,
        "How long there has been a version that the consumer has not got; of one that never got any, since it asked.",
        ("consumer", "export"),
    ),
    Figure(
        "yeti_consumer_stale",
        GaugeMetricFamily,
        "1 if the consumer stopped asking for an export that is switched on.",
        ("consumer", "export"),
    ),
    Figure(
        "yeti_consumer_last_fetch_timestamp_seconds",
        GaugeMetricFamily,
        "When the consumer last asked, in Unix time.",
        ("consumer", "export"),
    ),
    Figure(
        "yeti_consumer_token_expiry_timestamp_seconds",
        GaugeMetricFamily,
        "When the first of the tokens ends that it uses, or else the last of those that it has, in Unix time; not for "
        "those that never end.",
        ("consumer",),
    ),
    Figure(
        "yeti_api_key_expiry_timestamp_seconds",
        GaugeMetricFamily,
        "When a key of a user ends, in Unix time; not for those that never end.",
        ("user", "key"),
    ),
    Figure("yeti_build", InfoMetricFamily, "The version of this program."),
)
"""All that is read from the store."""

HTTP_REQUESTS = Figure(
    "yeti_http_requests", CounterMetricFamily, "Requests that were answered.", ("method", "route", "status")
)
HTTP_DURATION = Figure(
    "yeti_http_request_duration_seconds",
    Metric,
    "How long requests took, to the last byte sent.",
    ("route",),
)
HTTP_SENT = Figure("yeti_http_response_size_bytes", CounterMetricFamily, "Bytes of bodies sent.", ("route",))


def count_as(number: int) -> None:
    """Count what this process does in the files of a number, before anything is counted.

    Whoever comes in the place of a process that died goes on where that one ended: no figure falls, and there are as
    many files as places, however often somebody dies.  No two that live have one number.
    """
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]


class Figures:
    """All figures of this process and of its store."""

    def __init__(self, services: "Services") -> None:
        """Begin to count; the store is asked when somebody wants the figures."""
        self._own = CollectorRegistry()
        self._paths: dict[int, str] = {}
        of_store = CollectorRegistry(auto_describe=False)
        of_store.register(_FromStore(services))
        self._of_store = of_store
        self._requests = Counter(
            HTTP_REQUESTS.name, HTTP_REQUESTS.meaning, HTTP_REQUESTS.labels, registry=self._own
        )
        self._duration = Histogram(
            HTTP_DURATION.name, HTTP_DURATION.meaning, HTTP_DURATION.labels, registry=self._own, buckets=_BUCKETS_S
        )
        self._sent = Counter(HTTP_SENT.name, HTTP_SENT.meaning, HTTP_SENT.labels, registry=self._own)

    def measure(self, scope: Scope, status: int, took_s: float, size_bytes: int) -> None:
        """Count a request that was answered."""
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = self._route_of(scope)
        self._requests.labels(method, route, str(status)).inc()
        self._duration.labels(route).observe(took_s)
        self._sent.labels(route).inc(size_bytes)

    def page(self, accept: str) -> tuple[bytes, str]:
        """Return all figures as text, in the form that *accept* wants, and its media type."""
        encode, media_type = choose_encoder(accept)
        return encode(_Both(self._of_requests(), self._of_store)), media_type

    def _route_of(self, scope: Scope) -> str:
        """Return the form of the path, as the OpenAPI has it: there are few, however many paths are asked for."""
        route = scope.get("route")
        if route is None:
            return "none"
        if not self._paths:
            # A route knows its own end alone, and not what it was put under.
            contexts = iter_route_contexts(scope["app"].routes)
            self._paths = {id(found.original_route): found.path_format or "none" for found in contexts}
        return self._paths.get(id(route), "none")

    def _of_requests(self) -> CollectorRegistry:
        """Return what this process counted; with several of them, what all of them did."""
        if SHARED_FOLDER not in os.environ:
            return self._own
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return registry


class _Both(CollectorRegistry):
    """Two registries, one behind the other."""

    def __init__(self, *registries: CollectorRegistry) -> None:
        super().__init__()
        self._registries = registries

    def collect(self) -> Iterator[Metric]:
        for registry in self._registries:
            yield from registry.collect()


class _FromStore(Collector):
    """Reads the store when it is asked, and not more often than every five seconds."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._stale_after = services.config.whole("notify.stale_after_minutes") * 60 * SECOND
        self._kept = Kept(self._read, KEPT_S)

    def collect(self) -> Iterable[Metric]:
        return self._kept.get()

    def _read(self) -> list[Metric]:
        families = {figure.name: _family(figure) for figure in FIGURES}
        add = _Adding(families)
        now = self._services.now
        with self._services.store() as store:
            add.exports(figures.exports(store), now)
            add.queue(health.queue(store, now), now)
            add.value("yeti_workers", len(workers.lately(store, now)))
            for item in figures.consumers(store, now, self._stale_after):
                add.consumer(item, now)
            for ending in figures.consumer_endings(store, now):
                add.value("yeti_consumer_token_expiry_timestamp_seconds", _s(ending.expires_at), ending.name)
            for ending in figures.key_endings(store):
                add.value("yeti_api_key_expiry_timestamp_seconds", _s(ending.expires_at), ending.name, ending.key)
        families["yeti_build"].add_sample("yeti_build_info", {"version": __version__}, 1)
        return list(families.values())


class _Adding:
    """Puts figures into their families."""

    def __init__(self, families: dict[str, Metric]) -> None:
        self._families = families

    def value(self, name: str, value: float, *labels: str) -> None:
        """Add one value."""
        family = self._families[name]
        assert isinstance(family, GaugeMetricFamily | CounterMetricFamily)  # noqa: S101 - by FIGURES
        family.add_metric(labels, value)

    def exports(self, found: list[figures.ExportFigures], now: Instant) -> None:
        """Add what is known of exports."""
        self.value("yeti_exports", len(found))
        for item in found:
            self._export(item, now)

    def _export(self, item: figures.ExportFigures, now: Instant) -> None:
        name = item.name
        self.value("yeti_export_enabled", item.schedule != "", name)
        if (pause_us := _pause(item.schedule, now - now % DAY)) is not None:
            self.value("yeti_export_interval_seconds", _s(pause_us), name)
        for status in _ENDED:
            self.value("yeti_export_runs", item.runs.get(status, Total()).number, name, status)
        took = self._families["yeti_export_run_duration_seconds"]
        assert isinstance(took, SummaryMetricFamily)  # noqa: S101 - by FIGURES
        took.add_metric(
            (name,),
            count_value=sum(total.number for total in item.runs.values()),
            sum_value=_s(sum(total.took_us for total in item.runs.values())),
        )
        self.value("yeti_export_failed", item.last_status == "failed", name)
        self.value("yeti_export_held", item.is_held, name)
        if item.last_status:
            self.value("yeti_export_last_run_duration_seconds", _s(item.last_took_us), name)
        if item.last_success_at is not None:
            self.value("yeti_export_last_success_timestamp_seconds", _s(item.last_success_at), name)
            self.value("yeti_export_age_seconds", _s(now - item.last_success_at), name)
        if item.version is not None and item.version_at is not None:
            self.value("yeti_export_version", item.version, name)
            self.value("yeti_export_version_timestamp_seconds", _s(item.version_at), name)
            self.value("yeti_export_entries", item.entries, name)
            self.value("yeti_export_size_bytes", item.size_bytes, name)
        if item.next_at is not None:
            self.value("yeti_export_next_run_timestamp_seconds", _s(item.next_at), name)

    def queue(self, queue: health.Queue, now: Instant) -> None:
        """Add what waits and runs."""
        self.value("yeti_jobs", queue.waiting, "waiting")
        self.value("yeti_jobs", queue.running, "running")
        self.value("yeti_jobs_due", queue.due)
        self.value("yeti_jobs_due_age_seconds", 0 if queue.due_since is None else _s(now - queue.due_since))

    def consumer(self, item: figures.ConsumerFigures, now: Instant) -> None:
        """Add what a consumer has of an export."""
        names = (item.consumer, item.export)
        lag_s = 0.0 if item.missed_since is None else _s(now - item.missed_since)
        self.value("yeti_consumer_lag_versions", item.missed, *names)
        self.value("yeti_consumer_lag_seconds", lag_s, *names)
        self.value("yeti_consumer_stale", item.is_stale, *names)
        self.value("yeti_consumer_last_fetch_timestamp_seconds", _s(item.last_at), *names)


def _family(figure: Figure) -> Metric:
    if figure.kind is InfoMetricFamily:
        return InfoMetricFamily(figure.name, figure.meaning)
    return figure.kind(figure.name, figure.meaning, labels=figure.labels)  # type: ignore[call-arg]


@lru_cache(4096)
def _pause(schedule: str, after: Instant) -> Instant | None:
    """Return the longest pause of a schedule; nothing of none, or of one that cannot be read."""
    try:
        return longest_pause(read_schedule(schedule), after) if schedule else None
    except DefinitionError:
        return None


def _s(microseconds: int) -> float:
    return microseconds / SECOND
