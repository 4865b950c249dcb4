"""A series, and small pipelines that were trained on it."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import joblib
import pytest
from openstef_core.testing import create_synthetic_forecasting_dataset

from bluegrid_openstef.converter import as_json
from bluegrid_openstef.file_type import TYPE
from bluegrid_openstef.storage import BluegridStorage
from bluegrid_registry import DeclaredSet, add_set
from tests.integration.openstef.inside.pipelines import AS_DATA, KINDS, Series, new_model

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# As in pods. NumPy has its threads already: of these tests, only those that start a process count threads.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")


@pytest.fixture(scope="session")
def series() -> Series:
    return Series(create_synthetic_forecasting_dataset(length=timedelta(days=45)))


@pytest.fixture(scope="session")
def files(series: Series, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The file of a fitted model of each kind, as OpenSTEF's storage writes it."""
    folder = tmp_path_factory.mktemp("trained")
    paths = {kind: folder / f"{kind}.joblib" for kind in KINDS}
    for kind, path in paths.items():
        model = new_model(kind)
        model.fit(series.data)
        joblib.dump(model, path)
    return paths


@pytest.fixture(scope="session")
def models(files: Mapping[str, Path]) -> Mapping[str, Any]:
    """Those that have a form as data."""
    return {kind: joblib.load(files[kind]) for kind in AS_DATA}


@pytest.fixture(scope="session")
def documents(models: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The files of the same models as data."""
    folder = tmp_path_factory.mktemp("data")
    paths = {kind: folder / f"{kind}.json" for kind in AS_DATA}
    for kind, path in paths.items():
        path.write_bytes(as_json(models[kind]))
    return paths


@pytest.fixture
def place(tmp_path: Path) -> Mapping[str, Any]:
    """The settings of a storage whose set has no versions."""
    registry, store = tmp_path / "registry", tmp_path / "store"
    registry.mkdir()
    store.mkdir()
    names = {"id": "load", "name": "Feeder load", "task": "forecasting", "source": "platform"}
    add_set(registry, DeclaredSet.model_validate({**names, "type": str(TYPE), "kinds": "mixed"}))
    return {"set_id": "load", "registry": registry, "store": store.as_uri()}


@pytest.fixture
def storage(place: Mapping[str, Any]) -> BluegridStorage:
    return BluegridStorage(**place)
