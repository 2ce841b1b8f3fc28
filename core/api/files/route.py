"""``GET /exports/<file>``: plain ASGI, since firewalls ask for the same file again and again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from core.api.files import callers, conditions, ranges, sums
from core.api.files.catalog import Catalog, Granted, Header, PublishedFile, Representation
from core.api.files.negotiation import IDENTITY
from core.api.files.sending import Transfer
from core.api.files.service import FileService
from core.errors import FileMissing, StorageUnavailable, UnsupportedOperation, VersionGone
from core.store.fetches import NOBODY, FetchKey
from core.store.standings import NO_VERSION

PATH = "/exports"
CHALLENGES = {"WWW-Authenticate": 'Basic realm="exports", charset="UTF-8", Bearer'}
_LINK_S = 300


class FileRoute:
    """The endpoint, as an ASGI application; the router puts the name into ``path_params``."""

    def __init__(self, service: FileService) -> None:
        """Keep what is shared."""
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, "files are read here, and nothing else", {"Allow": "GET, HEAD"})
        headers = headers_of(scope)
        name = scope["path_params"]["file_name"]
        catalogs = self._service.catalog
        catalog = await catalogs.get()
        if name not in catalog.files and (wanted := sums.asked(name)) is not None:
            await self._send_sums(catalog, wanted, headers, scope, send)
            return

        async def allowed(catalog: Catalog) -> tuple[PublishedFile, Granted | None]:
            file = catalog.files.get(name)
            granted = await self._check(catalog, file, headers, scope)
            assert file is not None  # noqa: S101 - what is not there is refused
            return file, granted

        try:
            file, granted = await allowed(catalog)
        except HTTPException:
            # Nobody is refused for what was so a moment ago: a new token, or a new file, counts at once.
            file, granted = await allowed(await catalogs.get_now())

        async def again() -> PublishedFile:
            return (await allowed(await catalogs.get_anew()))[0]

        await Answer(self._service, scope, headers, granted).send_current(file, again, receive, send)

    async def _check(
        self, catalog: Catalog, file: PublishedFile | None, headers: Mapping[str, str], scope: Scope
    ) -> Granted | None:
        judge = await self._judge(catalog, headers, scope, is_public=file is not None and file.is_public)
        refused, granted = judge(file)
        if refused is not None:
            raise HTTPException(
                refused.status, refused.detail, CHALLENGES if refused.status == 401 else {"Vary": "Authorization"}
            )
        return granted

    async def _judge(
        self, catalog: Catalog, headers: Mapping[str, str], scope: Scope, *, is_public: bool = False
    ) -> Callable[[PublishedFile | None], tuple[callers.Refusal | None, Granted | None]]:
        """Return what decides about files for who asks; of files that are public it is not asked who that is."""
        service = self._service
        secret = callers.secret_of(headers, scope.get("query_string", b""), in_query=service.tokens_in_query)
        now = service.services.now
        is_user = False
        if not is_public and secret is not None and callers.is_users(secret):
            is_user = await asyncio.to_thread(callers.may_read, service.services, secret, now)
        address = scope["client"][0] if scope.get("client") else ""

        def judge(file: PublishedFile | None) -> tuple[callers.Refusal | None, Granted | None]:
            refused, granted = callers.refusal(catalog, file, secret, address, now, is_user=is_user)
            callers.see(service.fetches, refused, granted, now)
            return refused, granted

        return judge

    async def _send_sums(
        self, catalog: Catalog, wanted: sums.Asked, headers: Mapping[str, str], scope: Scope, send: Send
    ) -> None:
        found = await self._sums(catalog, wanted, headers, scope)
        if found is None:
            catalog = await self._service.catalog.get_now()
            found = await self._sums(catalog, wanted, headers, scope)
        if found is None:
            await self._check(catalog, None, headers, scope)
            return
        status, said = sums.answer(headers, *found)
        await _send(send, status, said, found[0] if status == 200 and scope["method"] == "GET" else b"")

    async def _sums(
        self, catalog: Catalog, wanted: sums.Asked, headers: Mapping[str, str], scope: Scope
    ) -> tuple[bytes, int] | None:
        judge = await self._judge(catalog, headers, scope)

        def made() -> tuple[bytes, int] | None:
            settings = self._service.services.settings
            return sums.body(catalog, wanted, lambda file: judge(file)[0] is None, settings)

        # A key that is encrypted takes seconds to open, the first time.
        return await asyncio.to_thread(made) if wanted.is_signature else made()


class FilesRoute(Route):
    """The route to the endpoint; requests know it as those of FastAPI are known."""

    def __init__(self, service: FileService) -> None:
        """Lead all below `PATH` to it."""
        super().__init__(f"{PATH}/{{file_name:path}}", FileRoute(service))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whether it is the route of a request, and what the request is to know."""
        match, known = super().matches(scope)
        return match, known if match is Match.NONE else {**known, "route": self}


