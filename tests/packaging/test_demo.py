"""The demo and the README, as a newcomer runs them."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

# What the samples must give, counted by hand from the files in examples/.
SUMS = "SHA256SUMS"
PUBLISHED = {
    "blocklist-addresses.txt": 12,
    "blocklist-domains.txt": 7,
    "by-template": 30,
    "c2-addresses.txt": 4,
    "everything.jsonl": 30,
    "hashes.csv": 4,
}


def run(clone, *command, status=0):
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("YETI_", "AWS_"))}
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    environ["HOME"] = str(clone.parent)
    done = subprocess.run(
        command, cwd=clone, env=environ | {"PYTHONPATH": str(clone)}, capture_output=True, text=True, check=False
    )
    assert status == done.returncode, done.stdout + done.stderr
    return done


def test_demo_publishes_and_a_second_one_changes_nothing(clone):
    """``make demo`` publishes the samples' exports; a second one leaves every file alone."""
    first = run(clone, sys.executable, "examples/demo.py")
    files = {path.name: path for path in (clone / "var/exports").iterdir()}
    before = {name: (path.stat().st_ino, path.stat().st_mtime_ns) for name, path in files.items()}

    second = run(clone, sys.executable, "examples/demo.py")

    assert {*PUBLISHED, SUMS} == set(files)
    del files[SUMS]
    for path in files.values():
        assert hashlib.sha256(path.read_bytes()).hexdigest() in first.stdout
    after = {name: (path.stat().st_ino, path.stat().st_mtime_ns) for name, path in files.items()}
    assert after == {name: stat for name, stat in before.items() if name != SUMS}
    assert before[SUMS] == (
        (clone / "var/exports" / SUMS).stat().st_ino,
        (clone / "var/exports" / SUMS).stat().st_mtime_ns,
    )
    assert len(PUBLISHED) == second.stdout.count("  unchanged  ")


def test_demo_prints_the_same_for_ever(clone):
    """Nothing that the demo publishes depends on the day it is run: the digests are the same in five years."""
    run(clone, sys.executable, "examples/demo.py")
    now = {path.name: path.read_bytes() for path in (clone / "var/exports").iterdir()}
    later = "import time, runpy; real = time.time_ns; time.time_ns = lambda: real() + 5 * 366 * 86_400 * 10**9"
    (clone / "sitecustomize.py").write_text(later.replace(", runpy", "") + "\n")
    subprocess.run(["rm", "-r", clone / "var"], check=True)

    run(clone, sys.executable, "examples/demo.py")

    assert now == {path.name: path.read_bytes() for path in (clone / "var/exports").iterdir()}


def test_demo_entries_are_those_of_the_samples(clone):
    """Each export holds what the samples say, counted by hand."""
    run(clone, sys.executable, "examples/demo.py")

    exports = clone / "var/exports"
    counts = {path.name: len(path.read_text().splitlines()) for path in exports.iterdir() if path.name != SUMS}
    headings = {"by-template": 1, "hashes.csv": 1}
    assert PUBLISHED == {name: count - headings.get(name, 0) for name, count in counts.items()}
    addresses = (exports / "blocklist-addresses.txt").read_text().splitlines()
    assert "203.0.113.5" not in addresses, "on the allow-list"
    assert "192.0.2.99" not in addresses, "its window is over"
    assert "192.0.2.200" not in addresses, "mere context"
    everything = [json.loads(line) for line in (exports / "everything.jsonl").read_text().splitlines()]
    (shared,) = [row for row in everything if row["value"].startswith("275a021bbfb6489e")]
    assert {"Example CERT", "indicators.csv"} == {item["source"] for item in shared["assertions"]}


def test_demo_with_a_folder_of_ones_own(clone, tmp_path):
    """``make demo INTEL=…`` takes any folder, goes on past unreadable files, and keeps the samples' store apart."""
    folder = tmp_path / "my feeds"
    folder.mkdir()
    (folder / "a.txt").write_text("192.0.2.77\n")
    (folder / "b.bin").write_bytes(bytes(range(256)))

    done = run(clone, sys.executable, "examples/demo.py", "--intel", str(folder))

    assert "b.bin" in done.stderr
    assert "192.0.2.77\n" == (clone / "var/exports/blocklist-addresses.txt").read_text()


def test_make_says_what_helps(clone, tmp_path):
    """Where Python is missing or too old, make says the one line that helps."""
    old = tmp_path / "old"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)

    assert "is too old, 3.11 or newer is needed" in run(clone, "make", "demo", f"PYTHON={old}", status=2).stderr
    assert "is not installed" in run(clone, "make", "demo", "PYTHON=no-such-python", status=2).stderr
    help_text = run(clone, "make").stdout
    assert "make demo" in help_text
    assert "make test" in help_text


def _shell_blocks(name):
    text = (Path(__file__).parents[2] / name).read_text()
    return [block for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if "yetictl" in block]


def test_readme_commands_work(clone):
    """What the README tells a newcomer to type works, line by line."""
    (block,) = _shell_blocks("README.md")
    lines = [line for line in block.splitlines() if line.startswith("yetictl")]

    assert 7 == len(lines)
    for line in lines:
        run(clone, "sh", "-c", line)


def test_generated_pages_are_up_to_date():
    """The reference is what the program says of itself; ``make docs`` writes it again."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=root, capture_output=True, text=True, check=False
    )

    assert "" == done.stdout
    assert 0 == done.returncode


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name):
    """Every link to a file of the project leads to one."""
    root = Path(__file__).parents[2]
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (root / name).read_text())

    assert [] == [link for link in links if not (root / link).exists()]
