"""Notices by mail: a real server, with STARTTLS, with TLS, and without."""

import smtplib
import socket
from contextlib import closing
from pathlib import Path

import pytest
from notices_of_tests import PLAIN, notice
from ports import free_port
from receivers import mail_server

from core.config import load
from core.errors import ConfigError, NotTold
from core.notices.channels import channels_of, mail
from core.notices.texts import one_line

# The server with TLS from the start does not know that it has it.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")


@pytest.fixture
def mailing(tmp_path):
    """The channel that some settings make: ``mailing(port=25, tls="none")``."""

    def make(**changes):
        given = {"host": "127.0.0.1", "tls": "none", "from": "Yeti <yeti@example.org>", "to": "ann@example.org"}
        environ = {f"YETI_NOTIFY_SMTP_{key.upper()}": str(text) for key, text in (given | changes).items()}
        environ |= {"YETI_HOME": str(tmp_path), "YETI_NOTIFY_INSTALLATION": "here"}
        (found,) = channels_of(load(environ, tmp_path, Path(tmp_path)))
        return found

    return make


def test_what_is_sent(mailing):
    """Subject, text, and headers that say that a machine wrote it, and which notice it is."""
    with mail_server() as box:
        mailing(port=box.port, to="ann@example.org, Bob <bob@example.org>").tell(notice(follows="4e9b"))

    ((sender, receivers, mail),) = box.mails
    assert ("yeti@example.org", ["ann@example.org", "bob@example.org"]) == (sender, receivers)
    assert "[Yeti Exports, here] x is held" == mail["Subject"]
    assert "Yeti <yeti@example.org>" == mail["From"]
    assert "auto-generated" == mail["Auto-Submitted"]
    assert ("<5f0c@example.org>", "<4e9b@example.org>") == (mail["Message-ID"], mail["In-Reply-To"])
    assert "Mon, 21 Sep 2026 14:13:25 +0000" == mail["Date"]
    expected = "The list x is held.\n\nWhat to do:\n- yetictl export release x --reason TEXT\n"
    assert expected == mail.get_content().replace("\r\n", "\n")


def test_names_cannot_make_headers(mailing):
    """Line breaks and letters of other scripts in a name stay in the subject."""
    name = "x\r\nBcc: eve@example.org\n\nü 💥 \u2028"
    with mail_server() as box:
        mailing(port=box.port).tell(notice(title=one_line(f"{name} is held"), message=one_line(name)))

    ((_, receivers, mail),) = box.mails
    assert ["ann@example.org"] == receivers
    assert None is mail["Bcc"]
    assert mail["Subject"].endswith("ü 💥 \N{REPLACEMENT CHARACTER} is held")
    assert 1 == len(mail["Subject"].splitlines())


def test_a_title_that_was_not_cleaned_is_refused_whole(mailing):
    """The last line of defence: nothing is sent."""
    with mail_server() as box, pytest.raises(ValueError):
        mailing(port=box.port).tell(notice(title="x\r\nBcc: eve@example.org"))

    assert [] == box.mails


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_certificates_are_checked(mailing, certificate, monkeypatch, tls):
    """One that nobody vouches for is refused before a password is sent; ``SSL_CERT_FILE`` says who may."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with mail_server(certificate, tls, ("ann", "s3cret")) as box:
        made = mailing(port=box.port, tls=tls, user="ann", password="s3cret")
        with pytest.raises(NotTold, match=r"its certificate is not trusted .*SSL_CERT_FILE"):
            made.tell(PLAIN)
        assert [] == box.mails

        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        made.tell(PLAIN)
        assert 1 == len(box.mails)


def test_a_server_without_starttls_gets_nothing(mailing):
    """Somebody in between may have taken it away."""
    with mail_server() as box:
        with pytest.raises(NotTold, match=r"STARTTLS extension not supported.*notify\.smtp_tls"):
            mailing(port=box.port, tls="starttls", user="ann", password="s3cret").tell(PLAIN)
        assert [] == box.mails


def test_a_wrong_password(mailing, certificate, monkeypatch):
    """It is said, and not shown; others wait, since they would be refused, too."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(certificate, "starttls", ("ann", "s3cret")) as box:
        made = mailing(port=box.port, tls="starttls", user="ann", password="wr0ng")
        with pytest.raises(NotTold) as caught:
            made.tell(PLAIN)

    assert f"the mail server 127.0.0.1:{box.port} refused user and password (535)" == str(caught.value)
    assert not caught.value.is_refusal
    assert "wr0ng" not in repr(made)