class Answer:
    """The answer to one request for a file that may be sent."""

    def __init__(
        self,
        service: FileService,
        scope: Scope,
        headers: Mapping[str, str],
        granted: Granted | None,
        *,
        disposition: str | None = None,
        is_counted: bool = True,
        is_checked: bool = False,
    ) -> None:
        """Keep the request.

        Args:
            service: What is shared.
            scope: Of the request.
            headers: Of the request, names in lower case.
            granted: The consumer that asks, if it is one.
            disposition: What to save the file as.
            is_counted: Whether this is a fetch.
            is_checked: Whether the end of a whole file is sent only if it is what was kept.
        """
        self._service, self._scope, self._headers, self._granted = service, scope, headers, granted
        self._is_counted, self._is_checked = is_counted, is_checked
        self._extra: list[Header] = []
        if disposition is not None:
            self._extra.append((b"content-disposition", disposition.encode()))

    async def send_current(
        self, file: PublishedFile, again: Callable[[], Awaitable[PublishedFile]], receive: Receive, send: Send
    ) -> None:
        """Send it, or what *again* finds in its place where it is not kept any more.

        Raises:
            StorageError: It cannot be read, or what should be kept is not there; nothing was sent.
        """
        try:
            await self.send_file(file, receive, send)
        except (FileMissing, StorageUnavailable) as error:
            # Another version took its place, and this one was removed, since we looked; a storage that lost it in the
            # middle of a look takes that for a failure.
            before, file = file, await again()
            if file == before and isinstance(error, StorageUnavailable):
                raise
            try:
                await self.send_file(file, receive, send)
            except FileMissing as missing:
                raise gone(file) from missing

    async def send_file(self, file: PublishedFile, receive: Receive, send: Send) -> None:
        """Send it, or say why not.

        Raises:
            StorageError: It cannot be read; nothing was sent.
        """
        item = await self._representation(file)
        status = conditions.status(self._headers, item.etag, file.modified_s, date_tells=file.date_tells)
        if status == 304:
            self._note(file, None, has_version=conditions.names(self._headers))
            await _send(send, 304, item.headers)
            return
        if status == 412:
            self._note(file, None, has_version=False)
            raise HTTPException(412, "there is another version of this file by now")
        is_get = self._scope["method"] == "GET"
        try:
            part = self._part(item) if is_get else None
        except ranges.Unsatisfiable:
            self._note(file, None, has_version=False)
            headers = {"Content-Range": f"bytes */{item.size_bytes}"}
            raise HTTPException(416, f"the file has {item.size_bytes} bytes", headers) from None
        if is_get and self._service.presigns and (link := await self._link(file)) is not None:
            self._note(file, 0)
            await _send(
                send, 307, [(b"location", link), (b"cache-control", b"no-store"), (b"content-length", b"0")]
            )
            return
        await self._transfer(file, item, part, receive, send)

    async def _transfer(
        self, file: PublishedFile, item: Representation, part: ranges.Part | None, receive: Receive, send: Send
    ) -> None:
        size_bytes = item.size_bytes if part is None else part.size_bytes
        headers = [
            *item.headers,
            (b"content-type", file.media_type.encode()),
            (b"content-length", str(size_bytes).encode()),
            *self._extra,
        ]
        if self._scope["method"] == "HEAD":
            self._note(file, None, has_version=False)
            await _send(send, 200, headers)
            return
        if part is not None:
            headers.append((b"content-range", part.content_range(item.size_bytes).encode()))
        transfer = Transfer(self._service.objects, item, part, is_checked=self._is_checked)
        is_whole = await transfer(receive, send, 200 if part is None else 206, headers)
        # Whoever got the end has the version: the rest may have come before.
        has_end = is_whole and (part is None or part.start + part.size_bytes == item.size_bytes)
        self._note(file, transfer.sent_bytes, has_version=has_end)

    async def _representation(self, file: PublishedFile) -> Representation:
        item = await self._service.representation(file, self._headers.get("accept-encoding"))
        if item is None:
            raise HTTPException(
                406, "of the codings of this file the request takes none", {"Vary": "Accept-Encoding"}
            )
        return item

    def _part(self, item: Representation) -> ranges.Part | None:
        if not conditions.range_counts(self._headers.get("if-range"), item.etag):
            return None
        return ranges.part(self._headers.get("range"), item.size_bytes)

    async def _link(self, file: PublishedFile) -> bytes | None:
        """Return a link to the file itself, ``None`` where the storage gives none."""
        storage = self._service.objects.storage
        name = file.representations[IDENTITY].object
        download_name = file.name.rpartition("/")[2]
        try:
            link = await asyncio.to_thread(storage.presign, name, _LINK_S, download_name=download_name)
        except UnsupportedOperation:
            return None
        return quote(link, safe="%/:?#[]@!$&'()*+,;=~").encode()

    def _note(self, file: PublishedFile, size_bytes: int | None, *, has_version: bool = True) -> None:
        if not (file.counts and self._is_counted):
            return
        client = self._scope.get("client")
        consumer = self._granted.token.consumer if self._granted else NOBODY
        self._service.fetches.note(
            FetchKey(consumer, file.export_id, file.version if has_version else NO_VERSION),
            self._service.services.now,
            size_bytes=size_bytes,
            address=client[0] if client else "",
            agent=self._headers.get("user-agent", ""),
        )


def gone(file: PublishedFile) -> VersionGone:
    """Return the error to answer with where a version should be kept and is not: clients keep what they have."""
    return VersionGone(
        f"what is kept of version {file.version} of {file.export!r} is not there; yetictl export verify says more"
    )


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the headers of a request; of one that came several times all, with commas between them."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


async def _send(send: Send, status: int, headers: list[Header] | tuple[Header, ...], body: bytes = b"") -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})
