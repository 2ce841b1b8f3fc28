"""The how-to "Run exports every day": each of its commands is typed; its unit is one that systemd would take."""

import configparser
import re

import pytest
from page_shell import PageShell, lines_of, page_text

from core.cli.tasks_command import command

PAGE = page_text("run-exports-every-day")
(UNIT,) = re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL)
FEED = "value,type,tags\n8.8.4.1,ip,c2\n8.8.4.2,ip,c2\n"


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What each line of the page printed, in a home folder of its own."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "feed.csv").write_text(FEED)
    run = PageShell(folder)
    return {line: run(line) for line in lines_of(PAGE)}


def test_what_is_due_is_run(said):
    """The interval at once; the cron expression later."""
    assert "1 done" in said["yetictl tasks --once"]
    assert "completed" in said["yetictl export runs firewall"]
    assert "2 added" in said["yetictl export log firewall"]


def test_the_unit_can_be_read(said):
    """Every line of it is a setting, and what it starts is a command there is."""
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string(UNIT)

    assert ["Unit", "Service", "Install"] == unit.sections()
    program, *arguments = unit["Service"]["ExecStart"].split()
    assert program.endswith("/yetictl")
    assert ["tasks", "--workers", "2"] == arguments
    (grace,) = [option.default for option in command.params if option.name == "grace_s"]
    assert 2 * grace < int(unit["Service"]["TimeoutStopSec"])  # what is handed back may take as long again
