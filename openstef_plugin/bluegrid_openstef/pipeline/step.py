"""The base of the steps of a pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ConfigDict

from bluegrid_registry.frozen import Frozen

if TYPE_CHECKING:
    from bluegrid_openstef.pipeline.table import SeriesTable


class Step(Frozen):
    """A step of the preprocessing; `step` in the file is the name of OpenSTEF's class."""

    # A file has numbers as JSON has them: NaN is `null`.
    model_config = ConfigDict(allow_inf_nan=False)

    def transform(self, table: SeriesTable) -> None:
        """Add columns to the table or change them; InputError: the series cannot be forecast."""
        raise NotImplementedError