def test_a_server_that_hangs_up_at_a_wrong_password(mailing, certificate, monkeypatch):
    """Many do in place of an answer."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(certificate, "starttls", ("ann", "s3cret")) as box:
        box.on_wrong_password = lambda server: server.transport.abort()
        with pytest.raises(NotTold, match=r"refused user and password \(535\)$"):
            mailing(port=box.port, tls="starttls", user="ann", password="wr0ng").tell(PLAIN)


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_server_that_does_not_answer_to_a_password_refused_none(mailing, certificate, monkeypatch, tls):
    """It is slow, and the password may be right."""
    login = smtplib.SMTP.login

    def impatient(server, *given):
        server.sock.settimeout(0.3)
        return login(server, *given)

    monkeypatch.setattr(smtplib.SMTP, "login", impatient)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(certificate, tls, ("ann", "s3cret")) as box:
        box.on_wrong_password = lambda server: None
        with pytest.raises(NotTold, match=r"gave no answer within \d+ s$") as caught:
            mailing(port=box.port, tls=tls, user="ann", password="wr0ng").tell(PLAIN)

    assert not caught.value.is_refusal


@pytest.mark.parametrize(("answer", "is_refusal"), [("554 too odd", True), ("451 later", False)])
def test_a_server_that_says_no(mailing, answer, is_refusal):
    """For good, or for now."""
    with mail_server() as box:
        box.answers.append(answer)
        with pytest.raises(NotTold, match=f"answered {answer}") as caught:
            mailing(port=box.port).tell(PLAIN)

    assert is_refusal == caught.value.is_refusal


def test_some_receivers_are_refused(mailing, caplog):
    """The others have it, so it is told; who has not is a warning.  All of them are a failure."""
    with mail_server() as box:
        box.refused = {"bob@example.org"}
        mailing(port=box.port, to="ann@example.org,bob@example.org").tell(PLAIN)
        assert [["ann@example.org"]] == [receivers for _, receivers, _ in box.mails]
        assert "bob@example.org" == caplog.records[-1].receivers

        with pytest.raises(NotTold, match=r"refused all receivers \(550\)"):
            mailing(port=box.port, to="bob@example.org").tell(PLAIN)


def test_a_server_that_is_not_there(mailing, monkeypatch):
    """Nobody listens; or somebody does and says nothing."""
    with pytest.raises(NotTold, match="was not reached: Connection refused"):
        mailing(port=free_port()).tell(PLAIN)

    monkeypatch.setattr(mail, "TIMEOUT_S", 0.3)
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as server,
        pytest.raises(NotTold, match=r"gave no answer within 0\.3 s$"),
    ):
        mailing(port=server.getsockname()[1]).tell(PLAIN)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"from": ""}, r"mails need notify\.smtp_from"),
        ({"to": ""}, r"mails need notify\.smtp_to"),
        ({"to": "ann"}, r"notify\.smtp_to must be addresses"),
        ({"to": "ann@bücher.example"}, "in ASCII"),
        ({"from": "a@example.org, b@example.org"}, "must be one address"),
        ({"user": "ann"}, "would be sent in the clear"),
        ({"password": "x"}, r"of no use without notify\.smtp_user"),
        ({"host": ""}, r"notify\.smtp_to gets nothing without notify\.smtp_host"),
    ],
)
def test_settings_that_cannot_work(mailing, changes, message):
    """Found out at the start, and said with the setting's name."""
    with pytest.raises(ConfigError, match=message):
        mailing(**changes)


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_goes_with_the_protection(mailing, tls, port):
    """Unless it is set."""
    assert port == mailing(tls=tls).port
    assert 2525 == mailing(tls=tls, port=2525).port
