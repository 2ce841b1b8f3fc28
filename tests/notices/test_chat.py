"""Notices to what Apprise knows: its ``json://`` to a real web server."""

import logging
import subprocess
import sys

import pytest
from notices_of_tests import PLAIN
from ports import free_port

from core.errors import ConfigError, NotTold
from core.notices.channels.chat import chats

# What Apprise imports when it is first used.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
def heard():
    """What the log of the program hears; ``caplog`` hears more, since it puts itself into every logger."""

    class Listener(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())

    lines, listener = [], Listener()
    logging.getLogger().addHandler(listener)
    yield lines
    logging.getLogger().removeHandler(listener)


def test_what_is_sent(hook):
    """A title and a text."""
    (chat,) = chats(hook.url.replace("http:", "json:"), "here")
    chat.tell(PLAIN)

    (posted,) = hook.posted
    assert "[Yeti Exports, here] x is held" == posted.json["title"]
    assert posted.json["message"].startswith("The list x is held.")
    assert "json://…" == chat.place


def test_each_address_is_a_channel_of_its_own(hook):
    """One that fails is tried again without the others."""
    there = hook.url.replace("http:", "json:")
    found = chats(f"json://127.0.0.1:{free_port()}/, {there}/b?c=d,e\n{there}/c", "here")

    assert ["chat", "chat-2", "chat-3"] == [chat.name for chat in found]
    with pytest.raises(NotTold):
        found[0].tell(PLAIN)
    found[1].tell(PLAIN)
    found[2].tell(PLAIN)
    assert ["/b", "/c"] == [posted.path.partition("?")[0] for posted in hook.posted]


def test_why_it_was_not_taken_without_a_secret(hook, capfd, heard):
    """What Apprise says, without any part of the address; nobody else hears it."""
    hook.statuses.append(403)
    port = hook.url.rpartition(":")[2]

    with pytest.raises(NotTold, match=r"json://… did not take it: .*403") as caught:
        chats(f"json://annabell:s3cret@127.0.0.1:{port}/T0000/xoxb-token", "here")[0].tell(PLAIN)
    said = "".join([str(caught.value), *capfd.readouterr(), *heard])
    assert not any(part in said for part in ("annabell", "s3cret", "T0000", "xoxb-token"))


def test_an_address_that_apprise_does_not_know(capfd, heard):
    """Said when it is told first, since Apprise takes a second to load."""
    (chat,) = chats("nosuch://s3cret/path", "here")

    with pytest.raises(NotTold, match="no address that Apprise understands") as caught:
        chat.tell(PLAIN)
    assert caught.value.is_refusal
    assert "s3cret" not in "".join([str(caught.value), *capfd.readouterr(), *heard])


def test_no_address_at_all():
    """Found out at the start."""
    with pytest.raises(ConfigError, match="must be addresses such as slack://"):
        chats("slack", "here")


def test_apprise_is_imported_only_when_it_is_used():
    """Whoever has no chat does not wait for it; whoever has one does at the first notice."""
    code = (
        "import sys; from core.notices.channels.chat import chats; chats('json://127.0.0.1/', 'here');"
        "print('apprise' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False\n" == done.stdout


def test_without_apprise_it_is_said_what_to_install(monkeypatch):
    """The extra is named."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(ConfigError, match=r"pip install '\.\[notify\]'"):
        chats("slack://a/b/c", "here")
