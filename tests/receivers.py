"""Those who are told, on 127.0.0.1: a web server, and mail servers with and without TLS."""

import hashlib
import hmac
import json
import socket
import ssl
import threading
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from ports import free_port


class Posted:
    """One request: its headers, its body, and the object in it."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def is_signed_by(self, secret):
        """Whether the signature is that of somebody who has the secret, as the how-to says."""
        signed = self.headers["X-Yeti-Timestamp"].encode() + b"." + self.body
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(f"sha256={expected}", self.headers["X-Yeti-Signature"])


class Hooks:
    """A web server that takes what is posted.

    ``statuses`` are answered first, then 204; ``on_post`` is called before an answer is given.
    """

    def __init__(self):
        self.posted, self.statuses, self.headers = [], [], {}
        self.on_post = lambda posted: None
        hooks = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posted = Posted(self.path, self.headers, body)
                hooks.posted.append(posted)
                hooks.on_post(posted)
                self.send_response(hooks.statuses.pop(0) if hooks.statuses else 204)
                for name, value in hooks.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def told(self):
        """What was posted, as (kind, subject, state)."""
        return [(item["kind"], item["subject"], item["state"]) for item in (each.json for each in self.posted)]


@contextmanager
def hooks(certificate=None):
    """A web server that is running; with a *certificate*, a file that also holds its key, it speaks https."""
    made = Hooks()
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        made.server.socket = context.wrap_socket(made.server.socket, server_side=True)
        made.url = made.url.replace("http:", "https:")
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()


class MailBox:
    """What a mail server took; ``answers`` are given instead of taking it.

    ``on_wrong_password`` is called with the server in place of an answer to one.
    """

    def __init__(self):
        self.mails, self.answers, self.port = [], [], 0
        self.refused = set()
        self.on_wrong_password = None

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answers:
            return self.answers.pop(0)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append((envelope.mail_from, list(envelope.rcpt_tos), mail))
        return "250 OK"


PATIENCE_S = 30
"""So long a mail server may take to begin: it is a thread of this process, and the machine may be busy."""


class _Plain(Controller):
    """No TLS at the start; what tries whether the server is there would wait for a second only."""

    def _trigger_server(self):
        with socket.create_connection((self.hostname, self.port), PATIENCE_S) as connection:
            connection.recv(1024)


class _Tls(Controller):
    """TLS from the start; what tries whether the server is there has to speak it, too."""

    def _trigger_server(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection((self.hostname, self.port), PATIENCE_S) as plain,
            context.wrap_socket(plain) as connection,
        ):
            connection.recv(1024)


@contextmanager
def mail_server(certificate=None, tls="none", user=None):
    """A mail server that is running; *user* is name and password, without which nobody is let in."""
    box = MailBox()
    # It would ask the name server for a name of its own.
    options = {"hostname": "127.0.0.1", "port": 0, "server_hostname": "localhost", "ready_timeout": PATIENCE_S}
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def authenticator(server, session, envelope, mechanism, data):
        if (data.login.decode(), data.password.decode()) == user:
            return AuthResult(success=True)
        if box.on_wrong_password is None:
            return AuthResult(success=False, handled=False)
        box.on_wrong_password(server)
        return AuthResult(success=False, handled=True)

    if user:
        options |= {"authenticator": authenticator, "auth_required": True, "auth_require_tls": tls == "starttls"}
    if tls == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    controller = _Tls(box, ssl_context=context, **options) if tls == "tls" else _Plain(box, **options)
    controller.port = free_port()
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()
