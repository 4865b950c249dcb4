"""All errors, as one tree.

Every message is one line: the fault, its place (file:line, set, version, UID, pack), its consequence and the
remedy. A program that knows a command for the remedy looks it up by the error's `remedy`. The command line
prints the message and exits with 1; a traceback is a bug.

    BluegridError
    ├── ConfigError             a setting is missing or invalid
    ├── RegistryError           a registry file has mistakes: one line for each, file:line first
    ├── FormatError             bytes are not the pack, manifest, commit or model that they claim to be
    │   └── UntrustedNames      models name what their set does not trust
    ├── IntegrityError          bytes do not match their checksum
    ├── ModelError              a model cannot be loaded, or does not reproduce its recorded example
    ├── VersionConflict         a version exists already, with other models
    └── StoreError              the store refused a request or did not answer
        ├── StoreUnreachable    no answer: wrong address, not running, no network
        ├── ObjectMissing       no object has this key
        └── ObjectExists        an object with this key exists, and must not be replaced
"""

# ruff: noqa: N818 - some errors are named after the event, as in "version conflict"

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bluegrid_registry.remedies import Remedy


class BluegridError(Exception):
    """Base class of all errors that a user can cause or fix.

    Args:
        fault: what is wrong, and where; one line for each mistake.
        remedy: what to do about it, if programs have their own text for it; None: `fault` includes it.
        names: values of the placeholders in the remedy.
    """

    def __init__(self, fault: str, remedy: Remedy | None = None, **names: str) -> None:
        self.fault, self.remedy, self.names = fault, remedy, names
        super().__init__(fault if remedy is None else self.message(remedy))

    def message(self, remedy: str) -> str:
        """Return the fault with this remedy at the end of each line, its placeholders filled in."""
        text = remedy.format_map(self.names)
        return "\n".join(f"{line}; {text}" for line in self.fault.splitlines())


class ConfigError(BluegridError):
    """A setting is missing or invalid."""


class RegistryError(BluegridError):
    """Registry files have mistakes; the message has one line for each."""


class FormatError(BluegridError):
    """Bytes are not the pack, manifest or commit that they claim to be."""


class UntrustedNames(FormatError):
    """Models name classes or functions that are not trusted, and that their set may trust after a review.

    Args:
        fault: the models and the names.
        remedy: what to do about it.
        models: UIDs of the models that name each of the names.
        names: values of the placeholders in the remedy.
    """

    def __init__(self, fault: str, remedy: Remedy, models: Mapping[str, Sequence[str]], **names: str) -> None:
        self.models = models
        super().__init__(fault, remedy, **names)


class IntegrityError(BluegridError):
    """Bytes do not match their checksum."""


class ModelError(BluegridError):
    """A model cannot be loaded, or does not reproduce its recorded example."""


class VersionConflict(BluegridError):
    """The version exists already, with other models."""


class StoreError(BluegridError):
    """The store refused a request or did not answer."""


class StoreUnreachable(StoreError):
    """The store did not answer: wrong address, not running, no network."""


class ObjectMissing(StoreError):
    """No object has this key."""


class ObjectExists(StoreError):
    """An object with this key exists, and must not be replaced."""
