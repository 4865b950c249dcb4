"""The signature of a version that is being pushed, from its models' recorded examples and bytes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from bluegrid_registry.formats.example import RecordedExample, parse_examples
from bluegrid_registry.model_types.signature import ModelSignature, TensorSignature, common
from bluegrid_registry.model_types.tensors_of import signature_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bluegrid_registry.formats.example import AnyExample
    from bluegrid_registry.formats.recorded_tensor import RecordedTensor
    from bluegrid_registry.model_types.model_type import ModelType
    from bluegrid_registry.transfer.sources import LoadedModel

_SAMPLE = 32
"""Models that are read: the models of a set are alike, and reading one takes as long as sending ten."""
_ROWS_ARE_X = ("scikit-learn", "xgboost", "lightgbm", "catboost", "spark")
"""Frameworks whose models take the rows of an example's short form as input `x`; others have own names."""


class SignatureReader:
    """Reads the signatures of the first models of a push.

    Args:
        model_type: the type of the set.
    """

    def __init__(self, model_type: ModelType) -> None:
        self._type = model_type
        self._found: list[ModelSignature] = []
        self._left = _SAMPLE

    def read(self, models: Iterable[LoadedModel]) -> Iterator[LoadedModel]:
        """Yield the models unchanged."""
        # `map`, not a generator: a generator's frame would hold a model while its pack is sent.
        return map(self._read, models)

    def signature(self, kept: ModelSignature | None) -> ModelSignature | None:
        """Return what the version's models have in common, as far as it is known; None: nothing.

        Args:
            kept: signature of the base, if models of it stay.
        """
        return common(self._found if kept is None else [kept, *self._found])

    def _read(self, model: LoadedModel) -> LoadedModel:
        if self._left:
            self._left -= 1
            by_bytes, by_examples = signature_of(str(self._type), model.data), self._by_examples(model)
            if self._type.framework == "onnx":
                # A graph says which sizes may vary; an example has one of them, such as a window's length.
                self._found.append(by_bytes.with_outputs_as_in(by_examples).known_with(by_examples))
            else:
                self._found.append(by_examples.known_with(by_bytes))
        return model

    def _by_examples(self, model: LoadedModel) -> ModelSignature:
        if model.examples is None:
            return ModelSignature()
        with suppress(ValueError):  # a reader of the version will say what is wrong with them
            examples = parse_examples(model.examples.data, model.uid)
            return common(map(self._of_example, examples)) or ModelSignature()
        return ModelSignature()

    def _of_example(self, example: AnyExample) -> ModelSignature:
        if isinstance(example, RecordedExample):
            return ModelSignature.of(
                map(_tensor, example.request.inputs), map(_tensor, example.response.outputs)
            )
        if self._type.framework not in _ROWS_ARE_X:
            return ModelSignature()
        rows = TensorSignature(name="x", datatype="FP64", shape=(-1, len(example.inputs[0])))
        return ModelSignature.of([rows])


def _tensor(tensor: RecordedTensor) -> TensorSignature:
    # The first dimension is the number of rows, which a request chooses.
    return TensorSignature(name=tensor.name, datatype=tensor.datatype, shape=(-1, *tensor.shape[1:]))
