"""What a loader returns is checked as far as the server relies on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bluegrid_registry import ModelError
from bluegrid_server.frameworks import TensorSpec
from bluegrid_server.frameworks.model import check_interface
from bluegrid_server.models.version import LoadableVersion, load

if TYPE_CHECKING:
    from pathlib import Path

X, Y = TensorSpec("x", (-1, 3)), TensorSpec("y", (-1,))


class Loaded:
    """A model with these specs, of any type."""

    def __init__(self, inputs: Any = (X,), outputs: Any = (Y,)) -> None:
        self.inputs, self.outputs = inputs, outputs

    def predict(self, inputs: Any) -> Any:
        return {"y": inputs["x"].sum(axis=1)}


class Speechless:
    inputs, outputs = (X,), (Y,)


def test_a_model_as_the_server_needs_it_passes() -> None:
    check_interface(Loaded())


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        (Loaded(inputs=X), "whose inputs are not a tuple of TensorSpec"),
        (Loaded(inputs=[X]), "whose inputs are not a tuple of TensorSpec"),
        (Loaded(outputs=()), "whose outputs are not a tuple of TensorSpec"),
        (object(), "whose inputs are not a tuple of TensorSpec"),
        (Loaded(inputs=(X, X)), "with two inputs of one name: 'x', 'x'"),
        (
            Loaded(outputs=(TensorSpec("y", (-1,), "float64"),)),
            "whose 'y' is of 'float64', which is not a datatype",
        ),
        (Loaded(inputs=(TensorSpec("x", (0, 3)),)), r"whose 'x' has the shape \(0, 3\); -1 is any size"),
        (Speechless(), "without the method predict"),
        (
            Loaded(outputs=(Y, TensorSpec("score", (-1,), on_request=True))),
            "without the method on_request",
        ),
    ],
)
def test_a_model_that_the_server_cannot_call_is_the_fault_of_its_loader(model: Any, fault: str) -> None:
    with pytest.raises(ModelError, match=f"^is loaded as an object {fault}; fix its loader$"):
        check_interface(model)


def test_whatever_a_loader_raises_is_told_as_the_models_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def loader(path: Path) -> Any:
        raise OverflowError(f"no room in {path}")

    class Row:
        example, sha256 = None, "0"

    rows: Any = {"line-1": Row()}
    version = LoadableVersion(rows, {"line-1": tmp_path / "m"}, loader)
    with pytest.raises(ModelError, match=r"^cannot be loaded: OverflowError: no room in m$"):
        load(version, "line-1")
    assert "loader failed" in capsys.readouterr().out
