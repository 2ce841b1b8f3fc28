"""Settings: one table, read once at start, each value with the place it came from.

A value is looked for in this order: the environment (``YETI_<SECTION>_<KEY>``, or ``YETI_<SECTION>_<KEY>_FILE``
naming a file that holds it, as containers do with secrets), the configuration file, the default.  An empty
value counts as unset.  The configuration file is the first found of ``$YETI_CONFIG``, ``./yeti.conf``,
``$YETI_HOME/yeti.conf``, ``/etc/yeti/yeti.conf``.
"""

import configparser
import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from core.errors import ConfigError
from core.redaction import redact

SYSTEM_CONFIG = Path("/etc/yeti/yeti.conf")


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table.

    Attributes:
        name: ``section.key``, as in the file.
        default: Text; ``{home}`` stands for ``$YETI_HOME``.
        meaning: For people; becomes the reference page.
        kind: How the text is checked.  ``place`` is a storage path: a folder, or a URL such as ``s3://…``; a
                ``secret`` is never shown; ``networks`` are addresses and networks with commas between them.  A ``file``,
            a secret and networks may be empty by default, which is none.
        choices: The words allowed, for ``kind="word"`` and, of which there may be several, ``kind="words"``.
        least, most: The smallest and largest number allowed, for ``kind="whole"``.
    """

    name: str
    default: str
    meaning: str
    kind: Literal["text", "folder", "file", "place", "url", "whole", "word", "words", "secret", "networks"] = (
        "text"
    )
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 10**12

    @property
    def variable(self) -> str:
        """The environment variable that overrides it."""
        return "YETI_" + self.name.replace(".", "_").upper()


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "system.export_path",
        "{home}/exports",
        "Where exports are published: a folder, or the path of another storage such as `s3://bucket/prefix`. "
        "An export may name its own place.",
        "place",
    ),
    Setting(
        "system.plugins_path",
        "{home}/plugins",
        "A second folder for drop-in files, which survives upgrades: storage clients in `storage/`, formats in "
        "`formats/`.  Whoever can write there can run code as this program.",
        "folder",
    ),
    Setting(
        "system.versions_path",
        "{home}/versions",
        "Where versions, ledgers and manifests are kept: never a place that consumers may read, for they say which "
        "sources and allow-lists decided what.  A folder, or the path of another storage.",
        "place",
    ),
    Setting(
        "database.url",
        "sqlite:///{home}/yeti.db",
        "The store: `sqlite:///` and the path of a file on a local disk, or `postgresql://user:password@host/database`, "
        "where options of libpq may follow behind `?`.",
        "url",
    ),
    Setting(
        "tag.default_tag_expiration",
        "90",
        "Days that a tag stays fresh after it was last received, where its source states no end and the tag has "
        "no lifetime of its own.",
        "whole",
        most=365_000,  # a thousand years; dates end with the year 9999
    ),
    Setting(
        "template.row_limit",
        "100000",
        "The most rows that a template which cannot be rendered in batches may be given; `yetictl template check` "
        "says which templates that concerns.",
        "whole",
    ),
    Setting(
        "template.memory_mib", "512", "Memory that the process which renders a template may use, in MiB.", "whole"
    ),
    Setting("template.timeout_s", "300", "Seconds that one export may spend in its template.", "whole"),
    Setting("template.output_mib", "2048", "The largest file that a template may produce, in MiB.", "whole"),
    Setting(
        "versions.keep_last",
        "24",
        "How many of the latest versions of an export are kept.",
        "whole",
        least=1,
    ),
    Setting(
        "versions.keep_daily",
        "14",
        "For the last so many days (UTC) that have versions, the latest of each day is kept.",
        "whole",
    ),
    Setting(
        "versions.keep_weekly",
        "8",
        "For the last so many weeks (ISO 8601, UTC) that have versions, the latest of each week is kept.",
        "whole",
    ),
    Setting(
        "tasks.keep_days",
        "90",
        "For so many days `tasks` keeps what runs logged, the jobs that ended, what somebody was told, and who "
        "fetched which version.",
        "whole",
        least=1,
    ),
    Setting(
        "tasks.keep_runs_days",
        "730",
        "For so many days `tasks` keeps how runs ended.  The latest of each export stays, and those that made a "
        "version which is kept.",
        "whole",
        least=1,
        most=365_000,
    ),
    Setting(
        "tasks.keep_fetches_days",
        "365",
        "For so many days `tasks` keeps which consumer had which version.  The latest of each consumer and export stays.",
        "whole",
        least=1,
        most=365_000,
    ),
    Setting(
        "audit.keep_days",
        "730",
        "For so many days `tasks` keeps who changed what.",
        "whole",
        least=1,
        most=365_000,
    ),
    Setting(
        "api.host",
        "127.0.0.1",
        "The address that `api` listens on; `0.0.0.0` is every address of this machine.",
    ),
    Setting("api.port", "8000", "The port that `api` listens on; 0 takes a free one.", "whole", most=65_535),
    Setting(
        "api.processes",
        "1",
        "Processes of `api` on this machine, all on one port.",
        "whole",
        least=1,
        most=64,
    ),
    Setting(
        "api.trusted_proxies",
        "",
        "Addresses and networks of proxies in front of `api`, separated by commas: from them, and from nobody else, "
        "`X-Forwarded-For` and `X-Forwarded-Proto` are believed.",
        "networks",
    ),
    Setting(
        "api.max_upload_mib",
        "10",
        "The largest body that `api` takes, in MiB: what is imported by it, above all.",
        "whole",
        least=1,
        most=4_096,
    ),
    Setting(
        "api.import_networks",
        "",
        "Addresses and networks of your own, separated by commas, that admins may have files fetched from by URL, "
        "beside hosts of the internet.  Link-local addresses and what tells machines of a cloud their credentials are "
        "never asked.",
        "networks",
    ),
    Setting(
        "api.tokens_in_query",
        "no",
        "Whether `?token=` counts where a consumer can send no header.  Addresses end up in the logs of proxies and in "
        "histories; headers do not.",
        "word",
        ("yes", "no"),
    ),
    Setting(
        "api.presigned_downloads",
        "no",
        "Whether a file is fetched from the storage of `system.versions_path` itself, by a link that is good for five "
        "minutes, where that storage gives links: S3 and its like.  Consumers must follow redirects and reach it.",
        "word",
        ("yes", "no"),
    ),
    Setting(
        "api.grace_s",
        "20",
        "Seconds that requests may go on after a signal to stop.",
        "whole",
        most=3_600,
    ),
    Setting(
        "api.open_metrics",
        "no",
        "Whether anybody may read `/metrics`; otherwise an API key with the scope `read` is needed.",
        "word",
        ("yes", "no"),
    ),
    Setting(
        "auth.secret_key",
        "",
        "What tokens of the API are signed with, at least 32 characters.  Without it one is made once and kept in "
        "the store, for all processes.",
        "secret",
    ),
    Setting(
        "auth.access_token_expire_minutes",
        "30",
        "Minutes that a token for a program is good for; it gets another one by its key.",
        "whole",
        least=1,
        most=525_600,
    ),
    Setting(
        "auth.browser_token_expire_minutes",
        "43200",
        "Minutes that a person stays logged in.",
        "whole",
        least=1,
        most=525_600,
    ),
    Setting(
        "publish.sha256sums",
        "yes",
        "Whether a file `SHA256SUMS` is kept beside what is published, so that `sha256sum -c` can check it.",
        "word",
        ("yes", "no"),
    ),
    Setting(
        "publish.signing_key",
        "",
        "The file of a secret key of minisign; with it a signature `<name>.minisig` is published beside every file. "
        "`yetictl key new` makes one.",
        "file",
    ),
    Setting(
        "publish.signing_key_password",
        "",
        "The password of that file, if it is encrypted.",
        "secret",
    ),
    Setting(
        "notify.webhook_url",
        "",
        "The address that every notice is sent to as JSON, `https://…`.  Kept as a secret, since many such addresses "
        "hold one.",
        "secret",
    ),
    Setting(
        "notify.webhook_secret",
        "",
        "What notices to the webhook are signed with: `X-Yeti-Signature` is `sha256=` and the HMAC-SHA-256 of "
        "`X-Yeti-Timestamp`, a full stop, and the body.",
        "secret",
    ),
    Setting("notify.smtp_host", "", "The mail server that notices are sent by.  Without it there is no mail."),
    Setting(
        "notify.smtp_port",
        "0",
        "Its port; 0 is what goes with `notify.smtp_tls`: 587, 465 or 25.",
        "whole",
        most=65_535,
    ),
    Setting(
        "notify.smtp_tls",
        "starttls",
        "How the way to the mail server is protected; its certificate is checked.  `none` is for a server on this "
        "machine, and takes no password.",
        "word",
        ("starttls", "tls", "none"),
    ),
    Setting("notify.smtp_user", "", "The user of the mail server, if it wants one."),
    Setting("notify.smtp_password", "", "The password of that user.", "secret"),
    Setting("notify.smtp_from", "", "Whom mails come from: `yeti@example.org`, or `Yeti <yeti@example.org>`."),
    Setting("notify.smtp_to", "", "Whom mails go to; several with commas between them."),
    Setting(
        "notify.apprise_urls",
        "",
        "Chats and other services, as Apprise writes them, such as `slack://…`; several with blanks between them.  "
        "Needs the extra `[notify]`.",
        "secret",
    ),
    Setting(
        "notify.kinds",
        "held,released,failed,overdue,stale-consumer,expiring-token,recovered",
        "What is told, words with commas between them.  `recovered` is the end of what was failed, overdue, stale or "
        "expiring.",
        "words",
        ("held", "released", "failed", "overdue", "stale-consumer", "expiring-token", "recovered"),
    ),
    Setting(
        "notify.installation",
        "",
        "How this installation is called in notices; the name of the machine without it.",
    ),
    Setting(
        "notify.overdue_after_minutes",
        "60",
        "An export is overdue when it has not run for so many minutes after it was due.",
        "whole",
        least=1,
        most=525_600,
    ),
    Setting(
        "notify.stale_after_minutes",
        "60",
        "A consumer is stale when it has not asked for a list for so many minutes, or four times as long as between "
        "its requests before if that is longer; a day if it asked only once.",
        "whole",
        least=1,
        most=525_600,
    ),
    Setting(
        "notify.token_days",
        "14",
        "Keys of users and tokens of consumers are told of so many days before they end, those with a short life in "
        "its second half.",
        "whole",
        least=1,
        most=3_650,
    ),
    Setting(
        "log.level",
        "warning",
        "The least important messages to print on standard error.",
        "word",
        ("debug", "info", "warning", "error"),
    ),
    Setting("log.format", "text", "How log lines are written.", "word", ("text", "json")),
)
"""Every setting there is; the reference page is made from it."""

_YETIS = frozenset(("auth.algorithm", "auth.enabled", "auth.module"))
"""Keys of a Yeti's own file in sections that are ours too: somebody else's business."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_CLOSE = 0.9  # of 1; YETI_DATABASE_HOST, which is a Yeti's, is 0.8 like YETI_DATABASE_URL

