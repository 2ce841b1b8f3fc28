"""Name servers of the consumers, each with a configuration and a folder of its own, on a free port of 127.0.0.1.

Behind them stands one that answers for every name there is, so that nothing leaves the machine: what a list does not
catch has the address `UNLISTED`.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import consumer_tools
from dns_query import Resolver
from ports import free_port
from servers import end

UNLISTED = "203.0.113.99"
UNLISTED_IPV6 = "2001:db8:99::99"
READY = "ready.example"
START_TIMEOUT_S = 60.0

_NAMED = """
options {{
    directory "{folder}"; pid-file "{folder}/pid"; session-keyfile "{folder}/session.key";
    managed-keys-directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    allow-query {{ 127.0.0.1; }}; dnssec-validation no; empty-zones-enable no; notify no;
    {options}
}};
controls {{ }};
"""
_ROOT = """$TTL 60
@ SOA ns.upstream. root.upstream. 1 3600 600 86400 60
@ NS ns.upstream.
ns.upstream. A 127.0.0.1
*. A {unlisted}
*. AAAA {unlisted_ipv6}
"""
_UNBOUND = """
server:
    directory: "{folder}"
    chroot: ""
    username: ""
    pidfile: "{folder}/pid"
    logfile: "{folder}/log"
    use-syslog: no
    do-daemonize: no
    interface: 127.0.0.1
    port: {port}
    do-not-query-localhost: no
    module-config: "respip iterator"
remote-control:
    control-enable: no
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@{upstream}
{text}
"""


class Server(Resolver):
    """A name server that runs."""

    def __init__(self, port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
        super().__init__(port)
        self.process, self.log = process, log

    def reload(self) -> None:
        """Let it read its files again."""
        self.process.send_signal(signal.SIGHUP)

    def wait_for_log(self, text: str, times: int = 1) -> None:
        """Wait until it has said something so many times."""
        end = time.monotonic() + START_TIMEOUT_S
        while self.log.read_text("utf-8", "replace").count(text) < times:
            assert time.monotonic() < end, f"it did not say {text!r}: {self.log.read_text('utf-8', 'replace')}"
            time.sleep(0.05)


@contextmanager
def upstream(folder: Path, addresses: Iterable[tuple[str, str]] = ()) -> Iterator[Server]:
    """Run the server behind all: it knows *addresses*, pairs of name and address, and answers for all other names."""
    lines = [f"{name}. {'AAAA' if ':' in address else 'A'} {address}" for name, address in addresses]
    zone = _ROOT.format(unlisted=UNLISTED, unlisted_ipv6=UNLISTED_IPV6) + "\n".join(lines) + "\n"
    _made(folder / "root.zone").write_text(zone)
    zones = f'zone "." {{ type primary; file "{folder}/root.zone"; }};\n'
    with _named(folder, "recursion no;", zones) as server:
        yield server


@contextmanager
def bind(folder: Path, behind: Server, *files: Path, name: str = "rpz") -> Iterator[Server]:
    """Run a ``named`` with response policies, the first of which is the zone *name*, and comes first."""
    names = [name, *(f"{name}{number}" for number in range(2, len(files) + 1))]
    policy = " ".join(f'zone "{zone}";' for zone in names)
    options = f"""recursion yes; forwarders {{ 127.0.0.1 port {behind.port}; }}; forward only;
        response-policy {{ {policy} }} break-dnssec yes min-update-interval 0;"""
    zones = "".join(
        f'zone "{zone}" {{ type primary; file "{file}"; allow-transfer {{ none; }}; }};\n'
        for zone, file in zip(names, files, strict=True)
    )
    with _named(folder, options, zones) as server:
        # It answers before it has its policies.
        for zone in names:
            server.wait_for_log(f"rpz: {zone}: reload done: success")
        yield server


@contextmanager
def _named(folder: Path, options: str, zones: str) -> Iterator[Server]:
    port = free_port()
    configuration = _made(folder / "named.conf")
    configuration.write_text(_NAMED.format(folder=folder, port=port, options=options) + zones)
    with _running("named", ["-g", "-n", "1", "-c", str(configuration)], folder, port) as server:
        yield server


@contextmanager
def recursor(folder: Path, behind: Server, zone: Path) -> Iterator[Server]:
    """Run a PowerDNS Recursor with the response policy *zone*."""
    port = free_port()
    script = _made(folder / "rpz.lua")
    script.write_text(f'rpzFile("{zone}", {{policyName="rpz"}})\n')
    settings = {
        "config-dir": folder, "socket-dir": folder, "local-address": "127.0.0.1", "local-port": port,
        "lua-config-file": script, "forward-zones-recurse": f".=127.0.0.1:{behind.port}", "dont-query": "",
        "dnssec": "off", "security-poll-suffix": "", "daemon": "no", "write-pid": "no", "disable-syslog": "yes",
        "threads": 1, "packetcache-ttl": 0, "network-timeout": 20_000, "hint-file": "no", "export-etc-hosts": "off",
    }  # fmt: skip
    words = [f"--{key}={value}" for key, value in settings.items()]
    with _running("pdns_recursor", words, folder, port) as server:
        yield server


@contextmanager
def unbound(folder: Path, behind: Server, text: str) -> Iterator[Server]:
    """Run an ``unbound`` with *text* at the end of its configuration."""
    port = free_port()
    configuration = _made(folder / "unbound.conf")
    configuration.write_text(_UNBOUND.format(folder=folder, port=port, upstream=behind.port, text=text))
    with _running("unbound", ["-d", "-c", str(configuration)], folder, port) as server:
        yield server


@contextmanager
def dnsmasq(folder: Path, behind: Server, *words: str) -> Iterator[Server]:
    """Run a ``dnsmasq`` with these words on its command line."""
    port = free_port()
    configuration = _made(folder / "dnsmasq.conf")
    configuration.write_text("")
    given = [
        "--keep-in-foreground", "--log-facility=-", f"--conf-file={configuration}", f"--port={port}",
        "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts", "--cache-size=0",
        f"--server=127.0.0.1#{behind.port}", f"--pid-file={folder}/pid", "--dns-forward-max=1000",
    ]  # fmt: skip
    if os.geteuid() == 0:
        given.append("--user=root")
    with _running("dnsmasq", [*given, *words], folder, port) as server:
        yield server


@contextmanager
def _running(tool: str, words: list[str], folder: Path, port: int) -> Iterator[Server]:
    """Run a program until the block ends; give it when it answers."""
    path = consumer_tools.need(tool)
    log = folder / "output"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [path, *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            server = Server(port, process, log)
            _wait(server)
            yield server
        finally:
            end(process)


def _wait(server: Server) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while True:
        answer = server.ask(READY, timeout_s=0.5)
        if answer is not None and answer.code == "NOERROR":
            return
        said = server.log.read_text("utf-8", "replace")[-3_000:]
        assert server.process.poll() is None, f"it ended: {said}"
        assert time.monotonic() < end, f"it does not answer: {said}"
        time.sleep(0.05)


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
