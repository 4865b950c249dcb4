"""Converts pickles of OpenSTEF to pipelines as data, in several processes; needs OpenSTEF."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bluegrid_openstef.converter import as_json
from bluegrid_openstef.model_file import load_model
from bluegrid_openstef.processes import in_processes, line_of
from bluegrid_registry import ModelError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class ConversionOutcome:
    """What came of a conversion.

    Attributes:
        uid: of the model.
        document: the model as data; None: it has no such form.
        fault: why it has none.
    """

    uid: str
    document: bytes | None = field(default=None, repr=False)
    fault: str = ""


def convert(
    pickles: Mapping[str, Path], trust: Collection[str], processes: int
) -> Iterator[ConversionOutcome]:
    """Yield the outcome for each model, by UID.

    Args:
        pickles: the models' files, at least one.
        trust: all names that they may use.
        processes: how many convert at a time.

    Raises:
        ConfigError: a process was ended, such as for its memory.
    """
    yield from in_processes(_convert_one, sorted(pickles), processes, _begin, pickles, trust)


_worker: tuple[Mapping[str, Path], Collection[str]] | None = None
"""Of a process that converts."""


def _begin(pickles: Mapping[str, Path], trust: Collection[str]) -> None:
    global _worker
    _worker = pickles, trust


def _convert_one(uid: str) -> ConversionOutcome:
    assert _worker is not None  # noqa: S101 - `_begin` has set it
    pickles, trust = _worker
    try:
        return ConversionOutcome(uid, as_json(load_model(pickles[uid], trust)))
    except ModelError as error:
        return ConversionOutcome(uid, fault=" ".join(str(error).split()))
    # A step with settings of its own may raise any exception, which concerns this model alone.
    except Exception as error:  # noqa: BLE001
        return ConversionOutcome(uid, fault=line_of(error))
