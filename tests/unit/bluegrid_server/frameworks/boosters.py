"""Data that boosters are trained on, and files of boosters loaded as a pod loads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bluegrid_registry import ModelType
from bluegrid_server.frameworks.supported import loader_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.boosters import BoosterModel

RANDOM = np.random.default_rng(11)
N = 240
GAPS = np.where(RANDOM.random((N, 4)) < 0.1, np.nan, RANDOM.normal(size=(N, 4)))
"""Rows with missing values."""
LOAD = np.nan_to_num(GAPS) @ [1.0, -2.0, 0.5, 0.0] + 0.1 * RANDOM.normal(size=N)
POSITIVE = np.exp(LOAD / 3)
TWO = (LOAD > 0).astype(int)
THREE = np.digitize(LOAD, [-1, 1])
TARGETS = np.column_stack([LOAD, -LOAD])
LABELS = np.column_stack([LOAD > 0, LOAD > 1]).astype(int)

KINDS = np.array(["overhead", "cable", "mixed"])[np.arange(N) % 3]
ZONES = np.array([10, 20, 40, 5])[np.arange(N) % 4]
TABLE = pd.DataFrame(
    {"temperature": GAPS[:, 0], "kind": pd.Categorical(KINDS), "zone": pd.Categorical(ZONES)}
)
"""Training data with categories that are words, and categories that are numbers."""
CODES = np.column_stack([GAPS[:, 0], TABLE["kind"].cat.codes, TABLE["zone"].cat.codes]).astype(float)
"""The same with the code of each category."""
TABLE_LOAD = LOAD + 3.0 * (KINDS == "cable") - 2.0 * (ZONES == 20)


def loaded(model_type: str, data: bytes, folder: Path) -> BoosterModel:
    """Check a model as a push does, and load it as a pod does."""
    path = folder / "model"
    path.write_bytes(data)
    parsed = ModelType.parse(model_type)
    parsed.check(data)
    model: BoosterModel = loader_of(parsed)(path)  # type: ignore[assignment]
    return model


def columns(rows: int, kinds: Any = KINDS, zones: Any = ZONES) -> dict[str, NDArray[Any]]:
    """Return the first rows of the table as a request's columns."""
    return {
        "temperature": GAPS[:rows, :1],
        "kind": np.array(kinds[:rows], dtype=object).reshape(-1, 1),
        "zone": np.array(zones[:rows], dtype=float).reshape(-1, 1),
    }


def own_objective(labels: Any, predicted: Any) -> tuple[Any, Any]:
    """Return gradient and Hessian of the squared error, as an objective of a user's own."""
    return predicted - labels, np.ones_like(labels)


def named(value: Any) -> str | None:
    """Name a test by its parameters, in every process alike."""
    if isinstance(value, np.ndarray):
        return None
    return re.sub(r" at 0x\w+", "", " ".join(repr(value).split()))[:80]
