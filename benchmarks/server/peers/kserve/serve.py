"""KServe's Python server with scikit-learn models, as in KServe's guide: `python serve.py PORT FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import joblib
from kserve import Model, ModelServer
from kserve.utils.utils import get_predict_input, get_predict_response


class SklearnModel(Model):  # type: ignore[misc]
    """Does the same as KServe's own sklearnserver, which is not published as a package."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.stem)
        self._estimator = joblib.load(path)
        self.ready = True

    def predict(self, payload: Any, headers: Any = None) -> Any:  # noqa: ARG002
        """Answer one request."""
        return get_predict_response(payload, self._estimator.predict(get_predict_input(payload)), self.name)


if __name__ == "__main__":
    port, folder = sys.argv[1:]
    models = [SklearnModel(path) for path in sorted(Path(folder).glob("*.joblib"))]
    ModelServer(http_port=int(port), enable_grpc=False, workers=1, access_log_format=None).start(models)
