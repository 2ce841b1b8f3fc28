"""The Git client: a repository of this machine, in which every change is a commit.

Path: ``git-repo:///srv/lists.git``, or ``git-repo:///srv/lists.git#branch``; without a branch it is ``main``.

Consumers clone the repository and pull, and ``git log -p`` shows who got what when.  A bare repository is made by
the first write if there is none; a working tree is never touched.  The command ``git`` is needed, 2.28 or newer.
The author is "Yeti Exports" unless ``GIT_AUTHOR_NAME``, ``GIT_AUTHOR_EMAIL``, ``GIT_COMMITTER_NAME`` and
``GIT_COMMITTER_EMAIL`` say otherwise.

A write makes its commit unseen and then moves the branch, from the commit that it began with and from no other:
readers see the old file or the new one, of several writers none undoes another, and policies hold between
processes.  A write that was killed leaves objects that nothing refers to, which ``git gc`` removes; it also packs
what becomes large otherwise, so run it now and then.  A git that is killed just as it moves the branch leaves a
lock, and the next write says which file to remove.  What is stored already makes no new commit.

It cannot promise ``metadata``, because Git has no place for it.  No part of a name may be ``.git``.  What was
deleted stays in the history.  There are no links for others.

    yetictl export add blocklist --format addresses --to git-repo:///srv/lists.git
"""
# ruff: noqa: D102 - core.clients.persistient_storage.spec documents the methods

import errno
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, run
from typing import IO, BinaryIO, cast

from core.clients.persistient_storage import PersistientStorageClient
from core.clients.persistient_storage.policies import Create, IfMatch, Policy, Replace
from core.clients.persistient_storage.receipts import Outcome, Stat, WriteRequest
from core.clients.persistient_storage.text import decoded, encoded
from core.errors import FileExists, FileMissing, InvalidStoragePath, PreconditionFailed, StorageError

_PATH = re.compile(r"git-repo://(?P<repository>/[^#\0]*[^#\0/])/*(?:#(?P<branch>\w[\w-]*(?:[./]\w[\w-]*)*))?")
_AUTHOR = {
    **{f"GIT_{role}_NAME": "Yeti Exports" for role in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{role}_EMAIL": "yeti-exports@localhost" for role in ("AUTHOR", "COMMITTER")},
}
# By default git does not flush objects to the disk, waits only 0.1 s while another process moves the branch, and
# holds files of up to 512 MiB in memory (185 MiB for one of 176); without the last, large ones take three times as long.
_SETTINGS = (
    *("-c", "core.fsync=objects,reference", "-c", "core.filesRefLockTimeout=10000"),
    *("-c", "core.bigFileThreshold=8m", "-c", "core.compression=1"),
)
_MEANT = {os.strerror(code): code for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS)}
_MEANT["insufficient permission"] = errno.EACCES
_REPLACE = Replace()
_Stream = IO[bytes] | int


