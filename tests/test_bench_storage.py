"""The benchmark of storage clients: it runs, tells the truth about bars, and notices wrong results."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.storage import content, environments, pages  # noqa: E402
from bench.storage.bars import BARS, Bar, bars_for, judge  # noqa: E402
from bench.storage.figures import Figures, Sizes  # noqa: E402
from bench.storage.pages import page, short  # noqa: E402
from bench.storage.processes import StepFailed, Worker, sink  # noqa: E402
from bench.storage.runs import alone, count, turns  # noqa: E402
from bench.storage.tables import tables  # noqa: E402

PUT = ("sink", "put 1 KiB")


def figures_of(ours, boto3, **others):
    """Figures as if each subject had been measured in as many rounds."""
    rounds = {
        (*PUT, name): [{"wall_s": wall, "cpu_s": wall, "requests": 1.0} for wall in walls]
        for name, walls in {"ours": ours, "boto3": boto3, **others}.items()
    }
    return Figures(rounds, bare_mib={"ours": 9.0, "boto3": 9.0}, versions={"boto3": "1.2.3"})


@pytest.mark.s3
def test_quick_run_measures_ours_and_boto3(tmp_path):
    """``--quick`` measures everything in small and ends well; every step that was announced was taken."""
    command = [sys.executable, "-m", "bench.storage", "--quick", "--only", "ours", "boto3", "--places", "sink"]
    result = tmp_path / "figures.json"

    done = subprocess.run([*command, "--json", result], cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stderr
    figures = json.loads(result.read_text())
    assert [] == figures["failures"]
    assert {"met", "MISSED"}.isdisjoint(bar["word"] for bar in figures["bars"])
    found = {(row["measure"], row["subject"]): row["rounds"] for row in figures["results"]}
    assert {1.0} == {row["requests"] for row in found["put 1 KiB", "ours"]}
    for measure in ("put 1 KiB", "get 1 KiB", "text", "up 20 MiB", "down 20 MiB", "start"):
        assert found[measure, "ours"][0]["wall_s"] > 0
        assert found[measure, "boto3"][0]["wall_s"] > 0
    steps = [line.split("]")[0].strip("[ ") for line in done.stderr.splitlines() if line.startswith("[")]
    last, announced = steps[-1].split("/")
    assert announced == last
    assert "bare sink: 1 KiB, one after the other" in done.stdout


def test_bars_are_judged_by_the_ratio_of_each_round():
    """A drift that hits both subjects alike changes no verdict; a subject that is slower in each round misses."""
    bar = Bar("put", *PUT, "wall_s", 1.05, "boto3")

    met = judge(figures_of([1.04, 10.4, 1.2], [1.0, 10.0, 1.0]), [bar], is_judged=True)
    missed = judge(figures_of([1.06, 2.12, 0.53], [1.0, 2.0, 0.5]), [bar], is_judged=True)
    unjudged = judge(figures_of([5.0], [1.0]), [bar], is_judged=False)
    unmeasured = judge(Figures(), [bar], is_judged=True)
    unmeasured_in_small = judge(Figures(), [bar], is_judged=False)

    assert [("met", "1.040 x")] == [(verdict.word, verdict.found) for verdict in met]
    assert [("MISSED", "1.060 x")] == [(verdict.word, verdict.found) for verdict in missed]
    assert [("-", "5.000 x")] == [(verdict.word, verdict.found) for verdict in unjudged]
    assert [("MISSED", "not measured")] == [(verdict.word, verdict.found) for verdict in unmeasured]
    assert [("-", "not measured")] == [(verdict.word, verdict.found) for verdict in unmeasured_in_small]


def test_a_run_is_judged_by_the_bars_it_can_measure():
    """A part of the benchmark has to keep to the bars of that part only."""
    everything = bars_for(["ours", "boto3"], ["seaweedfs", "sink"])

    assert list(BARS) == everything
    assert {"sink", "local", "none"} == {bar.place for bar in bars_for(["ours", "boto3"], ["sink"])}
    assert {"", "recipe"} == {bar.against for bar in bars_for(["ours", "minio"], ["sink"])}
    assert [] == bars_for(["minio"], ["sink"])


def test_memory_is_the_most_above_the_interpreter():
    """The bar of memory is for the worst round, and the interpreter's own does not count."""
    rounds = {("sink", "text", "ours"): [{"peak_mib": 40.0}, {"peak_mib": 74.5}, {"peak_mib": 50.0}]}
    bar = Bar("memory", "sink", "text", "peak_mib", 64)

    (verdict,) = judge(Figures(rounds, bare_mib={"ours": 9.5}), [bar], is_judged=True)

    assert ("MISSED", "65.0 MiB") == (verdict.word, verdict.found)


def test_a_vendors_package_misses_the_bar():
    """An import of ours that loads a vendor's package misses, however fast it is."""
    (verdict,) = judge(replace(Figures(), vendors=["boto3"]), [], is_judged=True)

    assert ("MISSED", "boto3") == (verdict.word, verdict.found)


