"""Every setting there is: name, default, meaning, and how its text is checked; `core.config` reads them."""

from dataclasses import dataclass
from typing import Literal


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
        "sources and allow-lists decided what.  A folder, or the path of another storage.  With PostgreSQL the default "
        "is `.yeti-versions` below `system.export_path` where that is a storage of the network, for a policy of it to keep "
        "private; where it is a folder, which other hosts do not have, this setting has to be made.",
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
        "For so many days `tasks` keeps what runs logged, the jobs that ended, and what somebody was told; who fetched "
        "which version goes by `tasks.keep_fetches_days`.",
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
        "api.upload_grace_s",
        "30",
        "So many seconds a body may take to come, and one more for each KiB of it that came: what comes slower is "
        "ended with 408.",
        "whole",
        least=1,
        most=3_600,
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
        "So many minutes, at least, a consumer may be silent before it has stopped asking, see let-consumers-fetch; in "
        "notices, figures and yetictl consumer lags alike.",
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
