"""Settings: one table, read once at start, each value with the place it came from.

A value is looked for in this order: the environment (``YETI_<SECTION>_<KEY>``, or ``YETI_<SECTION>_<KEY>_FILE``
naming a file that holds it, as containers do with secrets), the configuration file, the default.  An empty
value counts as unset.  The configuration file is the first found of ``$YETI_CONFIG``, ``./yeti.conf``,
``$YETI_HOME/yeti.conf``, ``/etc/yeti/yeti.conf``.
"""

import configparser
import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import unquote

from core.errors import ConfigError
from core.redaction import redact
from core.settings import SETTINGS, Setting

SYSTEM_CONFIG = Path("/etc/yeti/yeti.conf")


_YETIS = frozenset(("auth.algorithm", "auth.enabled", "auth.module"))
"""Keys of a Yeti's own file in sections that are ours too: somebody else's business."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_CLOSE = 0.9  # of 1; YETI_DATABASE_HOST, which is a Yeti's, is 0.8 like YETI_DATABASE_URL

VERSIONS_PATH = "system.versions_path"
VERSIONS_FOLDER = ".yeti-versions"
"""Not ``.versions``: SeaweedFS keeps versions of its own under that name, and leaves it out of lists."""

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
    if values[VERSIONS_PATH].origin == "default" and is_on_server(values["database.url"].text):
        # Hosts share the database, and not a folder of this one.
        place = beside_exports(values["system.export_path"].text)
        values[VERSIONS_PATH] = replace(values[VERSIONS_PATH], text=place)
    return Config(home, home_origin, file, values, (*warnings, *_slips(environ)))


def is_on_server(database_url: str) -> bool:
    """Say whether that database is one that several hosts may share."""
    return database_url.startswith(("postgresql://", "postgres://"))


def beside_exports(export_path: str) -> str:
    """Return where versions are kept below a storage that exports are published to; empty if that is no place for them.

    A folder is of one host, and of several places (``tee://``) none is the place.
    """
    if "://" not in export_path or export_path.startswith("tee://"):
        return ""
    place, mark, options = export_path.partition("?")
    return f"{place.rstrip('/')}/{VERSIONS_FOLDER}{mark}{options}"


def _default(setting: Setting, home: Path) -> str:
    return setting.default.replace("{home}", _in_url(home) if setting.kind == "url" else str(home))


def _home(environ: Mapping[str, str], folder: Path, user_data: Path) -> tuple[Path, str]:
    if text := environ.get("YETI_HOME"):
        return _absolute(text, folder), "environment YETI_HOME"
    return user_data, "default"


def _config_file(environ: Mapping[str, str], folder: Path, home: Path) -> Path | None:
    if text := environ.get("YETI_CONFIG"):
        path = _absolute(text, folder)
        if not _is_file(path):
            raise ConfigError(f"YETI_CONFIG names {path}, which is not a file")
        return path
    # The working folder may be somebody else's by chance (sudo -u yeti, typed in /root); the others are meant.
    by_chance = folder / "yeti.conf"
    if os.access(folder, os.X_OK) and _is_file(by_chance):
        return by_chance
    return next(filter(_is_file, (home / "yeti.conf", SYSTEM_CONFIG)), None)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:
        raise ConfigError(
            f"{path} may not be read by this user; be the user of the services, or let YETI_CONFIG name another file"
        ) from None


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
    if is_on_server(text):
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
