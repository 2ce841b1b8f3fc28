"""``yetictl doctor``: check this installation and say what to mend."""

import importlib.metadata
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Literal

import click

from core.cli.output import counted, json_option, print_json, say
from core.cli.session import Session
from core.errors import ConfigError, StoreError, YetiError
from core.redaction import redact
from core.schemas.instant import to_datetime

Finding = tuple[Literal["ok", "warning", "failed"], str]


@click.command()
@json_option
@click.pass_obj
def command(session: Session, as_json: bool) -> int:
    """Check settings, store, storages, plug-ins and exports; exit with 1 if something must be mended.

    Places are tried by writing a small file and deleting it again.
    """
    findings: list[tuple[str, str, str]] = []
    for name, look in CHECKS.items():
        try:
            findings += [(name, status, text) for status, text in look(session)]
        except YetiError as error:
            findings.append((name, "failed", redact(str(error))))
        except OSError as error:
            findings.append((name, "failed", f"{error.filename}: {error.strerror}"))
    if as_json:
        print_json([{"check": name, "status": status, "detail": text} for name, status, text in findings])
    else:
        for name, status, text in findings:
            click.echo(f"{status:8} {name:10} {text}")
    failed = sum(status == "failed" for _, status, _ in findings)
    warned = sum(status == "warning" for _, status, _ in findings)
    good = f"nothing to mend, {counted(warned, 'warning')}" if warned else "all is well"
    say(f"{counted(failed, 'thing')} to mend" if failed else good)
    return 1 if failed else 0


def _program(session: Session) -> Iterator[Finding]:
    from core import __version__

    yield "ok", f"Yeti Exports {__version__}"
    owners = importlib.metadata.packages_distributions().get("core", [])
    others = sorted({name for name in owners if name != "yeti-exports"})
    if others:
        yield (
            "failed",
            f"{', '.join(others)} installs a package `core` too; give this program an environment of its own",
        )


def _settings(session: Session) -> Iterator[Finding]:
    config = session.config
    yield "ok", f"configuration file: {config.file or 'none found'}; home folder: {config.home}"
    for warning in config.warnings:
        yield "warning", warning


def _store(session: Session) -> Iterator[Finding]:
    from core.store.health import check_schema
    from core.store.migrate import REVISIONS
    from core.store.observables import count

    with session.store() as store:
        number = sum(count(store).values())
        with closing(store.connect()) as connection:
            product = connection.product()
        where = redact(session.config["database.url"])
        yield "ok", f"{where}: {number:,} observables in {product}"
        if newer := check_schema(store):
            yield (
                "warning",
                f"{where}: a newer version has upgraded the database to schema {newer}; this one, which has "
                f"{REVISIONS[-1]}, may use it, and backups and copies need the newer one: install that here, too",
            )


def _storages(session: Session) -> Iterator[Finding]:
    from core.clients.persistient_storage import registry

    for item in registry.clients():
        if item.reason:
            yield "failed", f"{item.origin}: {item.reason}"
    for path in _destinations(session):
        yield from _tried(session, path, "can be published to")


def _destinations(session: Session) -> list[str]:
    from core.store import definitions

    own: list[str] = []
    # The check of the store says what is wrong with it, which keeps no place from being tried.
    with suppress(StoreError), session.store() as store:
        own = [item.destination for item in definitions.exports(store) if item.destination]
    return list(dict.fromkeys([session.config["system.export_path"], *own]))


def _tried(session: Session, path: str, can: str) -> Iterator[Finding]:
    from core.clients.persistient_storage import get_client
    from core.clients.persistient_storage.check import check_storage
    from core.clients.persistient_storage.storage import Storage

    report = check_storage(path, Storage(get_client(path)), to_datetime(session.now))
    wrong = [f"{step.name}: {step.detail}" for step in report.steps if not step.is_ok]
    if wrong:
        yield "failed", f"{redact(path)}: {'; '.join(wrong)}"
    else:
        yield "ok", f"{redact(path)} {can} ({report.client})"
    for step in report.steps:
        if step.is_refused:
            yield "warning", f"{redact(path)}: {step.name}: {step.detail}"
    if report.leftovers:
        yield (
            "warning",
            f"{redact(path)}: {counted(len(report.leftovers), 'left-over')} of writes that never ended; remove "
            f"them with: yetictl storage clean {redact(path)}",
        )


