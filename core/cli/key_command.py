"""``yetictl key``: the key that signs what is published."""

from pathlib import Path

import click

from core.cli.output import json_option, print_json, say
from core.cli.session import Session
from core.errors import ConfigError


@click.group()
def command() -> None:
    """Make the key that signs what is published, and show its public half.

    Keys are files of minisign: whoever fetches published files verifies them with that program and the public key.
    """


@command.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def new(path: Path, as_json: bool) -> None:
    """Make a key pair: the secret key in PATH, the public one in PATH.pub, and print that.

    The file of the secret key is for its owner alone and is not encrypted; minisign -C -s PATH gives it a password.
    Files that are there are never written over.
    """
    from core.exports.publishing.minisign_key import PUBLIC, new_key

    key = new_key(path)
    public = path.with_name(path.name + PUBLIC)
    if as_json:
        print_json(
            {"id": key.id_text, "public_key": key.public_text, "file": str(path), "public_file": str(public)}
        )
        return
    click.echo(key.public_text)
    say(f"the secret key is in {path}, the public one in {public}")
    say(f"to sign what is published: [publish] signing_key = {path.absolute()}")


@command.command()
@click.argument("path", required=False, type=click.Path(dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def public(session: Session, path: Path | None, as_json: bool) -> None:
    """Print the public key of the one that signs, or of the secret key in PATH.

    It is what consumers need: minisign -V -P KEY -m FILE.  Give it to them by another way than the published files.
    """
    from core.exports.publishing.minisign_key import read_key

    settings = session.export_settings
    path = path or settings.signing_key
    if path is None:
        raise ConfigError("nothing is signed: publish.signing_key names no key; yetictl key new makes one")
    key = read_key(path, settings.signing_key_password)
    if as_json:
        print_json({"id": key.id_text, "public_key": key.public_text, "file": str(path)})
        return
    click.echo(key.public_text)
