"""Settings: where each comes from, and what happens to a wrong one."""

import os
from pathlib import Path

import pytest
from unprivileged import as_nobody, folder_of_nobody

from core.config import load
from core.errors import ConfigError
from core.settings import SETTINGS
from core.store import open_store


@pytest.fixture
def place(tmp_path):
    """A working folder and a home folder, both empty."""
    folder, home = tmp_path / "folder", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    return folder, home


def settings(place, **environ):
    folder, home = place
    return load(environ, folder, home)


def test_everything_has_a_default_in_the_home_folder(place):
    """Without any setting, everything embedded is in the user's data folder."""
    config = settings(place)

    assert str(place[1] / "exports") == config["system.export_path"]
    assert f"sqlite:///{place[1]}/yeti.db" == config["database.url"]
    assert {"default"} == {value.origin for value in config.values.values()}


def test_home_moves_every_default(place, tmp_path):
    """``YETI_HOME`` is the folder for everything embedded."""
    config = settings(place, YETI_HOME=str(tmp_path / "elsewhere"))

    assert str(tmp_path / "elsewhere" / "exports") == config["system.export_path"]
    assert "environment YETI_HOME" == config.home_origin


def test_environment_beats_file_beats_default(place):
    """The environment overrides the file, the file overrides the default."""
    (place[0] / "yeti.conf").write_text("[system]\nexport_path = /from/file\n[log]\nlevel = error\n")

    config = settings(place, YETI_SYSTEM_EXPORT_PATH="s3://bucket/from/environment")

    assert "s3://bucket/from/environment" == config["system.export_path"]
    assert "error" == config["log.level"]
    assert f"file {place[0] / 'yeti.conf'}" == config.values["log.level"].origin
    assert "default" == config.values["log.format"].origin


def test_empty_value_counts_as_unset(place):
    """An empty variable, as Compose passes for an unset one, is no value; nor is an empty line of the file."""
    (place[0] / "yeti.conf").write_text("[system]\nexport_path =\n")

    config = settings(place, YETI_SYSTEM_EXPORT_PATH="", YETI_HOME="", YETI_CONFIG="", YETI_LOG_LEVEL_FILE="")

    assert str(place[1] / "exports") == config["system.export_path"]


@pytest.mark.parametrize("order", [["folder", "home"], ["home"]])
def test_first_file_found_is_read(place, order):
    """``./yeti.conf`` comes before ``$YETI_HOME/yeti.conf``; the second is not read at all."""
    places = dict(zip(("folder", "home"), place, strict=True))
    for name in order:
        (places[name] / "yeti.conf").write_text(f"[system]\nexport_path = /from/{name}\n")

    assert f"/from/{order[0]}" == settings(place)["system.export_path"]


def test_named_file_is_the_only_one(place, tmp_path):
    """``YETI_CONFIG`` names the file; no other is looked at."""
    (place[0] / "yeti.conf").write_text("[system]\nexport_path = /from/folder\n")
    (tmp_path / "mine.conf").write_text("[log]\nlevel = info\n")

    config = settings(place, YETI_CONFIG=str(tmp_path / "mine.conf"))

    assert (tmp_path / "mine.conf", "info") == (config.file, config["log.level"])
    assert str(place[1] / "exports") == config["system.export_path"]


def test_named_file_that_is_missing_is_an_error(place):
    """A ``YETI_CONFIG`` that names nothing is said, not passed over."""
    with pytest.raises(ConfigError, match=r"YETI_CONFIG names .*nowhere\.conf, which is not a file"):
        settings(place, YETI_CONFIG="nowhere.conf")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_can_come_from_a_file_of_its_own(place, setting):
    """``YETI_…_FILE`` names a file with the value, as containers do with secrets."""
    texts = {"word": setting.choices[-1:] and setting.choices[-1], "whole": "7", "url": "sqlite:////srv/y.db"}
    texts["networks"] = "10.0.0.0/8, 2001:db8::1"
    texts["words"] = ",".join(setting.choices[:2])
    text = texts.get(setting.kind, "/srv/place")
    (place[0] / "value").write_text(f"{text}\n")

    config = settings(place, **{setting.variable + "_FILE": "value"})

    assert text == config[setting.name]
    assert f"file of {setting.variable}_FILE" == config.values[setting.name].origin


def test_variable_and_its_file_exclude_each_other(place):
    """Setting both is refused: one of them would silently lose."""
    with pytest.raises(ConfigError, match="both YETI_LOG_LEVEL and YETI_LOG_LEVEL_FILE are set"):
        settings(place, YETI_LOG_LEVEL="info", YETI_LOG_LEVEL_FILE="x")