_BY_NAME = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's value as text, and where it came from, in words."""

    setting: Setting
    text: str
    origin: str

    @property
    def shown(self) -> str:
        """The value as it may be shown: without the password of a URL, and nothing of a secret."""
        if self.setting.kind == "secret":
            return "***" if self.text else ""
        return redact(self.text)


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of this process.

    Attributes:
        home: ``$YETI_HOME``, or the user's data folder: database, exports, spool and plug-ins live there.
        home_origin: Where that came from, in words.
        file: The configuration file that was read, if one was found.
        values: Every setting by name.
        warnings: Lines of the file and variables that mean nothing here, each with the nearest thing that does.
    """

    home: Path
    home_origin: str
    file: Path | None
    values: Mapping[str, Value]
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> str:
        """Return the text of setting *name*."""
        return self.values[name].text

    def whole(self, name: str) -> int:
        """Return the whole number of setting *name*."""
        return int(self.values[name].text)

    def having(self, given: Mapping[str, str]) -> "Config":
        """Return the same settings but for those *given* on the command line.

        Raises:
            ConfigError: A value is not of its kind.
        """
        values = {
            name: Value(_BY_NAME[name], _checked(_BY_NAME[name], text, "command line", Path.cwd()), "command line")
            for name, text in given.items()
        }
        return replace(self, values={**self.values, **values})

    def networks(self, name: str) -> tuple[IPv4Network | IPv6Network, ...]:
        """Return the networks of setting *name*; an address is a network of one."""
        return _networks(name, self.values[name].text, self.values[name].origin)

    def words(self, name: str) -> tuple[str, ...]:
        """Return the words of setting *name*."""
        return tuple(self.values[name].text.split(","))

    def path(self, name: str) -> Path:
        """Return the folder of setting *name*."""
        return Path(self.values[name].text)


def load(environ: Mapping[str, str], folder: Path, user_data: Path) -> Config:
    """Read the settings.

    Args:
        environ: The environment.
        folder: The working folder; relative paths in the environment start there.
        user_data: Where ``YETI_HOME`` is when it is not set.

    Raises:
        ConfigError: A file cannot be read, or a value is not of its kind.  The message names variable or file.
    """
    home, home_origin = _home(environ, folder, user_data)
    file = _config_file(environ, folder, home)
    sections, warnings = _read(file) if file else ({}, ())
    values = {}
    for setting in SETTINGS:
        text, origin, base = _look_up(setting, environ, sections, file, folder)
        if text is None:
            text, origin, base = _default(setting, home), "default", folder
        values[setting.name] = Value(setting, _checked(setting, text, origin, base), origin)
    return Config(home, home_origin, file, values, (*warnings, *_slips(environ)))


def _default(setting: Setting, home: Path) -> str:
    return setting.default.replace("{home}", _in_url(home) if setting.kind == "url" else str(home))


def _home(environ: Mapping[str, str], folder: Path, user_data: Path) -> tuple[Path, str]:
    if text := environ.get("YETI_HOME"):
        return _absolute(text, folder), "environment YETI_HOME"
    return user_data, "default"


def _config_file(environ: Mapping[str, str], folder: Path, home: Path) -> Path | None:
    if text := environ.get("YETI_CONFIG"):
        path = _absolute(text, folder)
        if not path.is_file():
            raise ConfigError(f"YETI_CONFIG names {path}, which is not a file")
        return path
    found = (path for path in (folder / "yeti.conf", home / "yeti.conf", SYSTEM_CONFIG) if path.is_file())
    return next(found, None)


def _read(file: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    parser = configparser.RawConfigParser(strict=True, default_section="\0none")
    try:
        parser.read_string(file.read_text("utf-8-sig"), str(file))
    except configparser.Error as error:
        # The library's message quotes the line; a line of this file may hold a password.
        line = getattr(error, "lineno", None) or next(iter(getattr(error, "errors", [])), (None,))[0]
        where = f", line {line}" if line else ""
        raise ConfigError(f"{file}{where}: {_fault(error)}") from None
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigError(f"{file} cannot be read: {reason}") from None
    given = {f"{section}.{key}": text for section in parser.sections() for key, text in parser.items(section)}
    return given, tuple(f"{file}: {doubt}" for name, text in given.items() for doubt in _doubts(name, text))


def _doubts(name: str, text: str) -> Iterator[str]:
    """Yield what is probably not meant in a line of the file.

    Sections of a Yeti's own file (arangodb, redis, auth, …) are somebody else's business.
    """
    ours = {setting.name.split(".")[0] for setting in SETTINGS}
    if name in _BY_NAME:
        if re.fullmatch(r"""(["']).*\1""", text):
            yield f"the quotes around {name} are part of its value; leave them out"
        if re.search(r"\s[;#]", text):
            yield f"what follows ; or # in {name} is part of its value; a comment needs a line of its own"
    elif name in _YETIS:
        return
    elif name.split(".")[0] in ours or difflib.get_close_matches(name.lower(), _BY_NAME, 1, _CLOSE):
        yield f"{name} is not a setting of this program{_nearest(name.lower())}"


def _fault(error: configparser.Error) -> str:
    match error:
        case configparser.DuplicateOptionError():
            return f"{error.section}.{error.option} stands there twice; keep one"
        case configparser.DuplicateSectionError():
            return f"the section [{error.section}] stands there twice; make it one"
        case _:
            return "not of the form [section] and key = value"


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, _BY_NAME, 1)
    return f"; did you mean {near[0]}?" if near else ""


