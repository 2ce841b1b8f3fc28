"""Type what a how-to page says, as its reader would: in a folder of its own, with the program of this environment."""

import os
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_STATUS = re.compile(r"# exit status (\d)")


def page_text(name):
    """The text of ``docs/how-to/NAME.md``."""
    return (DOCS / "how-to" / f"{name}.md").read_text("utf-8")


def lines_of(text):
    """The lines of all blocks of shell commands of a page, in order."""
    return [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]


def command_of(line):
    """A line without the remark behind it."""
    return line.partition("  #")[0].strip()


class PageShell:
    """A folder, which is home, too, in which somebody types lines."""

    def __init__(self, folder):
        self.folder = folder
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._environ = {"HOME": str(folder), "PATH": path}

    def __call__(self, line, status=None):
        """Type a line and return what it prints; its status is the one given, or that of the remark behind it, or 0."""
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        if status is None:
            said = _STATUS.search(line)
            status = int(said[1]) if said else 0
        assert status == done.returncode, f"{line}: {done.stdout}"
        return done.stdout
