"""Requests to send to clusters: lines of a file, or the recorded examples of a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError, model_validator

from bluegrid_registry import ConfigError, Example
from bluegrid_registry.formats.example import request_of
from bluegrid_registry.frozen import Frozen

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid.operations.predictions import ClusterClient, Prediction
    from bluegrid_registry import AnyExample


class PredictionRequest(Frozen):
    """A request to one model: rows in the simple form, or tensors in the Open Inference Protocol."""

    model: str
    """UID of the model."""
    instances: list[Any] | None = None
    """Rows of features, or objects by name: the body of `POST predict`."""
    inputs: list[Any] | None = None
    """Input tensors, in place of rows."""
    outputs: list[Any] | None = None
    """Names of the requested outputs, as the protocol has them; None: those that the model gives."""

    @model_validator(mode="after")
    def _has_one_form(self) -> PredictionRequest:
        has_outputs = self.outputs is not None
        if (self.instances is None) is (self.inputs is None) or (has_outputs and self.inputs is None):
            raise ValueError("expected either instances, or inputs and perhaps outputs")
        return self

    @classmethod
    def of(cls, uid: str, example: AnyExample) -> PredictionRequest:
        """Return the request of a recorded example."""
        if isinstance(example, Example):
            return cls(model=uid, instances=[[*row] for row in example.inputs])
        return cls(model=uid, **request_of(example))

    def sent_to(self, cluster: ClusterClient, turn: int) -> Prediction:
        """Return the answer of a cluster; arguments and errors as `ClusterClient.predict`."""
        if self.instances is not None:
            return cluster.predict(self.model, self.instances, turn)
        return cluster.infer(self.model, self.model_dump(include={"inputs", "outputs"}), turn)


def read_requests(file: Path) -> list[PredictionRequest]:
    """Read a file of JSON lines: `{"model": "line-17", "instances": [[12.5, 3.1]]}`, or with `inputs`.

    Raises:
        ConfigError: the file cannot be read, is empty, or has a line that is not a request.
    """
    form = 'expected lines such as {"model": "line-17", "instances": [[12.5, 3.1]]}'
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}; {form}") from None
    requests = []
    for number, line in enumerate(lines, start=1):
        try:
            requests += [PredictionRequest.model_validate_json(line)] if line.strip() else []
        except ValidationError:
            raise ConfigError(f"{file}:{number}: is not a request; {form}") from None
    if not requests:
        raise ConfigError(f"{file}: has no requests; {form}")
    return requests