@pytest.mark.parametrize("content", [None, ""], ids=["missing", "empty"])
def test_value_file_must_hold_something(place, content):
    """A secret's file that is missing or empty is an error that names the variable."""
    if content is not None:
        (place[0] / "value").write_text(content)

    with pytest.raises(ConfigError, match=r"YETI_DATABASE_URL_FILE names .*value, which"):
        settings(place, YETI_DATABASE_URL_FILE="value")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("tag.default_tag_expiration", "soon", "must be a whole number, not 'soon'"),
        ("tag.default_tag_expiration", "-1", "must be a whole number"),
        ("tag.default_tag_expiration", "400000", "must be 365000 at most, not 400000"),
        ("versions.keep_last", "0", "must be 1 at least, not 0"),
        ("publish.signing_key", "s3://u:geheim@bucket/x", "must be a file of this machine"),
        ("system.plugins_path", "s3://u:geheim@bucket/x", "must be a folder of this machine"),
        ("system.export_path", "/x\n/y", "holds a line break"),
        ("log.level", "loud", "must be one of debug, info, warning, error, not 'loud'"),
        ("api.trusted_proxies", "proxy.example", "must be addresses and networks with commas between them"),
        ("api.trusted_proxies", "10.0.0.1/8", "must be addresses and networks with commas between them"),
        ("notify.kinds", "held,late", "may hold held, released, failed, overdue, stale-consumer, expiring-token"),
        ("notify.kinds", " , ", "holds no word"),
        ("database.url", "mysql://u:geheim@host/db", "this version knows sqlite:///"),
        ("database.url", "sqlite:///:memory:", "this version knows sqlite:///"),
        ("database.url", "sqlite:////var/yeti.db?mode=ro", "there are no options behind ?"),
    ],
)
def test_wrong_value_names_setting_and_origin(place, name, text, reason):
    """A value that is not of its kind is refused with the setting's name and where it came from."""
    variable = "YETI_" + name.replace(".", "_").upper()

    with pytest.raises(ConfigError) as caught:
        settings(place, **{variable: text})

    assert f"{name} (environment {variable})" in str(caught.value)
    assert reason in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_database_is_in_the_home_folder_whatever_that_is_called(tmp_path):
    """What means something in a URL means nothing in the name of a folder."""
    home = tmp_path / "a b?c#d%20ü"
    url = load({"YETI_HOME": str(home)}, tmp_path, tmp_path)["database.url"]

    with open_store(url) as store:
        assert home / "yeti.db" == store.database.path
    assert (home / "yeti.db").is_file()


def test_folder_whose_name_is_no_text_is_used(tmp_path):
    """The system's names are bytes; what of one is no UTF-8 goes through unharmed."""
    home = tmp_path / os.fsdecode(b"\xff")

    assert str(home / "exports") == load({"YETI_HOME": str(home)}, tmp_path, tmp_path)["system.export_path"]


def test_escaped_characters_of_a_database_url_are_those_they_stand_for(place, tmp_path):
    """A URL may be written with escapes, and means one file wherever it is read."""
    url = settings(place, YETI_DATABASE_URL="sqlite:///my%20data%3F/100%25.db")["database.url"]

    with open_store(url) as store:
        assert place[0] / "my data?" / "100%.db" == store.database.path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[system]\nexport_path = a\nexport_path = b\n", "line 3: system.export_path stands there twice"),
        ("[system]\nexport_path = a\n[log]\n[system]\n", r"line 4: the section \[system\] stands there twice"),
    ],
)
def test_what_stands_twice_in_a_file_is_said(place, text, reason):
    """Which of two lines was meant is not guessed."""
    (place[0] / "yeti.conf").write_text(text)

    with pytest.raises(ConfigError, match=reason):
        settings(place)


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            "[System]\nexport_path = x\n",
            "System.export_path is not a setting of this program; did you mean system.export_path?",
        ),
        (
            "[sytem]\nexport_path = x\n",
            "sytem.export_path is not a setting of this program; did you mean system.export_path?",
        ),
        (
            '[system]\nexport_path = "x"\n',
            "the quotes around system.export_path are part of its value; leave them out",
        ),
        ("[system]\nexport_path = x ; ours\n", "what follows ; or # in system.export_path is part of its value"),
    ],
)
def test_line_that_is_probably_not_meant_so_is_said(place, text, warning):
    """A slip in a section, quotes and comments behind a value would otherwise publish to another place in silence."""
    (place[0] / "yeti.conf").write_text(text)

    (said,) = settings(place).warnings

    assert warning in said


def test_slip_in_a_variable_is_said(place):
    """A variable that is all but a setting's is told; those of a Yeti are somebody else's business."""
    config = settings(
        place, YETI_SYSTEM_EXPORT_PAHT="/x", YETI_DATABASE_HOST="db", YETI_DOCKER_ENVFILE="x", YETI_TEST="1"
    )

    assert (
        "the variable YETI_SYSTEM_EXPORT_PAHT is not a setting of this program; "
        "did you mean YETI_SYSTEM_EXPORT_PATH?",
    ) == config.warnings


@pytest.mark.parametrize("text", ["export_path = /x\n", "[system\nexport_path=/x\n", "[system]\npassword\n"])
def test_broken_file_is_an_error_without_its_lines(place, text):
    """A file that is not INI is refused by name and line, without quoting what may be a password."""
    (place[0] / "yeti.conf").write_text(text)

    with pytest.raises(ConfigError, match=r"yeti\.conf.*: not of the form") as caught:
        settings(place)

    assert "password" not in str(caught.value)


