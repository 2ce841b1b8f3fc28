"""What watches an installation: the alert rules, the dashboard, and the units of systemd, each by its own checker."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics_core import CounterMetricFamily, InfoMetricFamily, SummaryMetricFamily
from running import ROOT

from core.api import figures
from core.cli.main import COMMANDS

DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus/yeti-rules.yml"
DASHBOARD = DEPLOY / "grafana/yeti-exports.json"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MINUTE_S, DAY_S = 60, 86_400


def program(name: str) -> str:
    """Where a program is; skip where it is not."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not on this machine")
    return found


def checked(*words: str) -> "subprocess.CompletedProcess[str]":
    """Run a checker to its end."""
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)


def series_there_are() -> set[str]:
    """The names of all series that api gives."""
    ends = {
        CounterMetricFamily: ("_total",),
        InfoMetricFamily: ("_info",),
        SummaryMetricFamily: ("_sum", "_count"),
    }
    names = {f"{item.name}{end}" for item in figures.FIGURES for end in ends.get(item.kind, ("",))}
    names |= {f"{item.name}_total" for item in (figures.HTTP_REQUESTS, figures.HTTP_SENT)}
    return names | {f"{figures.HTTP_DURATION.name}_{end}" for end in ("bucket", "sum", "count")}


def rules() -> list[dict[str, Any]]:
    """The alert rules."""
    found: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    return found


def test_rules_are_rules() -> None:
    """Prometheus' own checker takes the rules, and the example of a configuration."""
    done = checked(program("promtool"), "check", "rules", str(RULES))

    assert 0 == done.returncode, done.stderr


def test_example_of_a_configuration_is_one(tmp_path: Path) -> None:
    """With a file for the key, which the checker wants to see."""
    (tmp_path / "yeti.key").write_text("yeti_key")
    text = (DEPLOY / "prometheus/prometheus.yml").read_text()
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus", str(tmp_path)))
    shutil.copy(RULES, tmp_path)
    done = checked(program("promtool"), "check", "config", str(tmp_path / "prometheus.yml"))

    assert 0 == done.returncode, done.stderr
    assert "1 rule files found" in done.stdout


CASES = {
    "YetiExportHeld": ({'yeti_export_held{export="x"}': "1x30"}, {"export": "x"}),
    "YetiExportFailed": ({'yeti_export_failed{export="x"}': "1x30"}, {"export": "x"}),
    # Due at minute 1, and nobody comes.
    "YetiExportOverdue": ({'yeti_export_next_run_timestamp_seconds{export="x"}': "60x60"}, {"export": "x"}),
    "YetiExportStale": (
        {
            'yeti_export_age_seconds{export="x"}': f"{4 * DAY_S}x60",
            'yeti_export_interval_seconds{export="x"}': f"{DAY_S}x60",
        },
        {"export": "x"},
    ),
    "YetiConsumerStale": (
        {'yeti_consumer_stale{consumer="c",export="x"}': "1x60"},
        {"consumer": "c", "export": "x"},
    ),
    "YetiConsumerTokenExpires": (
        {'yeti_consumer_token_expiry_timestamp_seconds{consumer="c"}': f"{13 * DAY_S}x60"},
        {"consumer": "c"},
    ),
    # It asked half a minute before its token ended, at minute ten.
    "YetiConsumerTokenExpired": (
        {
            'yeti_consumer_token_expiry_timestamp_seconds{consumer="c"}': "600x60",
            'yeti_consumer_last_fetch_timestamp_seconds{consumer="c",export="x"}': "570x60",
        },
        {"consumer": "c"},
    ),
    "YetiKeyExpires": (
        {'yeti_api_key_expiry_timestamp_seconds{user="u",key="k"}': f"{13 * DAY_S}x60"},
        {"user": "u", "key": "k"},
    ),
    "YetiNoWorker": ({"yeti_workers": "0x60", "yeti_jobs_due_age_seconds": "300x60"}, {}),
    "YetiApiDown": ({'up{job="yeti",instance="a"}': "0x60"}, {"job": "yeti", "instance": "a"}),
    "YetiApiErrors": (
        {
            'yeti_http_requests_total{instance="a",status="200"}': "0+60x60",
            'yeti_http_requests_total{instance="a",status="503"}': "0+60x60",
        },
        {"instance": "a"},
    ),
}
"""For each alert: the series that make it fire, and the labels that it has then."""

