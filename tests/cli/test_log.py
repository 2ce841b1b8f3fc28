"""Log lines: one event, its fields, no secret."""

import io
import json
import logging
import time

import pytest

from core import log
from core.redaction import redact


@pytest.fixture
def stream():
    """A stream that log lines go to; logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "text", ["a:/b:", "a:/b:@", "a:/b@", "a%3A%2Fb%3A%40", "?a", "a.b-c", "https%3A%2F%2Fa%3A"]
)
def test_a_long_text_is_looked_through_once(text):
    """Twice the text takes about twice as long, not four times: errors may hold what a stranger sent."""
    times = []
    for number in (20_000, 80_000):
        began = time.process_time()
        redact(text * number + "=@%40")
        times.append(time.process_time() - began)

    assert times[1] < 10 * times[0] + 0.05, "four times the text"


def test_line_has_event_and_fields(stream):
    """A line is level, event and fields; a field with blanks is quoted so that it stays one field."""
    log.set_up("info", "text", stream)

    logging.getLogger("core.x").info("export published", extra={"export": "c2 list", "size_bytes": 7})

    assert stream.getvalue().endswith("info    export published  export='c2 list'  size_bytes=7\n")


def test_line_break_in_a_field_makes_no_second_line(stream):
    """What came from outside cannot forge a log line."""
    log.set_up("info", "text", stream)

    logging.getLogger("core.x").warning("name refused", extra={"file": "a\n12:00:00 info forged"})

    assert 1 == stream.getvalue().count("\n")


def test_json_line_is_an_object(stream):
    """For machines each line is one JSON object."""
    log.set_up("info", "json", stream)

    logging.getLogger("core.x").error("run failed", extra={"export": "ü"})

    entry = json.loads(stream.getvalue())
    assert ("error", "run failed", "ü", "core.x") == (
        entry["level"],
        entry["event"],
        entry["export"],
        entry["logger"],
    )


@pytest.mark.parametrize("form", ["text", "json"])
def test_password_in_a_field_is_masked(stream, form):
    """A URL with a password in it is printed without, whoever logged it."""
    log.set_up("info", form, stream)

    logging.getLogger("core.x").info("connected", extra={"url": "sftp://anna:geheim@host/x"})

    assert "geheim" not in stream.getvalue()
    assert "sftp://anna:***@host/x" in stream.getvalue()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("https://u:p@h/x?a=b@c", "https://u:***@h/x?a=b@c"),
        ("foo://u:pa/ss@h/x", "foo://u:***@h/x"),
        ("postgresql://u:p@ss@w0rd@db.example.org/x", "postgresql://u:***@db.example.org/x"),
        ("postgresql://u:p@ss/w@rd@h:5432/x?a=b@c", "postgresql://u:***@h:5432/x?a=b@c"),
        ("https://to@ken@h/a@b and sftp://me@corp@h/x", "https://***@h/a@b and sftp://me@corp@h/x"),
        ("foo://u:p@q@h/x,ftp://v:r@s@i/y me@h", "foo://u:***@h/x,ftp://v:***@i/y me@h"),
        ("/x?to=foo%3A%2F%2Fu%3Ap%40q%2Fr%40h&m=a%40b", "/x?to=foo%3A%2F%2Fu%3A***%40h&m=a%40b"),
        ("/x?to=http%3A%2F%2Fto%40ken%40h%2Fa%40b", "/x?to=http%3A%2F%2F***%40h%2Fa%40b"),
        ("see sftp://u@h/x and ftp://:p@h", "see sftp://u@h/x and ftp://:***@h"),
        ("https://ghp_a1b2@h/x and https://h/x@y", "https://***@h/x and https://h/x@y"),
        ("https://anna%40corp:p%40q@h", "https://anna%40corp:***@h"),
        ("foo%3A//u:p@h/x and foo%3a//u@h", "foo%3A//u:***@h/x and foo%3a//u@h"),
        ("/x?to=https%3A%2F%2Fu%3Ap%40h%2Fx", "/x?to=https%3A%2F%2Fu%3A***%40h%2Fx"),
        ("/x?to=https%3A%2F%2Fh%2Fa%40b&m=a%40b.c", "/x?to=https%3A%2F%2Fh%2Fa%40b&m=a%40b.c"),
        ("s3://bucket@x/2026@y and s3://bucket/a=b@c", "s3://bucket@x/2026@y and s3://bucket/a=b@c"),
        ("/srv/ftp:/u:p@h/x.txt", "/srv/ftp:/u:***@h/x.txt"),
        ("someone@example.org", "someone@example.org"),
        ("https://h/x?se=2026&sig=a%2Fb&sp=r", "https://h/x?se=2026&sig=***&sp=r"),
        ("https://h/x?X-Amz-Signature=ab12", "https://h/x?X-Amz-Signature=***"),
        ("'dav://h/x?API_KEY=ab12'; next", "'dav://h/x?API_KEY=***'; next"),
        ("https://h/x?design=1&page=2 key=3", "https://h/x?design=1&page=2 key=3"),
        ("AccountKey=ab12==;EndpointSuffix=x", "AccountKey=***;EndpointSuffix=x"),
        ("bad 'AccountKey=ab12' aws_secret_access_key=ab12", "bad 'AccountKey=***' aws_secret_access_key=***"),
        ("password='ab12' took_s=3 tag:team=intel", "password='***' took_s=3 tag:team=intel"),
    ],
)
def test_only_passwords_are_masked(text, shown):
    """Redaction takes passwords, keys and signatures of URLs and nothing else."""
    assert shown == log.redact(text)
