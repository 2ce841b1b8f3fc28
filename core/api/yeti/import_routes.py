"""``/api/v2/observables/import``: values out of texts and files, read as every import reads them."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, File, Form, UploadFile
from fastapi.responses import Response
from pydantic import TypeAdapter, ValidationError

from core.api.access import ObservableEditor, ServicesHere, StoreHere
from core.api.described import details
from core.api.routing import LargeBodyRoute
from core.api.services import Services
from core.api.yeti import observable_shapes as shapes
from core.api.yeti.forms import RequestTags, source_of
from core.api.yeti.observable_forms import Added, Text
from core.errors import RefusedValue, UnreadableFile
from core.ingest import text as text_importer
from core.ingest.reader import InputFile, Options
from core.ingest.registry import Reader, recognise
from core.ingest.run import guarded
from core.schemas.claim import Claim, Refusal
from core.store import Store, observable_edits, observable_pages, observables
from core.store.imports import ImportSession, Told
from core.store.observable_edits import Entry

router = APIRouter(prefix="/observables/import", tags=["observables"], route_class=LargeBodyRoute)

_tags = TypeAdapter(RequestTags)


@router.post("/text", response_model=Added)
def import_text(given: Text, services: ServicesHere, store: StoreHere, caller: ObservableEditor) -> Response:
    """Take in the values of a text, one a line, defanged or not."""
    with _folder() as folder:
        path = folder / "text"
        path.write_bytes(given.text.encode())
        return take_in(services, store, InputFile(path, "text"), text_importer, given.tags, source_of(caller))


@router.post("/file", response_model=Added, responses=details(400))
def import_file(
    services: ServicesHere,
    store: StoreHere,
    caller: ObservableEditor,
    file: Annotated[UploadFile, File(description="Of any format that `yetictl import` reads, not compressed.")],
    tags: Annotated[list[str], Form(description="Several fields, or one with commas.")] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Take in the values of a file."""
    try:
        names = _tags.validate_python([name for text in tags for name in text.split(",") if text])
    except ValidationError as error:
        raise RefusedValue(error.errors()[0]["msg"]) from None
    with _folder() as folder:
        path = folder / "file"
        with path.open("wb") as target:
            shutil.copyfileobj(file.file, target)
        found = InputFile(path, file.filename or "file")
        try:
            return take_in(services, store, found, recognise(found), names, source_of(caller))
        except UnreadableFile as error:
            raise UnreadableFile(f"{found.name}: {error}") from None


def take_in(
    services: Services, store: Store, file: InputFile, reader: Reader, tags: list[str], source: str
) -> Response:
    """Take in what *reader* finds in *file*, and answer with what went in and what did not.

    Raises:
        UnreadableFile: The reader cannot read it.
        RefusedValue: It is a text, and its tags are markings, of nothing.
    """
    is_text = reader.NAME == text_importer.NAME
    if is_text and (fault := observables.fault_of_tags(tags)) is not None:
        raise RefusedValue(fault)
    claims, failed = _read(file, reader, Options(source=source, tags=tuple(tags)))
    refusals: list[Refusal] = []
    now = services.now
    if is_text:
        # A line is a value and no claim: one that is not tagged is kept, and nothing is said of it.
        entries = [Entry(item.type, item.value, tuple(tags), item.context) for item in claims]
        faults = observable_edits.take_in(store, entries, source, now)
        failed += [item.value for item, fault in zip(entries, faults, strict=True) if fault is not None]
    else:
        with ImportSession(store, now, refusals.append, Told(subject=file.name)) as session:
            session.add(claims)
        failed += [item.excerpt for item in refusals]
    named = list(dict.fromkeys((item.type, item.value) for item in claims))
    known = observable_pages.keys_of(store, named)
    keys = [known[name] for name in named if name in known]
    return shapes.several(services, store, "added", keys, failed=failed)


def _read(file: InputFile, reader: Reader, options: Options) -> tuple[list[Claim], list[str]]:
    claims: list[Claim] = []
    failed: list[str] = []
    for item in guarded(reader, file, options):
        if isinstance(item, Claim):
            claims.append(item)
        elif isinstance(item, Refusal):
            failed.append(item.excerpt or item.reason)
        else:
            # Lists of what must not be blocked, and templates, are for who may run commands on the host.
            raise UnreadableFile("holds no observables; yetictl import reads such files")
    return claims, failed


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="yeti-import-") as name:
        yield Path(name)
