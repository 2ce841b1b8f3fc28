"""Ask Suricata itself what it finds wrong with rules and with the files that they load.

It runs with a configuration of its own, in a folder of its own, and reads no traffic.  Of a large file the first and
the last rules are tried: a hundred thousand take it minutes, and all are made alike.
"""

from collections import deque
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from core.exports.formatting.checker import ask

MOST_RULES = 4_000
_RULES = "checked.rules"
_CONFIGURATION = """%YAML 1.1
---
vars:
  address-groups:
    HOME_NET: "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]"
    EXTERNAL_NET: "!$HOME_NET"
"""
_SERVERS = ("HTTP", "SMTP", "SQL", "DNS", "TELNET", "DC")
_OTHERS = {
    "AIM_SERVERS": "$EXTERNAL_NET",
    **{f"{name}_{end}": "$HOME_NET" for name in ("DNP3", "MODBUS", "ENIP") for end in ("SERVER", "CLIENT")},
    **{f"{name}_SERVERS": "$HOME_NET" for name in _SERVERS},
}
_PORTS = {
    "HTTP_PORTS": "80", "SHELLCODE_PORTS": "!80", "ORACLE_PORTS": "1521", "SSH_PORTS": "22", "DNP3_PORTS": "20000",
    "MODBUS_PORTS": "502", "FILE_DATA_PORTS": "[$HTTP_PORTS,110,143]", "FTP_PORTS": "21", "GENEVE_PORTS": "6081",
    "VXLAN_PORTS": "4789", "TEREDO_PORTS": "3544",
}  # fmt: skip
VARIABLES = frozenset({"HOME_NET", "EXTERNAL_NET", *_OTHERS, *_PORTS})
"""Those that the configuration has which Suricata comes with."""


def findings(rules: Path, loaded: Mapping[str, Path] | None = None, configuration: str = "") -> list[str]:
    """Return what Suricata finds wrong; nothing if it is not installed.

    Args:
        rules: The file of rules.
        loaded: Files that the rules or the configuration load, by name.
        configuration: Lines for suricata.yaml; ``{folder}`` is where the files are.
    """
    with TemporaryDirectory(dir=rules.parent) as name:
        folder = Path(name)
        _copy_some(rules, folder / _RULES)
        for other, path in (loaded or {}).items():
            (folder / other).symlink_to(path.absolute())
        yaml = folder / "suricata.yaml"
        yaml.write_text(_configured() + configuration.format(folder=folder), "utf-8")
        said = ask("suricata", ["-T", "-c", yaml, "-S", folder / _RULES, "-l", folder], folder=folder)
    if said is None:
        return []
    # A reputation file with a bad line is an error to the log, and not to the exit status.
    return said.lines("Error", "E: ") or (said.lines()[-1:] if said.status else [])


def _configured() -> str:
    others = "".join(f'    {name}: "{value}"\n' for name, value in _OTHERS.items())
    ports = "".join(f'    {name}: "{value}"\n' for name, value in _PORTS.items())
    return f"{_CONFIGURATION}{others}  port-groups:\n{ports}stats:\n  enabled: no\n"


def _copy_some(source: Path, target: Path) -> None:
    """Copy the first and the last lines of a file."""
    with source.open("rb") as lines, target.open("wb") as copied:
        copied.writelines(islice(lines, MOST_RULES))
        copied.writelines(deque(lines, MOST_RULES))