def test_file_that_is_not_text_is_an_error(place):
    """A binary file is refused, not guessed at."""
    (place[0] / "yeti.conf").write_bytes(b"\xff\xfe\x00[")

    with pytest.raises(ConfigError, match="cannot be read: not UTF-8 text"):
        settings(place)


def test_unknown_key_is_said_with_the_nearest_known_one(place):
    """A slip in a key is told; sections of a Yeti's own file are somebody else's business."""
    (place[0] / "yeti.conf").write_text("[system]\nexport_pat = /x\n[redis]\nhost = redis\n")

    (warning,) = settings(place).warnings

    assert "system.export_pat is not a setting of this program; did you mean system.export_path?" in warning


def test_percent_signs_are_just_characters(place):
    """No interpolation: what stands in the file is the value."""
    (place[0] / "yeti.conf").write_text("[system]\nexport_path = /srv/100%/%(home)s\n")

    assert "/srv/100%/%(home)s" == settings(place)["system.export_path"]


def test_relative_folder_in_a_file_starts_at_that_file(place):
    """A relative path means the same wherever the program is started; in the environment it starts there."""
    (place[1] / "yeti.conf").write_text("[system]\nexport_path = lists\n")

    assert str(place[1] / "lists") == settings(place)["system.export_path"]
    assert str(place[0] / "lists") == settings(place, YETI_SYSTEM_EXPORT_PATH="lists")["system.export_path"]


def test_tilde_is_the_home_folder(place, monkeypatch):
    """``~/lists`` is in the user's home folder, not in one named ``~``."""
    monkeypatch.setenv("HOME", "/home/somebody")

    assert "/home/somebody/lists" == settings(place, YETI_SYSTEM_EXPORT_PATH="~/lists")["system.export_path"]


def test_password_of_a_url_is_never_shown(place):
    """What is shown of a value has no password in it, wherever a URL stands."""
    config = settings(place, YETI_SYSTEM_EXPORT_PATH="webdav://anna:geheim@host/lists")

    assert "webdav://anna:***@host/lists" == config.values["system.export_path"].shown
    assert "webdav://anna:geheim@host/lists" == config["system.export_path"]


def test_a_secret_is_never_shown(place):
    """Of a password it is said that there is one."""
    config = settings(place, YETI_PUBLISH_SIGNING_KEY_PASSWORD="geheim")

    assert "***" == config.values["publish.signing_key_password"].shown
    assert "geheim" == config["publish.signing_key_password"]
    assert "" == settings(place).values["publish.signing_key_password"].shown


def test_a_file_may_be_none_by_default(place):
    """Nothing is signed unless a key is named; a relative name starts at the working folder."""
    assert "" == settings(place)["publish.signing_key"]
    assert str(place[0] / "my.key") == settings(place, YETI_PUBLISH_SIGNING_KEY="my.key")["publish.signing_key"]


def test_networks_are_addresses_and_networks(place):
    """With commas, spaces or both between them; none by default."""
    config = settings(place, YETI_API_TRUSTED_PROXIES="10.0.0.0/8, 192.0.2.1 ,2001:db8::/32")

    assert ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"] == [*map(str, config.networks("api.trusted_proxies"))]
    assert () == settings(place).networks("api.trusted_proxies")


def test_sample_file_holds_every_setting_and_changes_nothing(place):
    """``yeti.conf.sample`` copied as it is means the defaults; every setting is in it."""
    sample = Path(__file__).parents[2] / "yeti.conf.sample"
    (place[0] / "yeti.conf").write_text(sample.read_text())

    config = settings(place)

    assert {"default"} == {value.origin for value in config.values.values()}
    assert [] == [
        setting.name for setting in SETTINGS if f"# {setting.name.split('.')[1]} = " not in sample.read_text()
    ]


def test_a_working_folder_of_somebody_else_has_no_settings():
    """``sudo -u yeti yetictl …`` is typed in a folder of root's, which that user may not look into."""
    with folder_of_nobody() as home:
        (home / "yeti.conf").write_text("[log]\nlevel = debug\n")
        closed = home / "closed"
        closed.mkdir()
        closed.chmod(0)

        def check():
            config = load({"YETI_HOME": str(home)}, closed, home)
            assert (home / "yeti.conf", "debug") == (config.file, config["log.level"])

        as_nobody(check)


@pytest.mark.parametrize("variable", ["YETI_HOME", "YETI_CONFIG"])
def test_settings_that_may_not_be_read_are_no_defaults(variable):
    """Whoever may not look where they are is told so, and does not get a store of his own without a word."""
    with folder_of_nobody() as folder:
        closed = folder / "closed"
        closed.mkdir()
        closed.chmod(0)
        value = closed if variable == "YETI_HOME" else closed / "yeti.conf"

        def check():
            with pytest.raises(ConfigError, match=r"/yeti\.conf may not be read by this user; be the user of"):
                load({variable: str(value)}, folder, folder)

        as_nobody(check)
