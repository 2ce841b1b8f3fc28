"""From nothing to a URL for the firewall, as the README says."""

import os
import re
import subprocess
import sys
from pathlib import Path

from ports import free_port

(SCRIPT,) = re.findall(
    r"```bash\n(.*?)```", (Path(__file__).parents[2] / "README.md").read_text("utf-8"), re.DOTALL
)


def test_ten_lines_give_a_list_that_a_firewall_can_fetch(tmp_path):
    """The block is typed as it stands, but for the port, which somebody else may have."""
    port = str(free_port())
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {"HOME": str(tmp_path), "PATH": path, "YETI_API_PORT": port}
    lines = SCRIPT.replace(":8000/", f":{port}/")
    done = subprocess.run(
        ["bash", "-c", f"set -e\ntrap 'kill %1; wait' EXIT\n{lines}"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert 0 == done.returncode, done.stderr
    assert 10 == len(SCRIPT.splitlines())
    assert "203.0.113.7" == done.stdout.splitlines()[-1]
