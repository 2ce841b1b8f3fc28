"""A WebDAV server that answers what a test says: for what no real one does on demand."""

import http.server
import threading
from contextlib import contextmanager


def multistatus(path, size, *, etag="a", others=()):
    """Return the answer to PROPFIND about what stands at *path*, and about *others* that are in it.

    Without a *size* no length is told, nor of the others.
    """
    length = "" if size is None else f"<getcontentlength>{size}</getcontentlength>"
    folder = "<resourcetype><collection/></resourcetype>"
    date = "<getlastmodified>Mon, 01 Jan 2024 00:00:00 GMT</getlastmodified>"
    properties = f'{length}<getetag>"{etag}"</getetag>{date}'
    found = [_response(path, folder if path.endswith("/") else properties)]
    found += [_response(href, properties) for href in others]
    return f'<?xml version="1.0"?><multistatus xmlns="DAV:">{"".join(found)}</multistatus>'.encode()


def _response(href, properties):
    status = "<status>HTTP/1.1 200 OK</status>"
    return f"<response><href>{href}</href><propstat><prop>{properties}</prop>{status}</propstat></response>"


@contextmanager
def answering(answer):
    """Run a server that answers what *answer* says: status, headers, body; if that is None, it breaks the connection.

    ``server.asked`` holds the methods of all requests.
    """
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.answer, server.asked, server.port = answer, [], server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.reply
        raise AttributeError(name)

    def reply(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(self.command)
        self.close_connection = True
        if (said := self.server.answer(self)) is None:
            return
        status, headers, body = said
        self.send_response_only(status)
        if "Transfer-Encoding" in headers:
            body = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        else:
            headers = {"Content-Length": str(len(body)), **headers}
        # Said, since a client that is not told would sometimes send its next request into the closing connection.
        headers = {"Connection": "close", **headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass
