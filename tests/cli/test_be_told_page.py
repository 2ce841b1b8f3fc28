"""The how-to "Be told what is wrong": its settings are used, its commands typed, and its receiver believes us."""

import configparser
import json
import re

import pytest
from page_shell import PageShell, lines_of, page_text
from receivers import hooks

from core.config import load
from core.errors import ConfigError
from core.notices.channels import channels_of
from core.settings import SETTINGS

PAGE = page_text("be-told")
WEBHOOK, MAIL, CHAT = re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL)
(RECEIVER,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
FEED = "value,type,tags\n8.8.4.1,ip,c2\n8.8.4.2,ip,c2\n"


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """What each line of the page printed, in a home folder of its own, and what the webhook was told."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "feed.csv").write_text(FEED)
    with hooks() as hook:
        (folder / "yeti.conf").write_text(WEBHOOK.replace("https://hooks.example.org", hook.url))
        run = PageShell(folder)
        said = [(line, run(line)) for line in lines_of(PAGE)]
    return said, hook


def test_what_the_lines_say(typed):
    """The test arrives; the list is held, and then released, and both are told."""
    said, hook = typed
    printed = dict(said)

    assert f"webhook: told, {hook.url}\n" in printed["yetictl notify test"]
    assert "The list firewall is held since" in printed["yetictl notify list"]
    assert "webhook: told" in printed["yetictl notify list"]
    assert [("test", "", "test"), ("held", "firewall", "held"), ("held", "firewall", "released")] == hook.told


def test_the_receiver_of_the_page_believes_us(typed):
    """With the secret of the page; not with another, nor if a letter is changed."""
    names = {}
    exec(compile(RECEIVER, "page", "exec"), names)
    is_ours = names["is_ours"]
    secret = re.search(r"webhook_secret = (.*)", WEBHOOK)[1]

    for posted in typed[1].posted:
        assert is_ours(secret, posted.headers, posted.body)
        assert not is_ours("another", posted.headers, posted.body)
        assert not is_ours(secret, posted.headers, posted.body.replace(b"a", b"b", 1))


def test_the_object_of_the_page_is_what_is_sent(typed):
    """The same keys, and of a held list the same detail."""
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    shown, sent = json.loads(text), typed[1].posted[1].json

    assert list(shown) == list(sent)
    assert shown["detail"] == sent["detail"]
    assert shown["title"] == sent["title"]


@pytest.mark.parametrize(("block", "name"), [(MAIL, "mail"), (CHAT, "chat")])
def test_the_other_channels_can_be_set_up(tmp_path, block, name):
    """Every line of the blocks is a setting, and they make a channel."""
    parser = configparser.RawConfigParser()
    parser.read_string(block)
    assert set(parser["notify"]) <= {item.name.removeprefix("notify.") for item in SETTINGS}
    (tmp_path / "yeti.conf").write_text(block)

    config = load({"YETI_HOME": str(tmp_path)}, tmp_path, tmp_path)
    assert name in [channel.name for channel in channels_of(config)]
    (tmp_path / "yeti.conf").write_text(block.replace("smtp_from", "# smtp_from").replace("://", ":"))
    with pytest.raises(ConfigError):
        channels_of(load({"YETI_HOME": str(tmp_path)}, tmp_path, tmp_path))