class GitStorageClient(PersistientStorageClient):
    """Files in a Git repository."""

    PREFIX = "git-repo://"
    CANNOT_PROMISE = frozenset({"metadata"})

    def __init__(self, path: str) -> None:
        match = _PATH.fullmatch(path)
        if not match:
            raise InvalidStoragePath(f"{path} is refused; the form is git-repo:///absolute/path.git#branch")
        self._repository, self._branch = match["repository"], match["branch"] or "main"

    # --- The five methods; these are enough. ---

    def file_path(self, file_name: str) -> str:
        return f"{self.PREFIX}{self._repository}#{self._branch}:{file_name}"

    def get_file(self, file_name: str) -> str:
        return decoded(self._git("cat-file", "blob", f"{self.stat(file_name).etag}"), self.file_path(file_name))

    def put_file(self, file_name: str, contents: str) -> None:
        with tempfile.TemporaryFile() as file:
            file.write(encoded(contents))
            self.store(file_name, file)

    def delete_file(self, file_name: str) -> None:
        self._change(file_name, None)

    # --- The optional methods; each lifts a limit. ---

    def open_writer(self, file_name: str, request: WriteRequest) -> "GitWriter":
        return GitWriter(self, file_name, request.policy)

    def open_reader(self, file_name: str) -> BinaryIO:
        blob = f"{self.stat(file_name).etag}"
        with ExitStack() as closing:
            file = closing.enter_context(tempfile.TemporaryFile())
            self._git("cat-file", "blob", blob, output=file)
            file.seek(0)
            closing.pop_all()
        return cast("BinaryIO", file)

    def stat(self, file_name: str) -> Stat:
        if found := self._found(self._head(), file_name):
            return found
        raise FileMissing(f"{self.file_path(file_name)}: there is no such file")

    def list(self, prefix: str = "") -> Iterator[Stat]:
        return self._files(self._head(), prefix)

    # --- How it is done. ---

    def store(self, name: str, file: IO[bytes], policy: Policy = _REPLACE) -> tuple[Stat, Outcome]:
        """Store what *file* holds as *name*, as one commit."""
        if not self._exists():
            self._make_repository()
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        blob = self._git("hash-object", "-w", "--stdin", source=file).decode().strip()
        return Stat(name, size, blob), self._change(name, blob, policy)

    def _change(self, name: str, blob: str | None, policy: Policy = _REPLACE) -> Outcome:
        """Make *name* hold that blob, or nothing, by one commit on top of whatever is there by then."""
        while True:
            head = self._head()
            there = self._found(head, name)
            self._check(name, there, policy)
            outcome: Outcome = "replaced" if there else "created"
            if blob == (there.etag if there else None):
                return outcome
            tree, parents = self._tree(head, name, blob), ("-p", head) if head else ()
            message = f"{'Publish' if blob else 'Delete'} {name}"
            commit = self._git("commit-tree", tree, *parents, "-m", message).decode().strip()
            try:
                self._git("update-ref", f"refs/heads/{self._branch}", commit, head)
            except StorageError:
                if self._head() == head:  # else another writer was first: do it again, on top of that
                    raise
            else:
                return outcome

    def _check(self, name: str, there: Stat | None, policy: Policy) -> None:
        match policy:
            case Create() if there:
                raise FileExists(f"{self.file_path(name)}: the name is taken")
            case IfMatch(etag) if not there or there.etag != etag:
                raise PreconditionFailed(f"{self.file_path(name)}: somebody else changed or deleted it")

    def _tree(self, head: str, name: str, blob: str | None) -> str:
        """Return the tree of *head* with that one change, made in an index of its own."""
        change = ("--add", "--cacheinfo", f"100644,{blob},{name}") if blob else ("--force-remove", "--", name)
        with tempfile.TemporaryDirectory() as folder:
            self._git("read-tree", head or "--empty", index=folder)
            self._git("update-index", *change, index=folder)
            return self._git("write-tree", index=folder).decode().strip()

    def _exists(self) -> bool:
        return Path(self._repository, "HEAD").exists()

    def _make_repository(self) -> None:
        parent = Path(self._repository).parent
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent, prefix=".yeti-") as folder:
            made, options = (
                f"{folder}/made",
                ("--quiet", "--bare", "--template=", f"--initial-branch={self._branch}"),
            )
            GitStorageClient(self.PREFIX + made)._git("init", *options)
            with suppress(OSError):  # somebody else was first; or something else is there, which git will refuse
                Path(made).rename(self._repository)

    def _head(self) -> str:
        """Return the branch's commit; empty if there is none yet."""
        question = ("for-each-ref", "--format=%(objectname)", f"refs/heads/{self._branch}")
        return self._git(*question).decode().strip() if self._exists() else ""

    def _found(self, head: str, name: str) -> Stat | None:
        return next((stat for stat in self._files(head, name) if stat.name == name), None)

    def _files(self, head: str, prefix: str) -> Iterator[Stat]:
        """Yield the file called *prefix* and those below it, as they are in the commit *head*."""
        only = ("--", prefix) if prefix else ()
        listed = self._git("ls-tree", "-r", "-z", "--long", "--full-tree", head, *only) if head else b""
        for line in listed.decode(errors="surrogateescape").split("\0")[:-1]:
            fields, _, name = line.partition("\t")
            mode, _, blob, size = fields.split()
            if mode.startswith("100"):  # neither a link nor another repository, which others may have committed
                yield Stat(name, int(size), blob)

    def _git(self, *arguments: str, source: _Stream = DEVNULL, output: _Stream = PIPE, index: str = "") -> bytes:
        """Run git and return its output, unless that goes to *output*; *index* is the folder of an index.

        Raises:
            OSError: No space, no rights.
            StorageError: Anything else, in the words of git.
        """
        places = (f"--git-dir={self._repository}", *([f"--work-tree={index}"] if index else []))
        command = ["git", "--literal-pathspecs", *places, *_SETTINGS, *arguments]
        # Variables of a git that runs this program (as a hook, say) would lead into its own repository.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environment |= {name: os.environ.get(name) or value for name, value in _AUTHOR.items()} | {"LC_ALL": "C"}
        environment |= {"GIT_INDEX_FILE": f"{index}/index"} if index else {}
        try:
            done = run(command, stdin=source, stdout=output, stderr=PIPE, env=environment, check=False)
        except FileNotFoundError as error:
            raise StorageError(f"{self._repository}: the command git is needed; install it") from error
        if done.returncode == 0:
            return done.stdout or b""
        said = " ".join(done.stderr.decode(errors="replace").split()) or f"status {done.returncode}"
        if code := next((code for words, code in _MEANT.items() if words in said), None):
            raise OSError(code, os.strerror(code), self._repository)
        raise StorageError(f"{self._repository}: git {arguments[0]} failed: {said}")


class GitWriter:
    """One file that is being written; see `core.clients.persistient_storage.spec.Writer`."""

    def __init__(self, client: GitStorageClient, name: str, policy: Policy) -> None:
        self._client, self._name, self._policy = client, name, policy
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by abort, which is always called

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._file.write(data)

    def commit(self, sha256: str) -> tuple[Stat, Outcome]:
        return self._client.store(self._name, self._file, self._policy)

    def abort(self) -> None:
        self._file.close()
