"""Suricata in a folder of its own: try rules, and replay captures against them."""

import json
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import consumer_tools
from packets import Capture

CONFIGURATION = """%YAML 1.1
---
vars:
  address-groups:
    HOME_NET: "[10.0.0.0/8]"
    EXTERNAL_NET: "!$HOME_NET"
  port-groups:
    HTTP_PORTS: "80"
classification-file: {folder}/classification.config
stats:
  enabled: no
app-layer:
  protocols:
    http:
      libhtp:
        default-config:
          personality: IDS
          request-body-limit: 0
          response-body-limit: 0
outputs:
  - eve-log:
      enabled: yes
      filename: eve.json
      types:
        - alert
        - files:
            force-hash: [md5, sha1, sha256]
"""
CLASSES = "config classification: trojan-activity,A trojan,1\n"
HARMLESS = ("no rules were loaded",)
"""What Suricata says of an empty file."""


def tried(rules: Path, more: str = "") -> list[str]:
    """Return the errors and warnings of ``suricata -T``; raise if it ends with another status than without any."""
    ended = _run(rules, "-T", more=more)
    said = [
        line
        for line in (ended.stdout + ended.stderr).splitlines()
        if line.startswith(("Error", "Warning")) and not any(word in line for word in HARMLESS)
    ]
    assert ended.returncode == 0 or said, ended.stdout + ended.stderr
    return said


def alerts(rules: Path, capture: Capture, more: str = "") -> dict[int, list[int]]:
    """Replay a capture; return the sids that came up, by the port of the client."""
    return {port: [sid for sid, _ in found] for port, found in told(rules, capture, more).items()}


def told(rules: Path, capture: Capture, more: str = "") -> dict[int, list[tuple[int, str]]]:
    """Replay a capture; return sids and messages of alerts in order, each once, by the port of the client."""
    folder = rules.parent / "replayed"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    ended = _run(rules, "-r", str(capture.write(folder / "capture.pcap")), "-k", "all", folder=folder, more=more)
    assert (0, "") == (ended.returncode, ended.stderr), ended.stdout + ended.stderr
    found = defaultdict(set)
    for line in (folder / "eve.json").read_text("utf-8").splitlines():
        event = json.loads(line)
        if event["event_type"] != "alert":
            continue
        for end in ("src_port", "dest_port"):
            found[event[end]].add((event["alert"]["signature_id"], event["alert"]["signature"]))
    return {port: sorted(some) for port, some in found.items() if port in capture.ports}


def _run(rules: Path, *words: str, folder: Path | None = None, more: str = "") -> subprocess.CompletedProcess[str]:
    folder = folder or rules.parent
    (folder / "classification.config").write_text(CLASSES)
    (folder / "suricata.yaml").write_text(CONFIGURATION.format(folder=folder) + more)
    return subprocess.run(
        [
            consumer_tools.need("suricata"),
            *words,
            "-c",
            str(folder / "suricata.yaml"),
            "-S",
            str(rules),
            "-l",
            str(folder),
            "--runmode=single",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
