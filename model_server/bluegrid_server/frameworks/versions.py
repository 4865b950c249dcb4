"""Versions of a framework: the version that wrote a model, and the version in this image, which reads it.

A framework reads files of its older versions, and promises nothing for newer versions: XGBoost 2.1 reads a
file of 3.2 without an error and answers wrongly. So files of newer writers are refused. Only major and minor
numbers count, which change the file; patches of one minor version read each other's files.
"""

from __future__ import annotations

from bluegrid_registry.errors import ModelError
from bluegrid_registry.model_types.writers import release
from bluegrid_server.frameworks.errors import describe


def check_writer(framework: str, writer: str | None, reader: str) -> None:
    """Raise ModelError if a model was written by a newer version than the version in this image.

    Args:
        framework: name for people.
        writer: the version that the file names; None: the file names no version.
        reader: the version in this image.
    """
    if release(writer) > release(reader):
        raise ModelError(
            f"was written by {framework} {writer}, and this image has {reader}, which may read it wrongly; "
            f"save it with {framework} {_minor(reader)} or older, or use an image with {_minor(writer)}"
        )


def unreadable(what: str, error: Exception, framework: str, writer: str | None, reader: str) -> ModelError:
    """Return the error for a file that its framework cannot read.

    Args:
        what: expected kind of file, such as "XGBoost model".
        error: of the framework.
        framework: name for people.
        writer: the version that the file names; None: the file names no version.
        reader: the version in this image.
    """
    if writer is None or release(writer) == release(reader):
        remedy = f"save it again by {framework} {_minor(reader)}, which this image has"
    else:
        remedy = f"it was written by {framework} {writer}, and this image has {reader}: save it with that"
    return ModelError(f"is no {what} that this image reads: {describe(error)}; {remedy}")


def _minor(version: str | None) -> str:
    return ".".join(map(str, release(version))) if "." in (version or "") else str(version)
