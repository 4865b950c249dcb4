"""Which file of an MLflow model is the model, in the format of a set's type.

An MLflow model is a folder whose `MLmodel`, a YAML file, names its flavours and the file of each. Source:
mlflow.org/docs/latest/ml/model, "Storage Format".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from bluegrid_registry import FormatError

if TYPE_CHECKING:
    from bluegrid_registry import ModelType

MLMODEL = "MLmodel"
_PYFUNC = "python_function"
Flavour = Mapping[str, Any]


@dataclass(frozen=True)
class _Native:
    """The native file of a flavour.

    Attributes:
        framework: of the sets that hold it.
        key: of the file's name in the flavour.
        file_type: returns the type of the file, or None if no set holds it.
        remedy: how to log a model whose file a set holds; `{formats}` stands for one of `formats`.
        formats: file types that MLflow can be told to write.
    """

    framework: str
    key: str
    file_type: Callable[[Flavour, str], str | None]
    remedy: str
    formats: tuple[str, ...] = ()

    def remedy_for(self, model_type: ModelType) -> str:
        """Return how to log a model for a set of this type."""
        wanted = model_type.file_type
        formats = (wanted,) if wanted in self.formats else self.formats
        return self.remedy.format(formats=" or ".join(map(repr, formats)))


def _of_sklearn(flavour: Flavour, file: str) -> str | None:
    written = str(flavour.get("serialization_format", PurePosixPath(file).suffix[1:]))
    return {"cloudpickle": "pickle", "pickle": "pickle", "skops": "skops"}.get(written)


def _of_xgboost(flavour: Flavour, file: str) -> str | None:
    written = str(flavour.get("model_format", PurePosixPath(file).suffix[1:]))
    return written if written in ("ubj", "json") else None


def _of_lightgbm(_: Flavour, file: str) -> str | None:
    # The wrappers of scikit-learn's interface are logged as pickles.
    return "txt" if PurePosixPath(file).suffix in (".lgb", ".txt") else None


def _of_onnx(_: Flavour, __: str) -> str | None:
    return "onnx"


_NATIVE: Mapping[str, _Native] = {
    "sklearn": _Native(
        "scikit-learn",
        "pickled_model",
        _of_sklearn,
        "log it with serialization_format={formats}",
        ("skops", "pickle"),
    ),
    "xgboost": _Native("xgboost", "data", _of_xgboost, "log it with model_format={formats}", ("ubj", "json")),
    "lightgbm": _Native(
        "lightgbm", "data", _of_lightgbm, "log its Booster: mlflow.lightgbm.log_model(model.booster_)"
    ),
    "onnx": _Native("onnx", "data", _of_onnx, "log it with mlflow.onnx.log_model"),
}


def native_file(mlmodel: Any, model_type: ModelType, set_id: str) -> str:
    """Return the path of the file in the model's folder that is a model of the set's type.

    Args:
        mlmodel: the contents of `MLmodel`, untrusted.
        model_type: of the set.
        set_id: the set, for messages.

    Raises:
        FormatError: there is none; the message names the flavour and what to do.
    """
    flavours = mlmodel.get("flavors") if isinstance(mlmodel, dict) else None
    if not isinstance(flavours, dict) or not flavours:
        raise FormatError("its MLmodel names no flavour; log it again with MLflow")
    known = {name: native for name, native in _NATIVE.items() if isinstance(flavours.get(name), dict)}
    name = next((name for name, native in known.items() if native.framework == model_type.framework), None)
    if name is None:
        raise FormatError(_not_held(flavours, [*known.values()], model_type, set_id))
    native, flavour = known[name], flavours[name]
    file = str(flavour.get(native.key, ""))
    path = PurePosixPath(file)
    if not file or path.is_absolute() or ".." in path.parts:
        raise FormatError(f"its flavour {name} names no file ({file!a}); log it again with MLflow")
    file_type = native.file_type(flavour, file)
    if file_type is None:
        raise FormatError(
            f"its flavour {name} is in {file}, which no set holds; {native.remedy_for(model_type)}"
        )
    if file_type != model_type.file_type:
        its = f"{native.framework}/{file_type}"
        raise FormatError(
            f"its flavour {name} is in {file}, of type {its}, and set {set_id} holds {model_type}; "
            f"import it into a set of {its}, or {native.remedy_for(model_type)}"
        )
    return file


def _not_held(flavours: Mapping[str, Any], known: list[_Native], model_type: ModelType, set_id: str) -> str:
    named = ", ".join(sorted(map(str, {*flavours} - {_PYFUNC}))) or _PYFUNC
    holds = f"its flavour is {named}, and set {set_id} holds {model_type}"
    if known:
        return f"{holds}; import it into a set of {known[0].framework}"
    return (
        f"{holds}; only sklearn, xgboost, lightgbm and onnx are imported: log it as one of them "
        "(mlflow.onnx.log_model), or push its files: bluegrid push"
    )