def _versions(session: Session) -> Iterator[Finding]:
    from core.exports.publishing import places
    from core.exports.settings import versions_path

    path = versions_path(session.config)
    faults = [
        fault for destination in _destinations(session) for fault in places.public_versions(path, destination)
    ]
    for fault, is_sure in dict.fromkeys(faults):
        yield ("failed" if is_sure else "warning"), fault
    yield from _tried(session, path, "can keep versions")
    yield from _versions_elsewhere(session, path)


def _versions_elsewhere(session: Session, path: str) -> Iterator[Finding]:
    from core.errors import FileMissing
    from core.exports.versions.archive import Archive
    from core.store import archives, definitions

    with suppress(StoreError), session.store() as store:  # that the store is broken is a finding of its own
        for item in definitions.exports(store):
            current = archives.current(store, item.name)
            if current is None:
                continue
            try:
                Archive(path, item).read_manifest(current.number, current.manifest_sha256)
            except FileMissing:
                yield (
                    "warning",
                    f"{item.name}: version {current.number} is not kept in {redact(path)}; if system.versions_path was "
                    "changed, move what is in the old place there: until then nothing can be rolled back to",
                )


def _signing(session: Session) -> Iterator[Finding]:
    from core.exports.publishing import places, signing
    from core.exports.settings import versions_path

    try:
        versions_path(session.config)
    except ConfigError:
        return  # the check of versions says it
    key = signing.key_of(session.export_settings)
    path = session.export_settings.signing_key
    if key is None or path is None:
        yield "ok", "what is published is not signed; publish.signing_key names no key"
        return
    yield "ok", f"what is published is signed with {path} (id {key.id_text})"
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield "warning", f"{path} can be read by others, who can sign as this program; chmod 600 {path}"
    folders = {folder for destination in _destinations(session) for folder in places.folders(destination)}
    for folder in sorted(folders):
        if places.lies_below(places.folder(str(path)), folder):
            yield (
                "failed",
                f"the secret key {path} lies among what consumers may read ({folder}); make a new one elsewhere",
            )


def _plugins(session: Session) -> Iterator[Finding]:
    from core.exports.formats import broken_formats, formats

    folder = session.config.path("system.plugins_path")
    yield from _open_to_others(folder)
    for broken in broken_formats():
        yield "failed", f"{broken.origin}: {broken.reason}"
    yield "ok", f"formats: {', '.join(sorted(formats()))}"


def _open_to_others(folder: Path) -> Iterator[Finding]:
    for place in (folder, folder / "storage", folder / "formats"):
        if not place.is_dir():
            continue
        about = place.stat()
        if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or about.st_uid not in (os.getuid(), 0):
            yield (
                "warning",
                f"{place} can be written by others, who can run code as this program; chmod go-w {place}",
            )


def _exports(session: Session) -> Iterator[Finding]:
    from core.exports.definitions import definition
    from core.exports.state import state_of, state_text, warnings
    from core.store import definitions

    with session.store() as store:
        for item in definitions.exports(store):
            try:
                definition.validate(store, item, default_destination=session.config["system.export_path"])
            except YetiError as error:
                yield "failed", f"{item.name}: {error}"
                continue
            state = state_of(store, item.name)
            found = [*warnings(item.name, state)]
            for text in found:
                yield "warning", text
            if not found:
                yield "ok", f"{item.name}: {state_text(state)}"


CHECKS: dict[str, Callable[[Session], Iterator[Finding]]] = {
    "program": _program,
    "settings": _settings,
    "store": _store,
    "storage": _storages,
    "versions": _versions,
    "signing": _signing,
    "plug-ins": _plugins,
    "exports": _exports,
}
