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


def as_nobody(check: Callable[[], object]) -> None:
    """Run *check* in a child process, which gives up root if it has it, and fail if the check fails."""

    def run() -> None:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(_NOBODY)
                os.setuid(_NOBODY)
            check()
        except BaseException:
            traceback.print_exc()
            raise

    assert in_child(run) == "done", "the check failed as an unprivileged user"


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
