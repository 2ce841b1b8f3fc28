"""The figures that Prometheus reads: who may, what they say, and that there are never too many."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from served import Api

from core import __version__
from core.api import figures
from core.exports.definitions import definition
from core.exports.run import run_export
from core.exports.settings import Settings
from core.notices import telling
from core.notices.settings import settings_of as settings_of_notices
from core.schemas.claim import Claim
from core.schemas.export import Selection
from core.schemas.instant import DAY, SECOND
from core.schemas.notice import STALE_CONSUMER
from core.store import consumers, definitions, fetches, jobs, leases, old_runs, runs, schema, versions, workers
from core.store.standings import NO_VERSION

Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(autouse=True)
def _read_each_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Figures of the store are kept for five seconds, which tests would have to wait for."""
    monkeypatch.setattr(figures, "KEPT_S", 0.0)
    return


def read(api: Api) -> Values:
    """All values there are, by name and labels."""
    with api.client("reader") as client:
        answer = client.get("/metrics")
    assert 200 == answer.status_code
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(values: Values, name: str, **labels: str) -> float | None:
    """One of them."""
    return values.get((name, frozenset(labels.items())))


def settings_of(api: Api, tmp_path: Path) -> Settings:
    """Where its exports go."""
    return Settings(export_path=str(tmp_path / "lists"), spool_path=tmp_path / "spool")


def define(api: Api, name: str, tmp_path: Path, **fields: object) -> None:
    """Define an export of addresses."""
    given = {"format": "list", "selection": Selection(), "limits": {}, "now": api.clock.now}
    with api.services.store() as store:
        made = definition.make(
            store,
            name,
            default_destination=str(tmp_path / "lists"),
            **(given | fields),  # type: ignore[arg-type]
        )
        definitions.add_export(store, made)


def fill(api: Api, *values: str) -> None:
    """Import addresses."""
    with api.services.store() as store, store.import_session(api.clock.now) as session:
        session.add([Claim(type="ipv4", value=value, source="feed", tags=("c2",)) for value in values])


def run(api: Api, name: str, tmp_path: Path) -> None:
    """Run an export."""
    with api.services.store() as store:
        run_export(store, name, settings_of(api, tmp_path), now=api.clock.now)


def test_figures_are_for_those_who_may_read(api: Api) -> None:
    """A key with the scope ``read`` is enough, as a Bearer token; without one the figures stay here."""
    with api.client(None) as client:
        nobody = client.get("/metrics")
        key = api.key("reader", scopes=("read",))
        reader = client.get("/metrics", headers={"Authorization": f"Bearer {key}"})

    assert 401 == nobody.status_code
    assert "yeti_" not in nobody.text
    assert 200 == reader.status_code
    assert reader.headers["content-type"].startswith("text/plain")


def test_figures_are_for_everybody_where_the_settings_say_so(make_api: Callable[..., Api]) -> None:
    """``api.open_metrics`` is for those whose network keeps others out."""
    with make_api(api_open_metrics="yes").client(None) as client:
        answer = client.get("/metrics")

    assert (200, True) == (answer.status_code, "yeti_exports 0.0" in answer.text)


def test_the_form_is_the_one_that_was_asked_for(api: Api) -> None:
    """Prometheus asks for OpenMetrics, and is told so."""
    with api.client("reader") as client:
        answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_an_export_that_was_run_is_told_of(api: Api, tmp_path: Path) -> None:
    """Runs, duration, entries, bytes, version and age, as the store has them."""
    fill(api, "8.8.4.1", "8.8.4.2")
    define(api, "x", tmp_path)
    run(api, "x", tmp_path)
    api.clock.now += 90 * SECOND
    values = read(api)

    assert 1 == of(values, "yeti_exports")
    assert 1 == of(values, "yeti_export_runs_total", export="x", status="completed")
    assert 0 == of(values, "yeti_export_runs_total", export="x", status="failed")
    assert 1 == of(values, "yeti_export_run_duration_seconds_count", export="x")
    assert 2 == of(values, "yeti_export_entries", export="x")
    assert len("8.8.4.1\n8.8.4.2\n") == of(values, "yeti_export_size_bytes", export="x")
    assert 1 == of(values, "yeti_export_version", export="x")
    assert (0, 0) == (of(values, "yeti_export_failed", export="x"), of(values, "yeti_export_held", export="x"))
    age_s = of(values, "yeti_export_age_seconds", export="x")
    assert age_s is not None
    assert 85 < age_s <= 90
    last = of(values, "yeti_export_last_success_timestamp_seconds", export="x")
    assert last is not None
    assert age_s == pytest.approx(api.clock.now / SECOND - last)


