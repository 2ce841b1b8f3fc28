"""Proofs can fail: each fault below, put into the code on purpose, turns a proof red."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import consumer_tools
import pytest
from mutant import MUTANT

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """A fault.

    Attributes:
        what: In words.
        module: Where.
        old, new: Source that stands there once, and what stands there instead.
        proof: The test that has to see it, below this folder.
        tool: The program that the test needs.
    """

    what: str
    module: str
    old: str
    new: str
    proof: str
    tool: str = ""


MUTANTS = (
    Mutant(
        "a line break is let through",
        "core.exports.formats.list",
        'if "\\n" in row.value or "\\r" in row.value:',
        "if False:",
        "test_list.py::TestList",
    ),
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_a_fault_turns_its_proof_red(mutant):
    """The proof passes without it (it is run elsewhere) and fails with it."""
    if mutant.tool:
        consumer_tools.need(mutant.tool)
    broken = json.dumps([mutant.module, mutant.old, mutant.new])

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"tests/formats/{mutant.proof}"],
        cwd=ROOT,
        env=os.environ | {MUTANT: broken},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == pytest.ExitCode.TESTS_FAILED, ended.stdout + ended.stderr
    assert " failed" in ended.stdout
