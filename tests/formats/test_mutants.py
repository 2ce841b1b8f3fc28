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
    Mutant(
        "a host bit is kept",
        "core.exports.formatting.address_check",
        "if any(map(and_, found.integers(), masks)):",
        "if False:",
        "test_addresses.py::TestGeneric",
    ),
    Mutant(
        "one IPv6 address has the mask of its network",
        "core.exports.formatting.address_devices",
        'f"{text}/128\\n" if ":" in text',
        'f"{text}/64\\n" if ":" in text',
        "test_addresses.py::TestF5",
    ),
    Mutant(
        "a set is filled without being emptied",
        "core.exports.formats.nftables",
        '}}\\n{flushes}"',
        '}}\\n"',
        "test_nftables.py::test_another_list_takes_the_place_of_the_first",
        tool="nft",
    ),
    Mutant(
        "a set is filled and not swapped in",
        "core.exports.formats.ipset",
        '"swap {new} {set}", ',
        "",
        "test_ipset.py::test_another_list_takes_the_place_of_the_first",
        tool="ipset",
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