def test_how_long_the_last_run_took_and_when_its_version_was_made(api: Api, tmp_path: Path) -> None:
    """As the history of runs has it; a run that finds nothing new is the last one, and the version is that of before."""
    fill(api, "8.8.4.1")
    define(api, "x", tmp_path)
    define(api, "new", tmp_path)
    run(api, "x", tmp_path)
    api.clock.now += 90 * SECOND
    run(api, "x", tmp_path)
    values = read(api)
    with api.services.store() as store:
        last, first = runs.runs(store, "x")
        made = versions.current_version(store, "x")
    assert last.finished_at is not None
    assert made is not None
    took_s = (last.finished_at - last.started_at) / SECOND
    made_s = made.created_at / SECOND

    assert 0 < took_s == of(values, "yeti_export_last_run_duration_seconds", export="x")
    assert first.started_at / SECOND <= made_s < last.started_at / SECOND
    assert made_s == of(values, "yeti_export_version_timestamp_seconds", export="x")
    for name in ("yeti_export_last_run_duration_seconds", "yeti_export_version_timestamp_seconds"):
        assert None is of(values, name, export="new")


def test_a_held_list_and_a_failed_run_are_told_of(api: Api, tmp_path: Path) -> None:
    """What is published stays in the figures as it is; the age goes on from the last good run."""
    fill(api, *(f"8.8.4.{number}" for number in range(40)))
    define(api, "held", tmp_path, selection=Selection(include=("c2",)))
    define(api, "broken", tmp_path)
    run(api, "held", tmp_path)
    (tmp_path / "lists/broken.txt").mkdir()
    with pytest.raises(Exception, match="broken"):
        run(api, "broken", tmp_path)
    api.clock.now += 400 * DAY  # all of it has expired: a list that becomes empty is held
    run(api, "held", tmp_path)
    values = read(api)

    assert (1, 0) == (
        of(values, "yeti_export_held", export="held"),
        of(values, "yeti_export_held", export="broken"),
    )
    assert 1 == of(values, "yeti_export_runs_total", export="held", status="held")
    assert 40 == of(values, "yeti_export_entries", export="held")
    assert 1 == of(values, "yeti_export_failed", export="broken")
    age_s = of(values, "yeti_export_age_seconds", export="held")
    assert age_s is not None
    assert 399 * 86_400 < age_s
    assert None is of(values, "yeti_export_age_seconds", export="broken")


def test_runs_are_counted_for_ever(api: Api, tmp_path: Path) -> None:
    """Over midnight, and when what is old was forgotten: a counter that fell would hide a run a day."""
    define(api, "x", tmp_path)
    for number in range(2):
        fill(api, f"8.8.4.{number}")
        run(api, "x", tmp_path)
        api.clock.now += DAY
    with api.services.store() as store:
        old_runs.forget(store, api.clock.now, 100)
        lease = leases.claim(store, "x", "gone:1:1", api.clock.now)
        runs.begin_run(store, lease, api.clock.now)
        api.clock.now += 100 * SECOND
        leases.claim(store, "x", "next:1:1", api.clock.now)
    values = read(api)

    assert 2 == of(values, "yeti_export_runs_total", export="x", status="completed")
    assert 1 == of(values, "yeti_export_runs_total", export="x", status="failed")
    assert 3 == of(values, "yeti_export_run_duration_seconds_count", export="x")
    took_s = of(values, "yeti_export_run_duration_seconds_sum", export="x")
    assert took_s is not None
    assert 100 <= took_s < 160


@pytest.mark.parametrize(
    ("schedule", "enabled", "interval_s"),
    [
        ("", 0, None),
        ("every:3600", 1, 3600),
        ("every:3600;jitter=60", 1, 3660),
        ("cron:0 4 * * 1", 1, 7 * 86_400),
        ("cron:0 8 * * 1-5", 1, 3 * 86_400),
    ],
)
def test_how_often_an_export_should_run_is_told(
    api: Api, tmp_path: Path, schedule: str, enabled: int, interval_s: int | None
) -> None:
    """One that is run by hand is not expected at any time; over a weekend nobody waits for a list of working days."""
    define(api, "x", tmp_path, schedule=schedule)
    values = read(api)

    assert enabled == of(values, "yeti_export_enabled", export="x")
    assert interval_s == of(values, "yeti_export_interval_seconds", export="x")