def _slips(environ: Mapping[str, str]) -> list[str]:
    """Return what to say of variables that are all but a setting's; a Yeti has many others of its own."""
    known = [setting.variable + end for setting in SETTINGS for end in ("", "_FILE")]
    return [
        f"the variable {name} is not a setting of this program; did you mean {near[0]}?"
        for name in sorted(environ)
        if name.startswith("YETI_") and name not in known
        if (near := difflib.get_close_matches(name, known, 1, _CLOSE))
    ]


def _look_up(
    setting: Setting, environ: Mapping[str, str], sections: Mapping[str, str], file: Path | None, folder: Path
) -> tuple[str | None, str, Path]:
    variable, file_variable = setting.variable, setting.variable + "_FILE"
    direct, named = environ.get(variable), environ.get(file_variable)
    if direct and named:
        raise ConfigError(f"both {variable} and {file_variable} are set; keep one")
    if direct:
        return direct, f"environment {variable}", folder
    if named:
        return _from_file(file_variable, _absolute(named, folder)), f"file of {file_variable}", folder
    if file and (text := sections.get(setting.name)):
        return text, f"file {file}", file.parent
    return None, "", folder


def _from_file(variable: str, path: Path) -> str:
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigError(f"{variable} names {path}, which cannot be read: {reason}") from None
    if not text:
        raise ConfigError(f"{variable} names {path}, which is empty")
    return text


