"""The one tree of errors.

Every error a user can cause or meet is here; each also is the builtin it resembles, so that
``except FileNotFoundError`` works on any storage.  A message names the thing, the place and the remedy,
and never holds a credential.
"""

from collections.abc import Sequence


class YetiError(Exception):
    """Something went wrong that the user can understand; the message is written for them."""


# --- configuration and plug-ins -------------------------------------------------------------------------


class ConfigError(YetiError, ValueError):
    """A setting has a value that cannot be used."""


class PluginError(YetiError):
    """A drop-in file could not be loaded or does not keep its contract."""


# --- values and input -----------------------------------------------------------------------------------


class RefusedValue(YetiError, ValueError):
    """A value is not of the type it is said to be.  The message is the reason, without the value."""


class UnreadableFile(YetiError, ValueError):
    """An input file could not be read at all."""


# --- storage --------------------------------------------------------------------------------------------


class StorageError(YetiError):
    """A storage did not do what it was asked; what was stored before still stands."""

    transient = False
    """True when trying again later may help."""


class InvalidFileName(StorageError, ValueError):
    """A name is not a portable relative file name.  Nothing was stored."""


class InvalidContents(StorageError, ValueError):
    """What was given cannot be stored as it is: text that UTF-8 cannot hold, or metadata that is no header."""


class InvalidStoragePath(StorageError, ValueError):
    """A storage path (``s3://bucket/prefix``, a folder) cannot be used."""


class FileMissing(StorageError, FileNotFoundError):
    """No file of that name is stored."""


class FileExists(StorageError, FileExistsError):
    """The policy was ``create`` and the name is taken; or a folder stands where a file should be."""


class PreconditionFailed(StorageError, FileExistsError):
    """The policy was ``if_match`` and the stored file has another ETag."""


class StoragePermissionDenied(StorageError, PermissionError):
    """The storage refused: rights, credentials, or a read-only place."""


class StorageUnavailable(StorageError, ConnectionError):
    """The storage could not be reached or failed; try again later."""

    transient = True


class VersionGone(StorageUnavailable):
    """What should be kept of a version is not there; the message tells no place."""


class StorageTimeout(StorageUnavailable, TimeoutError):
    """The storage did not answer in time; try again later."""


class StorageFull(StorageError, OSError):
    """No space is left where the file should go."""


class StorageCorrupt(StorageError, ValueError):
    """What was read is not what was stored: short, changed, or not UTF-8."""


class PartlyStored(StorageError):
    """Of several places that were to get a file, some have it and some do not; the message says which."""


class ExtraMissing(StorageError, ImportError):
    """A storage needs a package that is not installed; the message says what to type."""


class UnsupportedOperation(StorageError, NotImplementedError):
    """This client cannot do that; the message names the method that would lift it."""


# --- store ----------------------------------------------------------------------------------------------


class StoreError(YetiError):
    """The database did not do what it was asked."""


class StoreDamaged(StoreError):
    """What the database keeps cannot be read."""


class StoreBusy(StoreError, TimeoutError):
    """Another process is writing to the database; try again."""


class StoreAway(StoreBusy):
    """The server of the database cannot be reached, or ended the connection; try again."""


class StoreSchemaError(StoreError):
    """The database was written by another version of this program."""


class NotFound(YetiError, LookupError):
    """No export, template, observable, tag or run of that name."""


class AlreadyExists(YetiError, ValueError):
    """The name is taken."""


class ChangedMeanwhile(YetiError):
    """What was to be changed is not what it was when it was looked at.  Nothing was done."""


# --- exports --------------------------------------------------------------------------------------------


class DefinitionError(YetiError, ValueError):
    """An export definition asks for something that does not exist or cannot be.

    ``word`` is the word of the definition that does, as in files; empty if it is not one alone.
    """

    def __init__(self, message: str, *, word: str = "") -> None:
        """Keep which word it is."""
        self.word = word
        super().__init__(message)


class DefinitionFilesError(DefinitionError):
    """Files of definitions hold mistakes; ``problems`` has a line for each, and nothing was done."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep every problem; the message is the first of them."""
        self.problems = tuple(problems)
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        super().__init__(self.problems[0] + more)


class GateError(YetiError):
    """What is held may not be released; the message says why, and what to do."""


class TemplateError(YetiError, ValueError):
    """A template does not parse, does not render, or went over its bounds."""


class RenderError(YetiError):
    """The rows could not be rendered; nothing was published."""


class ExportBusy(YetiError):
    """Another process is running this export."""


# --- services -------------------------------------------------------------------------------------------


class NotAuthenticated(YetiError, PermissionError):
    """It is not known who asks, or the user, key or token counts no more."""


class NotAllowed(YetiError, PermissionError):
    """Who asks is known, and may not do that."""


class TooManyAttempts(YetiError, PermissionError):
    """Somebody was wrong too often; ``wait_s`` says how long to wait."""

    def __init__(self, wait_s: int) -> None:
        """Keep how many seconds to wait."""
        self.wait_s = wait_s
        super().__init__(f"Too many failed attempts; try again in {wait_s} s.")


class TooLarge(YetiError, ValueError):
    """More was sent than is taken; the message names the setting."""


# --- notices --------------------------------------------------------------------------------------------


class NotTold(YetiError, ConnectionError):
    """A channel did not take a notice; the message says why, without the secrets of its address.

    ``is_refusal`` says that the channel works and does not want this one: others need not wait for it.
    """

    def __init__(self, message: str, *, is_refusal: bool = False) -> None:
        """Keep whether others may go on."""
        self.is_refusal = is_refusal
        super().__init__(message)
