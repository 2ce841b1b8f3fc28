"""The page "Keep exports in git": every file and every command on it works, in its order."""

import re

import pytest
from page_shell import PageShell, command_of, lines_of, page_text

PAGE = page_text("keep-exports-in-git")
FILES = re.findall(r"```\w+ file=(\S+)\n(.*?)```", PAGE, re.DOTALL)
FEED = "value,type,tags\n8.8.4.1,ip,c2\n8.8.4.2,ip,c2\n8.8.4.3,ip,botnet\nevil.test,domain,c2\n"
LOG = '8.8.4.3 - - [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.1" 200 1 "-" "-"\n'


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Line, what it printed and its status, in a home folder of its own."""
    folder = tmp_path_factory.mktemp("git")
    for name, text in [*FILES, ("feed.csv", FEED), ("access.log", LOG), ("our-domains.txt", "www.evil.test\n")]:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    run = PageShell(folder)
    run("yetictl import feed.csv --source feed")
    return [(command_of(line), run(line)) for line in lines_of(PAGE)]


def test_every_command_works(done):
    """None fails, and there are three files."""
    assert len(done) > 15
    assert 3 == len(FILES)


def test_the_first_plan_creates_what_the_files_say(done):
    """With how many entries each would have."""
    text = done[0][1]

    for name in ("c2-addresses", "c2-names", "siem", "template pairs"):
        assert f"+ create  {name}" in text
    assert "\n    2 entries\n" in text


def test_what_is_dumped_is_what_is_there(done):
    """The plan of a dump changes nothing."""
    (text,) = [text for line, text in done if line == "yetictl export plan dumped"]

    assert "exports: 3 unchanged; nothing to do\n" == text


def test_a_change_is_shown_and_made_once(done):
    """Old and new, against what is published; the second time nothing is to be done."""
    plans = [text for line, text in done if line == "yetictl export plan exports/"]
    applied = [text for line, text in done if line == "yetictl export apply exports/ --yes"]

    assert "include: c2 → c2, botnet\n    3 entries; against version 1: +1 -0 ~0\n" in plans[1]
    assert "exports: 3 unchanged; nothing to do\n" == applied[2]
    assert "exports: 2 unchanged; nothing to do\n" == plans[-1]


def test_what_is_in_no_file_goes_when_asked(done):
    """It is named first."""
    stays = [text for line, text in done if line == "yetictl export apply exports/ --yes"][-1]
    goes = next(text for line, text in done if line == "yetictl export apply exports/ --yes --remove")

    assert "1 export is in none of the files and stays: siem" in stays
    assert "- remove  siem" in goes


def test_a_log_and_a_list_are_matched(done):
    """The new entry would have hit a client, and a name of one's own is below an entry."""
    log, names = (text for line, text in done if "--against" in line)

    assert "would have hit 1 value on 1 of 1 line" in log
    assert "apart from that, 1 below an entry" in names