def test_tables_name_what_is_missing_and_what_failed():
    """A subject that could not be installed or failed has a row that says so; all rows are of one length."""
    figures = figures_of([1.0], [1.0])
    figures.missing["obstore"] = "not installed"
    figures.failures[*PUT, "minio"] = "it broke"

    (table,) = tables(figures)

    assert 1 == len({len(row) for row in table.rows})
    assert ["", "put ms", "x boto3"] == table.rows[0][:3]
    rows = {row[0]: row[1] for row in table.rows[1:]}
    assert {"yeti-exports": "1000", "boto3": "1000", "obstore": "missing", "minio": "failed"} == rows


def test_pages_are_well_formed():
    """Every line of a table has as many cells; date and versions are told, names of machines and folders are not."""
    figures = figures_of([1.0], [1.0])

    now = datetime(2026, 1, 2, tzinfo=UTC)
    whole, brief = page(figures, judge(figures, BARS, is_judged=True), now), short(figures, now)

    for text in (whole, brief):
        assert "2026-01-02" in text
        assert "boto3 1.2.3" in text
        assert str(ROOT) not in text
        lines = text.splitlines()
        for above, below in pairwise(lines):
            if above.startswith("|") and below.startswith("|"):
                assert above.count("|") == below.count("|")


def test_readme_changes_between_its_marks_only(tmp_path, monkeypatch):
    """``--readme`` writes the short table between the marks, the same every time, and refuses a README without."""
    readme = tmp_path / "README.md"
    monkeypatch.setattr(pages, "README", readme)
    readme.write_text("above\n<!-- storage-benchmark -->\nold\n<!-- /storage-benchmark -->\nbelow\n")

    pages.write_readme(figures_of([1.0], [1.0]))
    first = readme.read_text()
    pages.write_readme(figures_of([1.0], [1.0]))

    assert first == readme.read_text()
    assert first.startswith("above\n<!-- storage-benchmark -->\n|")
    assert first.endswith("\n<!-- /storage-benchmark -->\nbelow\n")
    assert "old" not in first
    readme.write_text("no marks\n")
    with pytest.raises(SystemExit, match="storage-benchmark"):
        pages.write_readme(Figures())


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_run_leaves_nothing(number, status):
    """Ctrl-C and SIGTERM end the servers and workers too, and no folder is left."""
    command = [sys.executable, "-m", "bench.storage", "--only", "socket", "--places", "sink"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)

    assert process.stderr.readline().startswith("[")
    process.send_signal(number)
    process.communicate(timeout=60)

    assert status == process.returncode
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert [] == list(environments.FOLDER.glob(f"run-{process.pid}-*"))


def test_every_subject_takes_every_turn():
    """Over the rounds each subject is first, last and between."""
    names = ["a", "b", "c"]

    rounds = [turns(names, number) for number in range(6)]

    assert all(sorted(order) == names for order in rounds)
    assert set(names) == {order[0] for order in rounds} == {order[-1] for order in rounds}
    assert 0 < count(["ours", "boto3"], ["sink"], Sizes())


def test_fast_wrong_results_fail(tmp_path):
    """An object that is short is noticed, whatever the subject says, and so are other bytes that come back."""
    source = tmp_path / "source"
    source.write_bytes(b"x" * 1024)
    with sink() as place:
        with pytest.raises(StepFailed, match="1024 bytes are stored"):
            alone(place, "socket", (1025, "digest"), "upload", path=str(source))
        with Worker("socket", place.environment()) as worker:
            worker.ask("put", count=1, size_bytes=2048)
            with pytest.raises(StepFailed, match="other bytes"):
                worker.ask("get", count=1, size_bytes=1024)
    whole = b"".join(content.content(3_000_000))
    content.check(iter([whole[:7], whole[7:]]), len(whole))
    with pytest.raises(ValueError, match="came back"):
        content.check(iter([whole[:-1]]), len(whole))
    with pytest.raises(ValueError, match="other bytes"):
        content.check(iter([whole[1:], whole[:1]]), len(whole))


def test_text_has_characters_that_are_not_bytes():
    """What is streamed is a little more than was asked for, and encoding is part of the work."""
    chunks = list(content.text(200_000))

    assert 200_000 <= sum(len(chunk.encode()) for chunk in chunks) < 280_000
    assert sum(map(len, chunks)) < sum(len(chunk.encode()) for chunk in chunks)


def test_half_an_environment_is_not_kept(tmp_path, monkeypatch):
    """An environment that could not be made is removed and named; the next run tries again."""
    monkeypatch.setattr(environments, "FOLDER", tmp_path)

    def fail(folder, python, wanted):
        (folder / "bin").mkdir(parents=True)
        raise environments.Missing("not installed: no such package")

    monkeypatch.setattr(environments, "_make", fail)
    with pytest.raises(environments.Missing, match="no such package"):
        environments.python_of("others")

    assert [] == list(tmp_path.iterdir())
