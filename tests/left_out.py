"""What a run on a server leaves out, and how it says so: also where several processes share the tests."""

from collections.abc import Sequence
from typing import Any

import pytest

_TOLD = "left_out"


def asking_for_databases(items: Sequence[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Part tests into those that ask for databases of the run's kind, and the others, which no kind can change.

    There is one way to such a database, the fixture ``databases``, which a test asks for itself or by another.
    """
    asking = [item for item in items if "databases" in getattr(item, "fixturenames", ())]
    others = [item for item in items if "databases" not in getattr(item, "fixturenames", ())]
    return asking, others


class LeftOut:
    """Counts what is deselected, in each process, and tells the number with that of what is skipped."""

    def __init__(self) -> None:
        """Nothing is left out yet."""
        self._number = 0

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Count them."""
        self._number += len(items)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell the process that shares the tests out, if there is one."""
        output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_TOLD] = self._number

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Hear it: each process has found the same."""
        self._number = max(self._number, getattr(node, "workeroutput", {}).get(_TOLD, 0))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say it at the end."""
        skipped = terminalreporter.stats.get("skipped", [])
        of_sqlite = sum("SQLite" in str(report.longrepr) for report in skipped)
        terminalreporter.write_line(
            f"on PostgreSQL: {self._number} tests were left out that ask for no database of the run, or by -m and -k; "
            f"{of_sqlite} skipped that are about SQLite; {len(skipped) - of_sqlite} skipped for other reasons"
        )
