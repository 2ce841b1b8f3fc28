"""The command ``yetictl``: its groups, and what an error looks like.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 held by the gate.
"""

import importlib
import io
import os
import signal
import sys
from typing import NoReturn

import click

from core import __version__
from core.actor import acting_as, system_user
from core.errors import YetiError
from core.redaction import redact

COMMANDS = {
    "import": "read intelligence from files into the store",
    "observable": "look at, add, tag and withdraw observables",
    "tag": "say how long tags count, and whether an exclusion by one lapses",
    "source": "say how long what a source claims counts, and how sure it is",
    "type": "say how long observables of a type count",
    "allow-list": "keep lists of what must not be blocked",
    "export": "define, run and look at exports",
    "template": "keep Jinja templates for exports",
    "format": "list the formats that exports can have",
    "storage": "look into storages and move single files",
    "key": "make and show the key that signs what is published",
    "tasks": "run exports when they are due",
    "notify": "tell people what is wrong, and show what was told",
    "api": "answer requests, and serve what is published",
    "serve": "both of these in one process, for one machine",
    "health": "say whether the services of this machine live",
    "consumer": "keep machines that fetch lists, and see what each has",
    "user": "keep users of the API and their keys",
    "audit": "show who changed what",
    "db": "upgrade, back up, restore, check, verify or copy the database",
    "config": "show the settings and where each came from",
    "doctor": "check this installation and say what to mend",
}
"""Every command, in the order of the help; each is ``core/cli/<name>_command.py``, loaded when it is used."""


class _Commands(click.Group):
    """A group that imports a command's file only when that command is named, so that ``--help`` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"core.cli.{name.replace('-', '_')}_command")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="yetictl")
@click.option(
    "--config", "config_file", metavar="FILE", help="Configuration file to read instead of the usual places."
)
@click.option("-v", "--verbose", count=True, help="Say more on standard error; twice for everything.")
@click.pass_context
def yetictl(context: click.Context, config_file: str | None, verbose: int) -> None:
    """Select threat intelligence, render it for the machine that consumes it, publish it safely.

    \b
    A first round:
      yetictl import feed.csv --tag c2
      yetictl export add c2-addresses --format addresses --include c2
      yetictl export run c2-addresses

    Data goes to standard output, talk to standard error.  Exit status: 0 done, 1 failed, 2 wrong usage,
    3 held by the gate.
    """
    from core.cli.session import Session

    environ = dict(os.environ)
    if config_file is not None:
        environ["YETI_CONFIG"] = config_file
    context.obj = Session(environ, verbose)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run ``yetictl`` and end the process with its exit status; no traceback reaches the user."""
    # A reader that stops early (``| head``) ends us as it ends every other filter.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # A polite end (of a time limit, of the machine) is one like Ctrl-C: nothing half-written stays behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    open_standard_streams()
    status = run(arguments)
    try:
        sys.stdout.flush()
    except OSError:
        status = status or 1
        # What could not be written goes nowhere, or the interpreter tries once more at its end, and complains itself.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


def open_standard_streams() -> None:
    """Make the three streams ones that can be used, whoever started us and in whatever locale.

    One that was closed is opened the wrong way round, so that its use is an error; otherwise the next file to be
    opened (a database, an export) would get its number.  A letter that the locale has not is escaped.
    """
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def run(arguments: list[str] | None = None) -> int:
    """Run ``yetictl`` with *arguments* and return its exit status."""
    try:
        with acting_as(system_user()):
            outcome = yetictl.main(args=arguments, prog_name="yetictl", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted", 1)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except YetiError as error:
        return _say(str(error), 1)
    except MemoryError:
        return _say("out of memory", 1)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _say(f"{place}{error.strerror or error}", 1)
    except Exception as error:  # the last stop before the user's terminal
        return _unexpected(error)
    return outcome if isinstance(outcome, int) else 0


def _say(message: str, status: int) -> int:
    from core.cli.output import say

    say(f"yetictl: {redact(message)}")
    return status


def _unexpected(error: BaseException) -> int:
    if os.environ.get("YETI_TRACEBACK"):
        raise error
    where = error.__traceback__
    while where and where.tb_next:
        where = where.tb_next
    place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else "unknown place"
    return _say(
        f"a fault in the program itself: {type(error).__name__} at {place}; "
        "please report it, with what YETI_TRACEBACK=1 prints in front of the same command",
        1,
    )
