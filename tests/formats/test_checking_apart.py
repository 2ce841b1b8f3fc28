"""A consumer's program in a network of its own."""

import pytest
from firewall_program import need_apart

from core.exports.formatting import checker
from core.exports.formatting.contract import NotChecked


def test_it_sees_no_network_of_this_machine(tmp_path):
    """There is the loopback and nothing else; no firewall of this machine can be changed."""
    need_apart()

    said = checker.ask_apart("cat", ("/proc/net/dev",), folder=tmp_path)

    assert 0 == said.status
    assert ["lo"] == [line.partition(":")[0].strip() for line in said.text.splitlines() if ":" in line]


def test_what_it_says_comes_back(tmp_path):
    """Its status, too."""
    need_apart()

    said = checker.ask_apart("sh", ("-c", "echo no; exit 3"), folder=tmp_path)

    assert (3, "no\n") == (said.status, said.text)


def test_it_does_not_run_for_ever(tmp_path):
    """What hangs is ended."""
    need_apart()

    said = checker.ask_apart("sleep", ("60",), folder=tmp_path, timeout_s=0.5)

    assert -1 == said.status


@pytest.mark.parametrize("missing", ["no-such-program", "unshare"])
def test_without_program_or_network_that_is_said(missing, tmp_path, monkeypatch):
    """A system that lacks one cannot check."""
    find = checker.find
    monkeypatch.setattr(checker, "find", lambda program: None if program == missing else find(program))

    said = checker.ask_apart("no-such-program" if missing != "unshare" else "cat", (), folder=tmp_path)

    assert [NotChecked(said.why_not)] == said.findings()
    assert ("not installed" if missing != "unshare" else "no network apart") in said.why_not


def test_where_no_network_is_given_that_is_said(tmp_path, monkeypatch):
    """A container may forbid it; that is no finding of the file."""
    refuse = tmp_path / "unshare"
    refuse.write_text("#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2\nexit 1\n")
    refuse.chmod(0o755)
    find = checker.find
    monkeypatch.setattr(checker, "find", lambda program: str(refuse) if program == "unshare" else find(program))

    assert "no network apart" in checker.ask_apart("cat", ("/proc/net/dev",), folder=tmp_path).why_not


def test_a_program_that_fails_without_a_word_has_failed():
    """Its status is a finding."""
    assert ["it ended with the status 3"] == checker.Said(3, "").findings("Error")