QUIET = {
    'yeti_export_held{export="x"}': "0x60",
    'yeti_export_failed{export="x"}': "0x60",
    'yeti_export_next_run_timestamp_seconds{export="x"}': "100000x60",
    'yeti_export_age_seconds{export="x"}': f"{8 * DAY_S}x60",
    'yeti_export_interval_seconds{export="x"}': f"{7 * DAY_S}x60",
    'yeti_export_age_seconds{export="by hand"}': f"{99 * DAY_S}x60",
    'yeti_export_enabled{export="by hand"}': "0x60",
    'yeti_consumer_stale{consumer="c",export="x"}': "0x60",
    # It lags, and need not ask again before tomorrow.
    'yeti_consumer_lag_seconds{consumer="c",export="x"}': f"{2 * DAY_S}x60",
    'yeti_consumer_token_expiry_timestamp_seconds{consumer="c"}': f"{40 * DAY_S}x60",
    'yeti_consumer_last_fetch_timestamp_seconds{consumer="c",export="x"}': "600x60",
    # Those of these have ended, so that it is too late to say that they will: one had stopped asking long before, the
    # other one's is long ago.
    'yeti_consumer_token_expiry_timestamp_seconds{consumer="ended"}': "0x60",
    'yeti_consumer_last_fetch_timestamp_seconds{consumer="ended",export="x"}': f"-{8 * DAY_S}x60",
    'yeti_consumer_token_expiry_timestamp_seconds{consumer="long ago"}': f"-{15 * DAY_S}x60",
    'yeti_consumer_last_fetch_timestamp_seconds{consumer="long ago",export="x"}': f"-{15 * DAY_S}x60",
    'yeti_api_key_expiry_timestamp_seconds{user="u",key="k"}': f"{40 * DAY_S}x60",
    "yeti_workers": "1x60",
    "yeti_jobs_due_age_seconds": "0x60",
    'up{job="yeti",instance="a"}': "1x60",
    'yeti_http_requests_total{instance="a",status="200"}': "0+60x60",
    'yeti_http_requests_total{instance="a",status="503"}': "0x60",
}
"""An installation where all is well."""


def test_each_alert_has_a_case() -> None:
    """None is shipped that was never seen to fire."""
    assert set(CASES) == {rule["alert"] for rule in rules()}


@pytest.mark.parametrize("alert", CASES)
def test_alert_fires_and_is_quiet_otherwise(alert: str, tmp_path: Path) -> None:
    """Half an hour of figures, read by Prometheus itself: with what is wrong it fires, without it does not."""
    series, labels = CASES[alert]
    rule = next(item for item in rules() if item["alert"] == alert)

    def case(values: dict[str, str], expected: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "interval": "1m",
            "input_series": [{"series": name, "values": text} for name, text in values.items()],
            "alert_rule_test": [{"alertname": alert, "eval_time": "30m", "exp_alerts": expected}],
        }

    # The texts are templates; here they are plain, so that the labels alone are compared.
    plain = {"groups": [{"name": "one", "rules": [rule | {"annotations": {}}]}]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(plain))
    fires = [{"exp_labels": rule["labels"] | labels}]
    tests = {"rule_files": ["rules.yml"], "tests": [case(QUIET | series, fires), case(QUIET, [])]}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(tests))
    done = checked(program("promtool"), "test", "rules", str(tmp_path / "tests.yml"))

    assert 0 == done.returncode, done.stdout + done.stderr


def expressions() -> Iterator[str]:
    """Every expression of the rules and of the dashboard."""
    yield from (rule["expr"] for rule in rules())
    board = json.loads(DASHBOARD.read_text())
    yield from (target["expr"] for panel in board["panels"] for target in panel["targets"])
    yield from (item["query"] for item in board["templating"]["list"])


def test_every_series_that_is_asked_for_is_given() -> None:
    """A figure that was renamed would leave an alert silent, and a panel empty."""
    asked = {name for text in expressions() for name in re.findall(r"\byeti_[a-z_]+\b", text)}

    assert asked
    assert asked <= series_there_are()


def test_commands_of_alerts_are_commands() -> None:
    """What an alert tells somebody to type begins with a command that there is."""
    texts = [rule["annotations"]["description"] for rule in rules()]
    words = [word for text in texts for word in re.findall(r"yetictl (\w[\w-]*)", text)]

    assert words
    assert set(words) <= set(COMMANDS)


def test_dashboard_has_room_for_each_panel() -> None:
    """Ids are its own, each panel has a place where no other one is, and asks the source that was chosen."""
    board = json.loads(DASHBOARD.read_text())
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not taken & cells, panel["title"]
        taken |= cells
        assert {"${source}"} == {target["datasource"]["uid"] for target in panel["targets"]}

    assert len(board["panels"]) == len({panel["id"] for panel in board["panels"]})


def test_dashboard_speaks_prometheus(tmp_path: Path) -> None:
    """Every expression of it is one, with an export in place of the variable."""
    board = json.loads(DASHBOARD.read_text())
    texts = [target["expr"].replace("$export", "x") for panel in board["panels"] for target in panel["targets"]]
    found = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(texts)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": found}]}))
    done = checked(program("promtool"), "check", "rules", str(tmp_path / "rules.yml"))

    assert 0 == done.returncode, done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_units_are_units(unit: Path, tmp_path: Path) -> None:
    """systemd's own checker has nothing to say, once the program is where it is here."""
    text = unit.read_text()
    command = re.search(r"^ExecStart=/opt/yeti/venv/bin/yetictl (\w+)", text, re.MULTILINE)
    assert command
    (tmp_path / unit.name).write_text(text.replace("/opt/yeti/venv/bin/yetictl", sys.executable))
    done = checked(program("systemd-analyze"), "verify", "--man=no", str(tmp_path / unit.name))

    assert command[1] in COMMANDS
    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_units_are_hardened(unit: Path) -> None:
    """Of ten points of exposure, as systemd reckons them, two at most are left."""
    done = checked(program("systemd-analyze"), "security", "--offline=yes", "--threshold=20", str(unit))

    assert 0 == done.returncode, done.stdout[-300:]
