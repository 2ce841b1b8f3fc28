"""The consumers' own programs: where they are, which version, and how many of them this machine lacks.

A test that needs one carries ``@pytest.mark.proof(…, tool="named")``, or asks by the fixture ``tool``; without the
program it is skipped, and the run says at its end how many tests that were and for want of what.
"""

import re
import subprocess
from collections import Counter
from functools import lru_cache
from importlib import metadata

import pytest

from core.exports.formatting.checker import find

# How each program says its version; the first number with a dot in what it prints is that.
TOOLS: dict[str, tuple[str, ...]] = {
    "clamscan": ("--version",),
    "dnsmasq": ("--version",),
    "haproxy": ("-v",),
    "ipset": ("--version",),
    "iptables-restore": ("--version",),
    "jq": ("--version",),
    "named": ("-v",),
    "named-checkzone": ("-v",),
    "nft": ("--version",),
    "nginx": ("-v",),
    "pdns_recursor": ("--version",),
    "postmap": (),
    "rbldnsd": ("-h",),
    "squid": ("--version",),
    "suricata": ("-V",),
    "unbound": ("-V",),
    "unbound-checkconf": ("-h",),
    "yarac": ("--version",),
}
PACKAGES = {
    "pymisp": "pymisp",
    "sigma": "sigma-cli",
    "stix2-validator": "stix2-validator",
    "taxii2-client": "taxii2-client",
    "yara-python": "yara-python",
}
"""Programs and libraries that are packages of PyPI, which the tests bring along."""

MISSING = "consumer's tool missing: "


def need(tool: str) -> str:
    """Return the path of a program; skip the test without it."""
    path = find(tool)
    if path is None:
        pytest.skip(MISSING + tool)
    return path


@lru_cache
def version(tool: str) -> str:
    """Return which version of a program or library this machine has; empty if it has none or does not say."""
    if tool in PACKAGES:
        try:
            return metadata.version(PACKAGES[tool])
        except metadata.PackageNotFoundError:
            return ""
    if tool == "postmap":
        return _number(_said("postconf", "-h", "mail_version"))
    return _number(_said(tool, *TOOLS.get(tool, ("--version",))))


def _said(tool: str, *words: str) -> str:
    path = find(tool)
    if path is None:
        return ""
    ended = subprocess.run(
        [path, *words], capture_output=True, text=True, errors="replace", timeout=30, check=False
    )
    return ended.stdout + ended.stderr


def _number(text: str) -> str:
    found = re.search(r"\d+\.[\d.]*\d", text)
    return found.group() if found else ""


class MissingTools:
    """Counts the tests that were not run; a plug-in of pytest."""

    def __init__(self) -> None:
        self.tests: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take down a skip that names a tool."""
        if report.skipped and isinstance(report.longrepr, tuple) and MISSING in report.longrepr[2]:
            self.tests[report.longrepr[2].rpartition(MISSING)[2]] += 1

    def pytest_terminal_summary(self, terminalreporter) -> None:
        """Say what was missing."""
        if self.tests:
            names = ", ".join(f"{tool} ({count})" for tool, count in sorted(self.tests.items()))
            count = self.tests.total()
            terminalreporter.write_line(
                f"consumers' own tools: {len(self.tests)} of {len(TOOLS)} are missing, and {count} tests were not run "
                f"for want of them: {names}",
                yellow=True,
            )
