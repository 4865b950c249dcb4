"""The simple form: rows of one model as lists or as objects by name, and predictions as nested lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.engine.inference import Answer, answer
from bluegrid_server.errors import InputError
from bluegrid_server.protocol.requests import InferRequest
from bluegrid_server.protocol.tensor_spec import Datatype
from bluegrid_server.protocol.tensors import DATATYPES, columns_of, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bluegrid_server.models.version import ServedModel
    from bluegrid_server.protocol.json_types import TensorDocument
    from bluegrid_server.protocol.tensor_spec import TensorSpec


def predictions_of(served: ServedModel, instances: Any, outputs: Any = None) -> tuple[Any, Answer]:
    """Return a model's predictions for rows, and its answer, which they are made of.

    Args:
        served: the model.
        instances: rows, unchecked: lists of values, or objects by the names of columns or inputs.
        outputs: names of the outputs to return, or objects that have them, unchecked; None: as the set says.

    Returns:
        Nested lists, in a dict by name if there are several outputs; values that are not finite are null.

    Raises:
        RequestError: the rows do not fit the model, or the model fails.
    """
    if not isinstance(instances, list) or not instances:
        raise InputError('instances: expected a list of rows, such as {"instances": [[1.0, 2.0]]}')
    specs = served.model.inputs
    if isinstance(instances[0], dict):
        tensors = _by_name(columns_of(specs) or specs, instances)
    elif len(specs) == 1:
        tensors = [_tensor(specs[0], instances)]
    elif specs[0].table and _are_numbers(instances):
        tensors = [_tensor(table_of(specs), instances)]
    elif all(spec.is_column for spec in specs):
        tensors = _by_position(specs, instances)
    else:
        names = ", ".join(repr(spec.name) for spec in specs)
        raise InputError(f"instances: expected rows as objects of the model's inputs: {names}")
    document = {"inputs": tensors, "outputs": _by_their_names(outputs)}
    infer_request = InferRequest(document, specs, served.model.outputs, defaults=served.defaults)
    answered = answer(served, infer_request.inputs, infer_request.outputs, infer_request.on_request)
    by_name = {output["name"]: _nested(output) for output in answered.outputs}
    predictions = next(iter(by_name.values())) if len(by_name) == 1 else by_name
    return predictions, answered


def _by_their_names(outputs: Any) -> Any:
    """Return outputs as the protocol has them; what is neither a name nor an object stays, to be refused."""
    if not isinstance(outputs, list):
        return outputs
    names = [each.get("name") if isinstance(each, dict) else each for each in outputs]
    return [{"name": name} for name in names]


def _are_numbers(instances: Sequence[Any]) -> bool:
    return all(isinstance(row, list) and not any(isinstance(each, str) for each in row) for row in instances)


def _by_name(specs: Sequence[TensorSpec], instances: Sequence[Any]) -> list[TensorDocument]:
    if not all(isinstance(row, dict) for row in instances):
        number = next(number for number, row in enumerate(instances) if not isinstance(row, dict))
        raise InputError(f"instances[{number}]: expected an object, as the first row is")
    # All rows have the same inputs; an optional one may also be null in all of them. Columns that the model
    # does not use are left out.
    names = {
        spec.name
        for spec in specs
        if not spec.optional or any(row.get(spec.name) is not None for row in instances)
    }
    without_effect = {*(spec.name for spec in specs), *specs[0].ignored} - names
    for number, row in enumerate(instances):
        if wrong := (row.keys() - without_effect) ^ names:
            name = min(wrong)
            fault = "is missing" if name in names else "is no input of the model"
            expected = ", ".join(repr(spec.name) for spec in specs)
            raise InputError(f"instances[{number}]: {name!r} {fault}; expected {expected}")
    return [_tensor(spec, [row[spec.name] for row in instances]) for spec in specs if spec.name in names]


def _by_position(specs: Sequence[TensorSpec], instances: Sequence[Any]) -> list[TensorDocument]:
    for number, row in enumerate(instances):
        if not isinstance(row, list) or len(row) != len(specs):
            names = ", ".join(repr(spec.name) for spec in specs)
            raise InputError(f"instances[{number}]: expected a list of {len(specs)} values: {names}")
    return [_tensor(spec, [row[place] for row in instances]) for place, spec in enumerate(specs)]


def _tensor(spec: TensorSpec, data: list[Any]) -> TensorDocument:
    shape: list[int] = []
    level: Any = data
    while isinstance(level, list) and (spec.any_rank or len(shape) < len(spec.shape)):
        shape.append(len(level))
        level = level[0] if level else None
    are_digits = spec.takes_integers and not any(isinstance(element, str | None) for element in data)
    datatype = Datatype.INT64 if are_digits else Datatype(spec.datatype)
    if are_digits or DATATYPES[datatype].kind == "f":
        data = _with_flags_as_numbers(data)
    return {"name": spec.name, "shape": shape, "datatype": datatype, "data": data}


def _with_flags_as_numbers(data: list[Any]) -> list[Any]:
    """Return data with true and false as 1 and 0: a column of flags of a table counts as numbers."""
    if any(isinstance(element, list) for element in data):
        return [_with_flags_as_numbers(each) if isinstance(each, list) else each for each in data]
    if not any(isinstance(element, bool) for element in data):
        return data
    return [int(element) if isinstance(element, bool) else element for element in data]


def _nested(output: TensorDocument) -> Any:
    data = output["data"]
    # Strings are a list; without dtype object, NumPy would pad them to the longest.
    array = np.array(data, dtype=object) if isinstance(data, list) else data
    return array.reshape(output["shape"]).tolist()