def test_what_waits_and_who_works_is_told(api: Api, tmp_path: Path) -> None:
    """The queue, how late it is, and the processes that were seen."""
    define(api, "x", tmp_path)
    define(api, "y", tmp_path)
    with api.services.store() as store:
        jobs.request(store, "x", by="test", now=api.clock.now, due_at=api.clock.now - 120 * SECOND)
        jobs.request(store, "y", by="test", now=api.clock.now, due_at=api.clock.now + 60 * SECOND)
        workers.seen(store, "one:1:1", api.clock.now, api.clock.now)
        workers.seen(store, "dead:1:1", api.clock.now, api.clock.now - 120 * SECOND)
    values = read(api)

    assert (2, 0) == (of(values, "yeti_jobs", state="waiting"), of(values, "yeti_jobs", state="running"))
    assert (1, 120) == (of(values, "yeti_jobs_due"), of(values, "yeti_jobs_due_age_seconds"))
    assert 1 == of(values, "yeti_workers")
    next_s = of(values, "yeti_export_next_run_timestamp_seconds", export="x")
    assert api.clock.now / SECOND - 120 == next_s


def test_a_consumer_that_stopped_asking_lags_behind(api: Api, tmp_path: Path) -> None:
    """How many versions, and since when there has been one that it has not got."""
    define(api, "x", tmp_path)
    for number in range(3):
        fill(api, f"8.8.4.{number}")
        run(api, "x", tmp_path)
        api.clock.now += 100 * SECOND
    with api.services.store() as store, store.writing() as connection:
        for key, name, version in ((1, "up to date", 3), (2, "behind", 1)):
            consumer = {"id": key, "name": name, "description": "", "networks": "[]", "created_at": 1}
            connection.execute(schema.consumer.insert().values(all_exports=True, is_enabled=True, **consumer))
            fetch = {"consumer_id": key, "export_id": 1, "version": version, "first_at": 1, "last_at": 7 * SECOND}
            counts = {"full": 1, "unchanged": 0, "size_bytes": 1, "last_address": "", "last_agent": ""}
            connection.execute(schema.fetch.insert().values(**fetch, **counts))
    values = read(api)

    for name, lag, lag_s in (("up to date", 0, 0), ("behind", 2, 200)):
        assert lag == of(values, "yeti_consumer_lag_versions", consumer=name, export="x")
        seen_s = of(values, "yeti_consumer_lag_seconds", consumer=name, export="x")
        assert lag_s == pytest.approx(seen_s, abs=5)
        assert 7 == of(values, "yeti_consumer_last_fetch_timestamp_seconds", consumer=name, export="x")


def test_a_consumer_that_never_got_a_version_lags_since_it_asked(api: Api, tmp_path: Path) -> None:
    """Not since there were versions: it may be new."""
    define(api, "x", tmp_path)
    asked_at = 0
    for number in range(4):
        fill(api, f"8.8.4.{number}")
        run(api, "x", tmp_path)
        api.clock.now += 100 * SECOND
        asked_at = api.clock.now - 40 * SECOND if number == 2 else asked_at
    with api.services.store() as store, store.writing() as connection:
        consumer = {"id": 1, "name": "new", "description": "", "networks": "[]", "created_at": 1}
        connection.execute(schema.consumer.insert().values(all_exports=True, is_enabled=True, **consumer))
        fetch = {
            "consumer_id": 1,
            "export_id": 1,
            "version": NO_VERSION,
            "first_at": asked_at,
            "last_at": asked_at,
        }
        counts = {"full": 0, "unchanged": 1, "size_bytes": 0, "last_address": "", "last_agent": "", "asked": 1}
        connection.execute(schema.fetch.insert().values(**fetch, **counts))
    values = read(api)

    # The third was there when it asked, and the fourth came since.
    assert 2 == of(values, "yeti_consumer_lag_versions", consumer="new", export="x")
    assert 140 == of(values, "yeti_consumer_lag_seconds", consumer="new", export="x")


