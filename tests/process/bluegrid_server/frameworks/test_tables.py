"""pandas is imported for models that take tables, and for no others."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

if TYPE_CHECKING:
    from pathlib import Path

TABLE = pd.DataFrame({"load": np.arange(6.0), "kind": ["cable", "line"] * 3})
SCALED = make_pipeline(StandardScaler(), PCA())
BY_NAME = ColumnTransformer([("n", StandardScaler(), ["load"]), ("w", OneHotEncoder(), ["kind"])])

_LOAD = """
import sys
from pathlib import Path
from bluegrid_registry import ModelType
from bluegrid_server.frameworks.supported import loader_of
model_type, *path = sys.argv[1:]
load = loader_of(ModelType.parse(model_type))
for each in path:
    load(Path(each)).outputs
print("pandas" in sys.modules)
"""


def imports_pandas(model_type: str, *path: Path) -> bool:
    command = [sys.executable, "-c", _LOAD, model_type, *map(str, path)]
    printed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return {"True\n": True, "False\n": False}[printed]


@pytest.mark.parametrize(
    "model_type", ["scikit-learn/joblib", "xgboost/ubj", "lightgbm/txt", "onnx/onnx", "keras/keras"]
)
def test_a_framework_is_loaded_without_pandas(model_type: str) -> None:
    assert not imports_pandas(model_type)


@pytest.mark.parametrize(
    ("chosen", "rows", "expected"), [(SCALED, TABLE[["load"]], False), (BY_NAME, TABLE, True)]
)
def test_only_a_model_that_needs_a_table_imports_pandas(
    chosen: Any, rows: Any, expected: bool, tmp_path: Path
) -> None:
    skops.io.dump(make_pipeline(chosen, Ridge()).fit(rows, TABLE["load"]), tmp_path / "model")
    assert imports_pandas("scikit-learn/skops", tmp_path / "model") is expected
