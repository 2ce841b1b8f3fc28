"""Ask Suricata itself what it finds wrong with rules and with the files that they load.

It runs with a configuration of its own, in a folder of its own, and reads no traffic.  Of a large file of rules that are
all made alike the first and the last are tried: a hundred thousand take it minutes.  Rules that came in are tried all,
some thousands at a time, and those that it refuses are told one by one.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from core.exports.formatting.checker import Said, ask, phrase
from core.exports.formatting.contract import BadEntry, Finding, NotChecked

MOST_RULES = 4_000
MOST_PARTS = 25
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


_IS_REFUSED = re.compile(r'error parsing signature ".*" from file .* at line ([0-9]+)')
_WARNING = re.compile(r"^Warning: \S+ rule ([0-9]+): (.+)$", re.MULTILINE)
_SID = re.compile(r"\bsid:\s*([0-9]+)")
_LEVEL = re.compile(r"^(?:Error|E): ")


def findings(rules: Path, loaded: Mapping[str, Path] | None = None, configuration: str = "") -> list[Finding]:
    """Return what Suricata finds wrong with rules that are all made alike.

    Args:
        rules: The file of rules.
        loaded: Files that the rules or the configuration load, by name.
        configuration: Lines for suricata.yaml; ``{folder}`` is where the files are.
    """
    with rules.open("rb") as lines:
        some = [*islice(lines, MOST_RULES)]
        first, last = len(some), deque[bytes](maxlen=MOST_RULES)
        more = 0
        for line in lines:
            last.append(line)
            more += 1
    said = _asked([*some, *last], rules.parent, loaded or {}, configuration)
    # A reputation file with a bad line is an error to the log, and not to the exit status.
    found = said.findings("Error", "E: ", is_strict=True)
    if not said.why_not and more > MOST_RULES:
        found.append(
            NotChecked(f"Suricata tried {first + len(last):,} of {first + more:,} rules, the first and the last")
        )
    return found


def bad_rules(rules: Path) -> list[Finding]:
    """Return each rule of a file that Suricata refuses, by its line, and what else it finds wrong."""
    found: list[Finding] = []
    with rules.open("rb") as lines:
        for number in range(MOST_PARTS + 1):
            part = [*islice(lines, 2 * MOST_RULES)]
            if part and number == MOST_PARTS:
                return [*found, NotChecked(f"Suricata tried the first {number * 2 * MOST_RULES:,} rules alone")]
            if not part and number:
                return found
            said = _asked(part, rules.parent)
            if said.why_not:
                return said.findings()
            refused = [*_refused(said, part)]
            found += refused or (said.findings("Error", "E: ") if said.status else [])
    return found


def _asked(
    lines: Sequence[bytes], beside: Path, loaded: Mapping[str, Path] | None = None, configuration: str = ""
) -> Said:
    with TemporaryDirectory(dir=beside) as name:
        folder = Path(name)
        (folder / _RULES).write_bytes(b"".join(lines))
        for other, path in (loaded or {}).items():
            (folder / other).symlink_to(path.absolute())
        yaml = folder / "suricata.yaml"
        yaml.write_text(_configured() + configuration.format(folder=folder), "utf-8")
        return ask("suricata", ["-T", "-c", yaml, "-S", folder / _RULES, "-l", folder], folder=folder)


def _refused(said: Said, lines: Sequence[bytes]) -> Iterator[BadEntry]:
    """Yield the rules that it could not read; why stands on the lines before it says which, or in a warning."""
    why: list[str] = []
    warnings = dict(_WARNING.findall(said.text))
    for line in said.text.splitlines():
        if not _LEVEL.match(line):
            continue
        if place := _IS_REFUSED.search(line):
            rule = lines[int(place[1]) - 1].decode().rstrip("\n")
            sid = _SID.search(rule)
            reason = "; ".join(why) or warnings.get(sid[1] if sid else "", "")
            yield BadEntry(rule, phrase("Suricata", reason))
            why.clear()
        else:
            why.append(_LEVEL.sub("", line).strip())


def _configured() -> str:
    others = "".join(f'    {name}: "{value}"\n' for name, value in _OTHERS.items())
    ports = "".join(f'    {name}: "{value}"\n' for name, value in _PORTS.items())
    return f"{_CONFIGURATION}{others}  port-groups:\n{ports}stats:\n  enabled: no\n"