def _checked(setting: Setting, text: str, origin: str, base: Path) -> str:
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ConfigError(f"{setting.name} ({origin}) holds a line break or another control character")
    match setting.kind:
        case "file" if not text:
            return ""
        case "folder" | "file" | "place" if not _URL.match(text):
            return str(_absolute(text, base))
        case "folder" | "file":
            raise ConfigError(
                f"{setting.name} ({origin}) must be a {setting.kind} of this machine, not {redact(text)!r}"
            )
        case "url":
            return _checked_url(setting, text, origin, base)
        case "whole":
            if not re.fullmatch(r"[0-9]{1,15}", text):
                raise ConfigError(f"{setting.name} ({origin}) must be a whole number, not {text!r}")
            if int(text) < setting.least:
                raise ConfigError(f"{setting.name} ({origin}) must be {setting.least} at least, not {text}")
            if int(text) > setting.most:
                raise ConfigError(f"{setting.name} ({origin}) must be {setting.most} at most, not {text}")
        case "networks":
            _networks(setting.name, text, origin)
        case "words":
            return _checked_words(setting, text, origin)
        case "word":
            text = text.lower()
            if text not in setting.choices:
                raise ConfigError(
                    f"{setting.name} ({origin}) must be one of {', '.join(setting.choices)}, not {text!r}"
                )
    return text


