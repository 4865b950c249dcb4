"""Real models in a real store, and servers for them."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bluegrid_server.http.routes import make_app
from tests.support.pods import ROWS, Client, InProcess, Trained, published

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bluegrid_server.settings import Settings


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("trained")
    random = np.random.default_rng(118)
    predictions = {}
    for uid in ("line-1", "line-2", "trafo-1"):
        x = random.normal(size=(40, 3))
        model = make_pipeline(StandardScaler(), Ridge()).fit(x, x @ random.normal(size=3))
        skops.io.dump(model, folder / f"{uid}.skops")
        predictions[uid] = model.predict(ROWS).tolist()
    examples = {uid: {"inputs": ROWS, "outputs": outputs} for uid, outputs in predictions.items()}
    (folder / "examples.json").write_text(json.dumps(examples))
    return Trained(folder, predictions)


@pytest.fixture
def publish(tmp_path: Path) -> Callable[[Path], Settings]:
    """Pushes a folder of models as version v1; returns the settings of a pod that serves it."""

    return partial(published, tmp_path)


@pytest.fixture
def settings(publish: Callable[[Path], Settings], trained: Trained) -> Settings:
    """Settings of a pod with a valid version."""
    return publish(trained.folder)


@pytest.fixture
def models(settings: Settings) -> InProcess:
    """The models of a server that is still loading."""
    return InProcess(settings)


@pytest.fixture
def client(settings: Settings, models: InProcess) -> Client:
    """A client of the application, without a network; the version is not started yet."""
    return Client(make_app(settings, models))


@pytest.fixture
def served(client: Client, models: InProcess) -> Client:
    """A client of the application, with its models loaded."""
    models.start()
    return client
