"""The page "Let consumers fetch": each of its commands is typed, against a service on a port that is free."""

import re
import shutil
import subprocess
from pathlib import Path

import certifi
import pytest
from page_shell import PageShell, lines_of, page_text
from ports import free_port

PAGE = page_text("let-consumers-fetch")
END = "-----END CERTIFICATE-----\n"
FEED = "value,type,tags\n8.8.4.1,ip,c2\n8.8.4.2,ip,c2\n"

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What each line of the page printed, in order; the port is one that is free."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "feed.csv").write_text(FEED)
    port = free_port()
    run = PageShell(folder)
    run._environ |= {"YETI_API_PORT": str(port)}
    found = []
    try:
        for line in lines_of(PAGE):
            found.append((line, run(line.replace(":8000/", f":{port}/"))))
        found.append(("list.txt", (folder / "list.txt").read_text()))
    finally:
        subprocess.run(["bash", "-c", "kill $(cat api.pid) 2>/dev/null"], cwd=folder, check=False)
    return found


def of(said, part):
    """What the first line with that in it printed."""
    return next(text for line, text in said if part in line)


def test_a_consumer_fetches(said):
    """With Basic first, then it has the file already, with Bearer."""
    assert "8.8.4.1\n8.8.4.2\n" == said[-1][1]
    assert "304\n" == of(said, "--etag-compare")


def test_tokens_are_exchanged(said):
    """The new one works before the old one is revoked, and the old one no more after."""
    assert "1 token left" in of(said, "consumer revoke")
    assert "401\n" == of(said, "sleep 1; curl -s -o /dev/null")


def test_open_lists_take_no_token(said):
    """From the networks that are allowed."""
    assert "200\n" == of(said, "sleep 1; curl -s --fail")


def test_it_is_seen_who_has_what(said):
    """The consumer has the version that is published."""
    (row,) = [line for line in of(said, "consumer lags").splitlines() if line.startswith("firewall-1")]

    assert ["firewall-1", "c2-addresses", "1", "1"] == row.split()[:4]
    assert row.endswith("current")


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_takes_its_part_of_the_page(tmp_path):
    """As far as it can be checked without certificates."""
    (server,) = re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
    server = re.sub(r"(?m)^\s*ssl_.*\n|\s+ssl(?=;)", "", server).replace("listen 443", "listen 127.0.0.1:18443")
    config = tmp_path / "nginx.conf"
    config.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{server}}}\n")
    done = subprocess.run(
        ["nginx", "-t", "-q", "-e", f"{tmp_path}/error.log", "-c", config], capture_output=True, check=False
    )

    assert b"" == done.stderr
    assert 0 == done.returncode


@pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not installed")
def test_caddy_takes_its_part_of_the_page(tmp_path):
    """With a certificate that there is."""
    (site,) = [text for text in re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL) if "reverse_proxy" in text]
    (tmp_path / "ca.pem").write_text(
        Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----")[0] + END
    )
    (tmp_path / "Caddyfile").write_text(site.replace("/etc/ssl/clients-ca.pem", str(tmp_path / "ca.pem")))
    done = subprocess.run(
        ["caddy", "adapt", "--config", tmp_path / "Caddyfile", "--adapter", "caddyfile"],
        capture_output=True,
        env={"HOME": str(tmp_path)},
        check=False,
    )

    assert 0 == done.returncode, done.stderr
    assert b"require_and_verify" in done.stdout
