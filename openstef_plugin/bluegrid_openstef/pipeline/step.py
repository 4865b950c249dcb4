"""The bases of what a file of a pipeline has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import ConfigDict, Field

from bluegrid_registry.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Collection

    from bluegrid_openstef.pipeline.table import SeriesTable


Seconds = Annotated[int, Field(ge=-(10**10), le=10**10)]
"""A duration of at most 317 years: beside the times of a series, of 1900 to 2199, it fits into INT64."""


class PipelinePart(Frozen):
    """A part of a file, with numbers as JSON has them: NaN is `null`."""

    model_config = ConfigDict(allow_inf_nan=False)


class Step(PipelinePart):
    """A step of the preprocessing; `step` in the file is the name of OpenSTEF's class.

    It states the columns that it uses and changes, so that a pipeline in which a step would miss one is
    refused when it is loaded.
    """

    @property
    def reads(self) -> Collection[str]:
        """Columns of the series that it uses, as they came."""
        return ()

    @property
    def needs(self) -> Collection[str]:
        """Columns of the table that it uses; those that it makes itself are not among them."""
        return ()

    @property
    def makes(self) -> Collection[str]:
        """Columns that the table has afterwards, in OpenSTEF's order."""
        return ()

    @property
    def removes(self) -> Collection[str]:
        """Columns that the table no longer has afterwards."""
        return ()

    def prepare(self) -> None:
        """Import what the step needs, so that loading fails where it is missing: ImportError, ModelError."""

    def transform(self, table: SeriesTable) -> None:
        """Add columns to the table or change them; InputError: the series cannot be forecast."""
        raise NotImplementedError
