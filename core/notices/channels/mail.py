"""Notices by mail: SMTP, with STARTTLS or TLS from the start, and the server's certificate checked."""

import logging
import smtplib
import ssl
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from email.utils import format_datetime, getaddresses

from core.config import Config
from core.errors import ConfigError, NotTold
from core.notices.form import plain_text, subject_line
from core.schemas.instant import to_datetime
from core.schemas.notice import Notice

_log = logging.getLogger(__name__)

TIMEOUT_S = 20
"""Of each of the half a dozen questions to the server."""

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail server, and whom mails go to; ``tls`` is ``starttls``, ``tls`` or ``none``."""

    host: str
    port: int
    tls: str
    sender: Address
    receivers: tuple[Address, ...]
    installation: str
    user: str = ""
    password: str = field(default="", repr=False)
    name: str = "mail"

    @property
    def place(self) -> str:
        """The server, and who gets it."""
        return f"{self.host}:{self.port} for {', '.join(item.addr_spec for item in self.receivers)}"

    def tell(self, notice: Notice) -> None:
        """Send it."""
        message = self.message(notice)
        try:
            with self._connected() as server:
                refused = server.send_message(
                    message, self.sender.addr_spec, [item.addr_spec for item in self.receivers]
                )
        except smtplib.SMTPException as error:
            raise self._explained(error) from None
        except OSError as error:
            raise NotTold(f"the mail server {self._server} was not reached: {_reason(error)}") from None
        if refused:
            # The others have it; to send it again would be to tell them twice.
            _log.warning("a mail server refused some receivers", extra={"receivers": ", ".join(sorted(refused))})

    def message(self, notice: Notice) -> EmailMessage:
        """Return the mail; the same notice has the same Message-ID, so that servers and readers know it again."""
        made = EmailMessage(POLICY)
        made["Subject"] = subject_line(notice, self.installation)
        made["From"] = self.sender
        made["To"] = self.receivers
        made["Date"] = format_datetime(to_datetime(notice.made_at).replace(microsecond=0))
        made["Message-ID"] = self._id(notice.key)
        if notice.follows:
            made["In-Reply-To"] = made["References"] = self._id(notice.follows)
        made["Auto-Submitted"] = "auto-generated"
        made["X-Yeti-Kind"] = f"{notice.kind} {notice.state}"
        made.set_content(plain_text(notice), cte="quoted-printable")
        return made

    @property
    def _server(self) -> str:
        return f"{self.host}:{self.port}"

    def _id(self, key: str) -> str:
        return f"<{key}@{self.sender.domain}>"

    def _connected(self) -> smtplib.SMTP:
        if self.tls == "tls":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        try:
            if self.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if self.user:
                self._log_in(server)
        except BaseException:
            server.close()
            raise
        return server

    def _log_in(self, server: smtplib.SMTP) -> None:
        try:
            server.login(self.user, self.password)
        except smtplib.SMTPServerDisconnected as error:
            if isinstance(error.__context__, TimeoutError):  # it is slow, and may find the password right
                raise
            # Many hang up after a wrong password, where the library would try another way to say it.
            raise smtplib.SMTPAuthenticationError(535, "it hung up") from None

    def _explained(self, error: smtplib.SMTPException) -> NotTold:
        place = f"the mail server {self._server}"
        match error:
            case smtplib.SMTPAuthenticationError():
                # What it says may quote what it was told.
                return NotTold(f"{place} refused user and password ({error.smtp_code})")
            case smtplib.SMTPServerDisconnected() if isinstance(error.__context__, TimeoutError):
                return NotTold(f"{place} gave no answer within {TIMEOUT_S} s")
            case smtplib.SMTPNotSupportedError():
                return NotTold(f"{place} cannot do what was asked: {error}; see notify.smtp_tls")
            case smtplib.SMTPRecipientsRefused():
                codes = {code for code, _ in error.recipients.values()}
                return NotTold(f"{place} refused all receivers ({_listed(codes)})", is_refusal=min(codes) >= 500)
            case smtplib.SMTPResponseException():
                said = error.smtp_error
                words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
                first = " ".join(words.split())[:200]
                return NotTold(f"{place} answered {error.smtp_code} {first}", is_refusal=error.smtp_code >= 500)
            case _:
                return NotTold(f"{place} broke off: {error}")


def mail_of(config: Config, installation: str) -> Mail:
    """Return the channel that the configuration names.

    Raises:
        ConfigError: It cannot be used.
    """
    tls = config["notify.smtp_tls"]
    if config["notify.smtp_password"] and not config["notify.smtp_user"]:
        raise ConfigError("notify.smtp_password is of no use without notify.smtp_user")
    if config["notify.smtp_user"] and tls == "none":
        raise ConfigError("notify.smtp_user would be sent in the clear; set notify.smtp_tls to starttls or tls")
    sender = _addresses("notify.smtp_from", config["notify.smtp_from"])
    if len(sender) != 1:
        raise ConfigError("notify.smtp_from must be one address")
    return Mail(
        host=config["notify.smtp_host"],
        port=config.whole("notify.smtp_port") or _PORTS[tls],
        tls=tls,
        sender=sender[0],
        receivers=_addresses("notify.smtp_to", config["notify.smtp_to"]),
        installation=installation,
        user=config["notify.smtp_user"],
        password=config["notify.smtp_password"],
    )


def _addresses(setting: str, text: str) -> tuple[Address, ...]:
    if not text:
        raise ConfigError(f"mails need {setting}: an address such as yeti@example.org")
    try:
        found = tuple(Address(name, addr_spec=spec) for name, spec in getaddresses([text]))
        is_right = bool(found) and all(
            item.username and item.domain and item.addr_spec.isascii() for item in found
        )
    except (ValueError, IndexError, MessageError):
        is_right = False
    if not is_right:
        raise ConfigError(f"{setting} must be addresses such as yeti@example.org, in ASCII, not {text!r}")
    return found


def _reason(error: OSError) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message}); see SSL_CERT_FILE"
        case ssl.SSLError():
            return f"TLS failed ({error.reason}); see notify.smtp_tls and notify.smtp_port"
        case TimeoutError():
            return f"no answer within {TIMEOUT_S} s"
        case _:
            return error.strerror or type(error).__name__


def _listed(codes: set[int]) -> str:
    return ", ".join(str(code) for code in sorted(codes))
