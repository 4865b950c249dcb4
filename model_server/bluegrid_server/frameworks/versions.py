"""Which version of a framework wrote a model, and which one reads it here.

A framework reads what its older versions wrote, and promises nothing of newer ones: XGBoost 2.1 reads a file
of 3.2 without an error and answers wrongly. So a file whose writer is newer is not read at all. Newer is the
major or the minor number: these change what is in a file; patches of one minor version read each other's.
"""

from __future__ import annotations

from bluegrid_registry.errors import ModelError
from bluegrid_registry.model_types.writers import release
from bluegrid_server.frameworks.errors import describe


def check_writer(framework: str, writer: str | None, reader: str) -> None:
    """Raise ModelError if a model was written by a newer version than reads it here.

    Args:
        framework: its name, as people write it.
        writer: the version that the file names; None: it names none.
        reader: the version in this image.
    """
    if release(writer) > release(reader):
        raise ModelError(
            f"was written by {framework} {writer}, and this image has {reader}, which may read it wrongly; "
            f"save it with {framework} {_minor(reader)} or older, or use an image with {_minor(writer)}"
        )


def unreadable(what: str, error: Exception, framework: str, writer: str | None, reader: str) -> ModelError:
    """Return what to raise for a file that its framework cannot read.

    Args:
        what: the file should be, such as "XGBoost model".
        error: of the framework.
        framework: its name, as people write it.
        writer: the version that the file names; None: it names none.
        reader: the version in this image.
    """
    if writer is None or release(writer) == release(reader):
        remedy = f"save it again by {framework} {_minor(reader)}, which this image has"
    else:
        remedy = f"it was written by {framework} {writer}, and this image has {reader}: save it with that"
    return ModelError(f"is no {what} that this image reads: {describe(error)}; {remedy}")


def _minor(version: str | None) -> str:
    return ".".join(map(str, release(version))) if "." in (version or "") else str(version)