def test_all_say_the_same_of_who_stopped_asking(make_api: Callable[..., Api], tmp_path: Path) -> None:
    """Figures, notices and the list of consumers, by the setting of the installation, which is two hours here."""
    api = make_api(notify_stale_after_minutes="120")
    define(api, "x", tmp_path)
    define(api, "off", tmp_path)
    fill(api, "8.8.4.4")
    run(api, "x", tmp_path)
    run(api, "off", tmp_path)
    minute = 60 * SECOND
    # Name, export, version, minutes since it first and last asked, and how often it did.
    asked = (
        ("often", "x", 1, 300, 121, 100),
        ("often and lately", "x", 1, 300, 119, 100),
        ("seldom", "x", 1, 24_000, 5_000, 20),
        ("seldom and lately", "x", 1, 24_000, 3_000, 20),
        ("once", "x", 1, 1_441, 1_441, 1),
        ("once and lately", "x", 1, 1_439, 1_439, 1),
        ("got nothing", "x", NO_VERSION, 1_441, 1_441, 1),
        ("of what is off", "off", 1, 300, 200, 100),
        ("may no more", "x", 1, 300, 200, 100),
    )
    with api.services.store() as store:
        definitions.toggle_export(store, "off", api.clock.now)
        for key, (name, export, version, first, last, often) in enumerate(asked, 1):
            is_let_in = name != "may no more"
            consumers.add_consumer(
                store,
                name,
                description="",
                networks=(),
                all_exports=is_let_in,
                exports=(),
                by="test",
                now=api.clock.now,
            )
            row = {"consumer_id": key, "export_id": {"x": 1, "off": 2}[export], "version": version}
            times = {"first_at": api.clock.now - first * minute, "last_at": api.clock.now - last * minute}
            counts = {"full": 1, "unchanged": often - 1, "size_bytes": 1, "last_address": "", "last_agent": ""}
            counts["asked"] = often
            with store.writing() as connection:
                connection.execute(schema.fetch.insert().values(**row, **times, **counts))
        config = api.services.config
        told = telling.wrong_now(store, settings_of_notices(config), api.clock.now)
        listed = fetches.lags(store, api.clock.now, config.whole("notify.stale_after_minutes") * minute)
    values = read(api)

    stale = {"often", "seldom", "once", "got nothing"}
    figures_of = {name: of(values, "yeti_consumer_stale", consumer=name, export=on) for name, on, *_ in asked}
    assert stale == {name for name, value in figures_of.items() if value == 1}
    assert None is figures_of["may no more"]
    assert stale == {item.detail["consumer"] for item in told if item.kind == STALE_CONSUMER}
    assert stale == {item.consumer for item in listed if item.has_stopped}
    assert 1 == of(values, "yeti_consumer_lag_versions", consumer="got nothing", export="x")
    assert 0 == of(values, "yeti_consumer_lag_versions", consumer="once", export="x")


def test_tokens_that_end_are_told_of(api: Api) -> None:
    """Of a consumer the last one counts, and one that never ends takes it out, unless another is in use.

    Each key of a user is for itself.
    """
    ends_at = api.clock.now + 10 * DAY
    with api.services.store() as store, store.writing() as connection:
        for key, name, ends in (
            (1, "ends", (ends_at - DAY, ends_at)),
            (2, "lasts", (ends_at, None)),
            (3, "uses", (ends_at - DAY, None)),
        ):
            consumer = {"id": key, "name": name, "description": "", "networks": "[]", "created_at": 1}
            connection.execute(schema.consumer.insert().values(all_exports=True, is_enabled=True, **consumer))
            for number, moment in enumerate(ends):
                token = {"consumer_id": key, "begin": "", "sha256": f"{key}.{number}", "created_at": 1}
                token["used_at"] = api.clock.now - DAY if (name, number) == ("uses", 0) else None
                connection.execute(schema.consumer_token.insert().values(expires_at=moment, **token))
    api.key("reader", expires_at=ends_at)
    api.key("reader")
    values = read(api)

    seconds = ends_at / SECOND
    assert seconds == of(values, "yeti_consumer_token_expiry_timestamp_seconds", consumer="ends")
    assert None is of(values, "yeti_consumer_token_expiry_timestamp_seconds", consumer="lasts")
    assert seconds - DAY / SECOND == of(values, "yeti_consumer_token_expiry_timestamp_seconds", consumer="uses")
    assert seconds == of(values, "yeti_api_key_expiry_timestamp_seconds", user="reader", key="key 0")
    assert None is of(values, "yeti_api_key_expiry_timestamp_seconds", user="reader", key="key 1")


