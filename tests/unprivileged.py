"""Run a check with the rights of nobody in particular: root may do anything, so as root it would prove nothing."""

import os
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.testing.together import in_child

_NOBODY = 65_534
_MOST = 10_000


def as_nobody(check: Callable[[], object]) -> None:
    """Run *check* in a child process, which gives up root if it has it, and fail if the check fails."""
    reading, writing = os.pipe()

    def run() -> None:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(_NOBODY)
                os.setuid(_NOBODY)
            check()
        except BaseException:
            os.write(writing, traceback.format_exc()[-_MOST:].encode())
            raise

    try:
        outcome = in_child(run)
    finally:
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as said:
            why = said.read()
    assert outcome == "done", f"the check failed as an unprivileged user:\n{why}"


@contextmanager
def folder_of_nobody() -> Iterator[Path]:
    """Give a folder that such a check can reach and owns; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp())
    try:
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)
