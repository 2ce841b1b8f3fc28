"""The examples of proxies, run as they are but for addresses and certificates, in front of a real api."""

import os
import re
import shutil
import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from ports import free_port
from running import PASSWORD, ROOT, new_key, service, until

CADDYFILE = ROOT / "deploy/caddy/Caddyfile"
CONSUMERS = ROOT / "docs/how-to/let-consumers-fetch.md"
NGINX = ROOT / "deploy/nginx/yeti-exports.conf"


def program(name: str) -> str:
    """Where a program is; skip where it is not."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not on this machine")
    return found


def replaced(text: str, changes: dict[str, str]) -> str:
    """The text with every change made; each has to be possible."""
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after)
    return text


@contextmanager
def running(
    words: list[str], folder: Path, url: str, shown: ssl.SSLContext | bool = False, path: str = "/healthz"
) -> Iterator[None]:
    """Run a proxy for a block, once api answers through it, to whoever shows that certificate."""
    own = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (
        (folder / "proxy.log").open("w") as log,
        subprocess.Popen(words, cwd=folder, env=os.environ | own, stdout=log, stderr=log) as process,
    ):
        try:

            def answers() -> bool:
                assert None is process.poll(), (folder / "proxy.log").read_text()
                try:
                    return httpx.get(f"{url}{path}", verify=shown, timeout=5).status_code in (200, 401)
                except httpx.HTTPError:
                    return False

            until(answers)
            yield
        finally:
            process.terminate()
            process.wait(20)


def certificate(folder: Path) -> None:
    """Make a certificate that nobody trusts."""
    files = ("-keyout", f"{folder}/privkey.pem", "-out", f"{folder}/fullchain.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test", *files],
        check=True,
        capture_output=True,
    )


def nginx_with(folder: Path, servers: str) -> list[str]:
    """The words that start nginx with these servers."""
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr warn;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}\n{servers}\n}}\n"
    )
    words = [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    done = subprocess.run([*words, "-t"], capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return words


def caddy_with(folder: Path, sites: str) -> list[str]:
    """The words that start Caddy with these sites."""
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + sites)
    return [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@contextmanager
def nginx(folder: Path, api: str) -> Iterator[str]:
    """nginx with the example, on free ports."""
    port, plain = free_port(), free_port()
    certificate(folder)
    changes = {
        "127.0.0.1:8000": api.removeprefix("http://"),
        "/etc/ssl/yeti": str(folder),
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "listen 80": f"listen 127.0.0.1:{plain}",
        "    listen [::]:80;\n": "",
        "    listen [::]:443 ssl http2;\n": "",
    }
    words = nginx_with(folder, replaced(NGINX.read_text(), changes))
    with running(words, folder, f"https://127.0.0.1:{port}"):
        yield f"https://127.0.0.1:{port}"


@contextmanager
def caddy(folder: Path, api: str) -> Iterator[str]:
    """Caddy with the example, without the certificate that it would ask for elsewhere."""
    port = free_port()
    changes = {"yeti.example.org {": f"http://127.0.0.1:{port} {{", "127.0.0.1:8000": api.removeprefix("http://")}
    words = caddy_with(folder, replaced(CADDYFILE.read_text(), changes))
    with running(words, folder, f"http://127.0.0.1:{port}"):
        yield f"http://127.0.0.1:{port}"


PROXIES = {"nginx": nginx, "caddy": caddy}


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_hands_on_what_is_asked_and_by_whom(name: str, home: Path, tmp_path: Path) -> None:
    """The address in the log is that of who asked, not one that was made up; a cookie is for TLS where that was used."""
    new_key(home)
    program(name)
    settings = {"api_trusted_proxies": "127.0.0.1", "log_format": "json"}
    with (
        service(home, "api", **settings) as api,
        PROXIES[name](tmp_path, api.answers()) as url,
        httpx.Client(base_url=url, verify=False, timeout=20) as client,
    ):
        made_up = client.get(
            "/no-such-page", headers={"X-Forwarded-For": "192.0.2.99", "X-Request-ID": "made-up-id"}
        )
        logged_in = client.post("/api/v2/auth/token", data={"username": "somebody", "password": PASSWORD})
        large = client.post("/api/v2/auth/token", data={"username": "x" * (11 << 20), "password": ""})
        until(lambda: "/no-such-page" in api.text)
        (line,) = [line for line in api.said if "/no-such-page" in line]

    assert (404, 200, 413) == (made_up.status_code, logged_in.status_code, large.status_code)
    assert '"address": "127.0.0.1"' in line
    assert "made-up-id" not in line
    assert ("Secure" in logged_in.headers["set-cookie"]) is url.startswith("https")
    assert "max-age=31536000" == made_up.headers["strict-transport-security"]


def test_nginx_keeps_the_figures_to_itself_and_slows_floods_down(home: Path, tmp_path: Path) -> None:
    """The machine itself may read them with a key; what comes too fast to the login is refused before api sees it."""
    key = new_key(home)
    program("nginx")
    text = NGINX.read_text()
    with (
        service(home, "api") as api,
        nginx(tmp_path, api.answers()) as url,
        httpx.Client(base_url=url, verify=False, timeout=20) as client,
    ):
        here = client.get("/metrics", headers={"Authorization": f"Bearer {key}"}).status_code
        statuses = [client.post("/api/v2/auth/api-token").status_code for _ in range(60)]

    assert 200 == here
    assert re.search(r"location = /metrics \{\s+allow 127.0.0.1;\s+deny all;", text)
    assert {401, 429} == set(statuses)


def test_caddy_gives_no_figures(home: Path, tmp_path: Path) -> None:
    """Not even with a key."""
    key = new_key(home)
    program("caddy")
    with service(home, "api") as api, caddy(tmp_path, api.answers()) as url:
        answer = httpx.get(f"{url}/metrics", headers={"Authorization": f"Bearer {key}"})

    assert (404, "") == (answer.status_code, answer.text)


def test_caddy_takes_the_example_as_it_is() -> None:
    """With the name in it, and so the certificate."""
    words = [program("caddy"), "validate", "--adapter", "caddyfile", "--config", str(CADDYFILE)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    assert 0 == done.returncode, done.stderr


def example(language: str, first: str) -> str:
    """The example of the page on consumers that begins so."""
    found = re.search(rf"```{language}\n({re.escape(first)} \{{\n.*?)```", CONSUMERS.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def asking_for_certificates(name: str, folder: Path, api: str, port: int) -> list[str]:
    """The words that start a proxy with the example of the page; whom it trusts is in the folder."""
    own, key = f"{folder}/fullchain.pem", f"{folder}/privkey.pem"
    upstream = {"127.0.0.1:8000": api.removeprefix("http://"), "/etc/ssl/clients-ca.pem": own}
    if name == "nginx":
        files = {"/etc/ssl/lists.pem": own, "/etc/ssl/lists.key": key}
        listen = {"listen 443 ssl": f"listen 127.0.0.1:{port} ssl"}
        return nginx_with(folder, replaced(example("nginx", "server"), upstream | files | listen))
    site = {"lists.example.com {": f"https://localhost:{port} {{", "tls {": f"tls {own} {key} {{"}
    return caddy_with(folder, replaced(example("text", "lists.example.com"), upstream | site))


def showing(folder: Path | None) -> ssl.SSLContext:
    """What a client trusts, which is anybody, and the certificate that it shows, if any."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if folder is not None:
        context.load_cert_chain(folder / "fullchain.pem", folder / "privkey.pem")
    return context


@pytest.mark.parametrize("name", PROXIES)
def test_only_who_shows_a_certificate_comes_through(name: str, home: Path, tmp_path: Path) -> None:
    """One of our CA leads to api, which asks for the token; none, and one of another CA, lead to nothing of it."""
    program(name)
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    certificate(tmp_path)
    certificate(stranger)
    port = free_port()
    url = f"https://localhost:{port}"  # Caddy wants a name where it asks for certificates

    def status(folder: Path | None) -> int | None:
        try:
            return httpx.get(f"{url}/exports/asked-for.txt", verify=showing(folder), timeout=20).status_code
        except httpx.TransportError:
            return None

    with service(home, "api", api_trusted_proxies="127.0.0.1") as api:
        words = asking_for_certificates(name, tmp_path, api.answers(), port)
        with running(words, tmp_path, url, showing(tmp_path), "/exports/x.txt"):
            found = [status(folder) for folder in (tmp_path, None, stranger)]
        api.ends(signal.SIGTERM)  # all that it was asked for is in its log then
    asked = api.text.count("/exports/asked-for.txt")

    refused = 400 if name == "nginx" else None
    assert [401, refused, refused] == found
    assert 1 == asked