def test_what_requests_took_and_sent_is_told(api: Api) -> None:
    """By route: how many, how long to the last byte, and the bytes of bodies."""
    with api.client("reader") as client:
        sent = [len(client.get("/api/v2/exports/formats").content) for _ in range(3)]
    values = read(api)

    route = {"route": "/api/v2/exports/formats"}
    assert sum(sent) > 0
    assert sum(sent) == of(values, "yeti_http_response_size_bytes_total", **route)
    assert 3 == of(values, "yeti_http_request_duration_seconds_count", **route)
    assert 3 == of(values, "yeti_http_request_duration_seconds_bucket", le="+Inf", **route)
    took_s = of(values, "yeti_http_request_duration_seconds_sum", **route)
    assert took_s is not None
    assert 0 < took_s < 30


def test_strangers_make_no_series(api: Api) -> None:
    """However many paths and methods are tried, the labels are those of the routes there are."""
    with api.client(None) as client:
        for number in range(20):
            client.get(f"/no-such-page-{number}?token=secret")
            client.request(("PROPFIND", "MKCOL", "REPORT")[number % 3], "/healthz")
        client.get("/healthz")
    values = read(api)

    counted = {dict(labels)["route"] for name, labels in values if name == "yeti_http_requests_total"}
    methods = {dict(labels)["method"] for name, labels in values if name == "yeti_http_requests_total"}
    assert {"/healthz", "none"} == counted
    assert {"GET", "other"} == methods
    assert 20 == of(values, "yeti_http_requests_total", method="GET", route="none", status="404")
    assert 1 == of(values, "yeti_http_requests_total", method="GET", route="/healthz", status="200")


def test_routes_are_whole_paths(api: Api) -> None:
    """As the OpenAPI has them: with what is before them, and the files that firewalls fetch."""
    with api.client("reader") as client:
        for path in ("/exports/x", "/exports/~x/y.txt"):
            client.get(path)
        client.get("/api/v2/exports/definitions/x")
        client.get("/api/v2/tasks/x/no-such-page")
        client.post("/api/v2/tasks/x/run")
        client.get("/taxii2/api/collections/x/")
    values = read(api)
    with api.client("reader") as client:
        described = set(client.get("/openapi.json").json()["paths"])

    counted = {
        (found["route"], found["status"]): int(number)
        for (name, labels), number in values.items()
        if name == "yeti_http_requests_total" and (found := dict(labels))
    }
    assert {
        ("/exports/{file_name}", "404"): 2,
        ("/api/v2/exports/definitions/{name}", "404"): 1,
        ("none", "404"): 1,
        ("/api/v2/tasks/{name}/run", "403"): 1,
        ("/taxii2/api/collections/{collection_id}/", "404"): 1,
    } == counted
    assert {route for route, _ in counted} - described == {"none"}


def test_every_figure_of_the_table_is_given(api: Api, tmp_path: Path) -> None:
    """The reference page is made from the same table: each has a value where there is something to tell."""
    fill(api, "8.8.4.1")
    define(api, "x", tmp_path, schedule="every:3600")
    run(api, "x", tmp_path)
    now = api.clock.now
    with api.services.store() as store:
        given = {"networks": (), "all_exports": True, "exports": (), "by": "test", "now": now}
        siem = consumers.add_consumer(store, "siem", description="", **given)  # type: ignore[arg-type]
        ending = {"begin": "", "sha256": "", "expires_at": now + DAY, "by": "test", "now": now}
        consumers.add_token(store, "siem", **ending)  # type: ignore[arg-type]
        fetches.record(
            store, [(fetches.FetchKey(siem.id, 1, 1), fetches.Fetched(first_at=now, last_at=now, full=1))]
        )
    api.key("reader", expires_at=now + DAY)
    with api.client("reader") as client:
        client.get("/healthz")
        answer = client.get("/metrics").text

    told = {
        family.name.removesuffix("_info") for family in text_string_to_metric_families(answer) if family.samples
    }
    of_requests = (figures.HTTP_REQUESTS, figures.HTTP_DURATION, figures.HTTP_SENT)
    assert {figure.name for figure in (*figures.FIGURES, *of_requests)} == {
        name for name in told if name.startswith("yeti_")
    }
    assert of(read(api), "yeti_build_info", version=__version__) == 1
