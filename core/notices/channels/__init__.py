"""Ways to tell somebody: each a class with a name, a place for people to know it by, and ``tell``."""

from typing import Protocol

from core.config import Config
from core.errors import ConfigError
from core.notices.settings import settings_of
from core.schemas.notice import Notice


class Channel(Protocol):
    """One way to tell somebody.

    Attributes:
        name: What deliveries know it by: ``webhook``, ``mail``, ``chat``, ``chat-2`` …
        place: Where it leads, without anything secret.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - see above

    @property
    def place(self) -> str: ...  # noqa: D102

    def tell(self, notice: Notice) -> None:
        """Tell *notice*; return when it was taken.

        Raises:
            NotTold: It was not, or it is not known whether it was.
        """


def channels_of(config: Config) -> tuple[Channel, ...]:
    """Return the channels that the configuration names; none is a channel of nobody.

    Raises:
        ConfigError: One of them cannot be used; the message names the setting.
    """
    installation = settings_of(config).installation
    found: list[Channel] = []
    if config["notify.webhook_url"]:
        from core.notices.channels.webhook import Webhook

        found.append(Webhook(config["notify.webhook_url"], config["notify.webhook_secret"], installation))
    elif config["notify.webhook_secret"]:
        raise ConfigError("notify.webhook_secret signs nothing without notify.webhook_url")
    if config["notify.smtp_host"]:
        from core.notices.channels.mail import mail_of

        found.append(mail_of(config, installation))
    elif config["notify.smtp_to"]:
        raise ConfigError("notify.smtp_to gets nothing without notify.smtp_host")
    if config["notify.apprise_urls"]:
        from core.notices.channels.chat import chats

        found += chats(config["notify.apprise_urls"], installation)
    return tuple(found)
