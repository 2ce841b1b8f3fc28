"""Show the whole way from files to published exports, with the commands a user would type.

Run by ``make demo``.  The store is ``var/yeti.db``, the exports go to ``var/exports``.  A second run finds everything
in place and publishes nothing again.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
VAR = ROOT / "var"
EXPORTS = VAR / "exports"

# The samples hold documentation ranges only, which no real firewall list should; these exports say they may.
DOCUMENTATION = ["--limit", "allow=documentation"]

DEFINITIONS: dict[str, list[str]] = {
    "blocklist-addresses": ["--format", "list", "--type", "ip", "--exclude", "allow-list", *DOCUMENTATION],
    "blocklist-domains": ["--format", "list", "--type", "domain", "--exclude", "allow-list", *DOCUMENTATION],
    "c2-addresses": ["--format", "list", "--type", "ip", "--include", "c2", *DOCUMENTATION],
    "hashes": ["--format", "csv", "--type", "hash"],
    "everything": ["--format", "jsonl", "--exclude", "allow-list", *DOCUMENTATION],
    "by-template": ["--template", "csv-export", "--exclude", "allow-list", *DOCUMENTATION],
}


def main() -> int:
    """Run the steps; return 1 if one of them failed, going on as far as that makes sense."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--intel", type=Path, help="a folder of your own files instead of the samples")
    intel = parser.parse_args().intel
    if intel is not None and not intel.is_dir():
        print(f"demo: INTEL={intel} is not a folder", file=sys.stderr)
        return 1
    environment = settings(intel)

    title("Import intelligence")
    if intel is None:
        yetictl(environment, "import", relative(EXAMPLES / "intelligence"))
        allow_list = relative(EXAMPLES / "allow-list.txt")
        yetictl(environment, "import", allow_list, "--tag", "allow-list", "--kind", "benign")
    else:
        # Exit status 1 means that some file could not be read; the counts have been shown, the rest is in.
        yetictl(environment, "import", str(intel))

    title("Define exports")
    template = relative(EXAMPLES / "templates" / "csv_export.jinja2")
    yetictl(environment, "template", "add", "csv-export", template, "--replace")
    defined = {item["name"] for item in json.loads(output(environment, "export", "list", "--json"))}
    for name, options in DEFINITIONS.items():
        if name not in defined:
            yetictl(environment, "export", "add", name, *options)
    if set(DEFINITIONS) <= defined:
        print("(all there already)")

    title("Run and publish them")
    status = yetictl(environment, "export", "run", "--all")

    title("The first lines of one")
    show(EXPORTS / "blocklist-addresses.txt")
    print(NEXT.format(home=relative(home_folder(intel)), exports=relative(EXPORTS)))
    return status


NEXT = """
What to try next, after  export YETI_HOME={home} YETI_SYSTEM_EXPORT_PATH={exports}
  .venv/bin/yetictl export list                      what is defined
  .venv/bin/yetictl export preview c2-addresses      what a run would publish, and why
  .venv/bin/yetictl observable show 198.51.100.7     who says what of one value
  .venv/bin/yetictl --help                           everything else
  make demo INTEL=/path/to/your/files                the same with files of your own
  docs/how-to/configure-storage.md                   publish to a bucket instead of a folder"""


def home_folder(intel: Path | None) -> Path:
    """Return where the store is; one's own files do not mix with the samples."""
    return VAR if intel is None else VAR / "intel"


def settings(intel: Path | None) -> dict[str, str]:
    """Return the environment of the demo: this clone's ``var`` and nobody's configuration file."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("YETI_")}
    home = home_folder(intel)
    home.mkdir(parents=True, exist_ok=True)
    configuration = home / "yeti.conf"
    configuration.write_text("# The demo takes its settings from the environment.\n")
    return kept | {
        "YETI_HOME": str(home),
        "YETI_CONFIG": str(configuration),
        "YETI_SYSTEM_EXPORT_PATH": str(EXPORTS),
    }


def title(text: str) -> None:
    """Print the heading of a step."""
    print(f"\n== {text}", flush=True)


def yetictl(environment: dict[str, str], *arguments: str) -> int:
    """Show a command, run it, and return its exit status."""
    print(f"$ yetictl {shlex.join(arguments)}", flush=True)
    return subprocess.run(
        [sys.executable, "-m", "core", *arguments], cwd=ROOT, env=environment, check=False
    ).returncode


def output(environment: dict[str, str], *arguments: str) -> str:
    """Run a command and return what it prints."""
    command = [sys.executable, "-m", "core", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def show(file: Path, lines: int = 8) -> None:
    """Print the first lines of a published file."""
    print(f"$ head -{lines} {relative(file)}")
    try:
        with file.open(encoding="utf-8") as stream:
            for _, line in zip(range(lines), stream, strict=False):
                print(line.rstrip("\n"))
    except FileNotFoundError:
        print("(not published; see above)")


def relative(path: Path) -> str:
    """Return *path* as it would be typed in the clone."""
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