def _checked_words(setting: Setting, text: str, origin: str) -> str:
    words = dict.fromkeys(word for word in re.split(r"[,\s]+", text.lower()) if word)
    for word in words:
        if word not in setting.choices:
            raise ConfigError(f"{setting.name} ({origin}) may hold {', '.join(setting.choices)}, not {word!r}")
    if not words:
        raise ConfigError(f"{setting.name} ({origin}) holds no word; known: {', '.join(setting.choices)}")
    return ",".join(words)


def _networks(name: str, text: str, origin: str) -> tuple[IPv4Network | IPv6Network, ...]:
    words = [word for word in re.split(r"[,\s]+", text) if word]
    try:
        return tuple(ip_network(word) for word in words)
    except ValueError:
        raise ConfigError(
            f"{name} ({origin}) must be addresses and networks with commas between them, such as "
            f"10.0.0.0/8,192.0.2.1, not {text!r}"
        ) from None


def _checked_url(setting: Setting, text: str, origin: str, base: Path) -> str:
    scheme, separator, rest = text.partition(":///")
    if text.startswith(("postgresql://", "postgres://")):
        return text
    if scheme != "sqlite" or not separator or rest in ("", ":memory:"):
        raise ConfigError(
            f"{setting.name} ({origin}) is {redact(text)!r}; this version knows sqlite:///path/of/a/file.db and "
            "postgresql://user@host/database"
        )
    if "?" in rest:
        raise ConfigError(
            f"{setting.name} ({origin}) is {redact(text)!r}; there are no options behind ?, and in a path it is "
            "written %3F"
        )
    return f"sqlite:///{_in_url(_absolute(unquote(rest), base))}"


def _in_url(path: Path) -> str:
    """Return *path* as it stands in a URL, with what would mean something else there in its escaped form."""
    return str(path).replace("%", "%25").replace("?", "%3F")


def _absolute(text: str, base: Path) -> Path:
    try:
        return (base / Path(text).expanduser()).absolute()
    except RuntimeError:
        raise ConfigError(f"the home folder in {text!r} is not known") from None
