"""What can go wrong, as one tree.

Every message is one line: what is wrong, where (file:line, set, version, UID, pack), what it means and what
to do about it. A program that can name a command for that does so by the error's `remedy`. The command line
prints the message and exits with 1; a traceback is a bug.

    BluegridError
    ├── ConfigError             a setting is missing or makes no sense
    ├── RegistryError           a registry file has mistakes: one line for each, file:line first
    ├── FormatError             bytes that claim to be a pack, a manifest or a commit and are not
    ├── IntegrityError          bytes that are not the ones their checksum names
    ├── ModelError              a model that cannot be loaded, or does not reproduce its recorded example
    ├── VersionConflict         a version exists already, with other models
    └── StoreError              the store refused or did not answer
        ├── StoreUnreachable    no answer: wrong address, not running, no network
        ├── ObjectMissing       no object has this key
        └── ObjectExists        the key is taken and must not be written again
"""

# ruff: noqa: N818 - some of these are named after what happened, as in "version conflict"

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bluegrid_registry.remedies import Remedy


class BluegridError(Exception):
    """The base of every error that a user can cause, see or fix.

    Args:
        fault: what is wrong, and where; of several mistakes a line for each.
        remedy: what to do about it, if programs say so in their own terms; None: `fault` says it.
        names: values for the names in braces of the remedy.
    """

    def __init__(self, fault: str, remedy: Remedy | None = None, **names: str) -> None:
        self.fault, self.remedy, self.names = fault, remedy, names
        super().__init__(fault if remedy is None else self.message(remedy))

    def message(self, remedy: str) -> str:
        """Return the fault with this remedy, on each of its lines; names in braces are filled in."""
        text = remedy.format_map(self.names)
        return "\n".join(f"{line}; {text}" for line in self.fault.splitlines())


class ConfigError(BluegridError):
    """A setting is missing or makes no sense."""


class RegistryError(BluegridError):
    """A registry file has mistakes; the message has one line for each."""


class FormatError(BluegridError):
    """Bytes that claim to be a pack, a manifest or a commit and are not."""


class IntegrityError(BluegridError):
    """Bytes that are not the ones their checksum names."""


class ModelError(BluegridError):
    """A model that cannot be loaded, or that does not reproduce its recorded example."""


class VersionConflict(BluegridError):
    """A version exists already, with other models."""


class StoreError(BluegridError):
    """The store refused or did not answer."""


class StoreUnreachable(StoreError):
    """The store gave no answer: wrong address, not running, no network."""


class ObjectMissing(StoreError):
    """No object has this key."""


class ObjectExists(StoreError):
    """The key is taken and must not be written again."""
