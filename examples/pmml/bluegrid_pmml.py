"""PMML: models of R, SAS, KNIME, Spark and others as XML documents, evaluated by PMML4S on a JVM.

    registry    recognises a document, refuses one with a document type definition, reads its version
    server      loads it: numbers as one tensor `x`, or a tensor a column where there are words; answers `y`,
                and on request `probability` and the document's other outputs by their names

The JVM runs in the server's process, and its threads do not outlive a fork: the entry point is the function
`load` alone, so each worker loads the models itself.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

import numpy as np

from bluegrid_registry import ModelError, ModelType, Unfit
from bluegrid_server.frameworks import Datatype, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]


class _Prolog:
    """What stands before the content of a document: its encoding, its root element, whether it has a DTD."""

    def __init__(self, data: bytes) -> None:
        self.encoding, self.root, self.version, self.has_dtd = "utf-8", "", "", False
        self.fault = ""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.XmlDeclHandler = self._declare
        parser.StartDoctypeDeclHandler = self._begin_dtd
        parser.StartElementHandler = self._begin_root
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            self.fault = str(error)
        except StopIteration:
            pass

    def _declare(self, _: str, encoding: str | None, __: int) -> None:
        self.encoding = encoding or self.encoding

    def _begin_dtd(self, *_: object) -> None:
        self.has_dtd = True
        raise StopIteration

    def _begin_root(self, name: str, attributes: dict[str, str]) -> None:
        self.root, self.version = name.rpartition(" ")[2], attributes.get("version", "")
        raise StopIteration


def _fault(data: bytes) -> str | None:
    prolog = _Prolog(data)
    if prolog.has_dtd:
        # PMML is described by a schema. Entities of a DTD could name files, or expand to gigabytes.
        return Unfit("has a document type definition, which no PMML document needs; remove it")
    if prolog.fault:
        return f"is not XML: {prolog.fault}"
    return None if prolog.root == "PMML" else f"has the root element {prolog.root}, not PMML"


TYPE = ModelType(
    "pmml", "pmml", "a PMML document", _fault, writer=lambda data: _Prolog(data).version or None, newest=4
)
"""The row of the table of model types: loading runs no code of the document's author."""


@cache
def _pypmml() -> Any:
    """Import pypmml and start the JVM: in `load`, for the server forks after it has imported this module."""
    import pypmml
    from pypmml.base import PMMLContext

    PMMLContext.getOrCreate(gateway="jpype")  # py4j would listen on a port
    return pypmml


_DATATYPES = {
    **dict.fromkeys(("string", "date", "time", "dateTime"), Datatype.BYTES),
    "boolean": Datatype.BOOL,
}
"""Datatype by PMML's data type; all others are numbers: FP64, so that a value may be missing (NaN)."""

_NO_INTEGER = -(2**63)
"""What PMML4S returns in place of an integer where there is no result."""


class PmmlModel:
    """A document, as a pod calls it."""

    def __init__(self, model: Any) -> None:
        # Also the outputs that a document has by default: it lists only others, or none.
        self._model = model.setSupplementOutput(True)
        fields = [(field.name, _DATATYPES.get(field.dataType, Datatype.FP64)) for field in model.inputFields]
        names = tuple(name for name, _ in fields)
        self._is_table = all(datatype == Datatype.FP64 for _, datatype in fields)
        self.inputs = (
            (TensorSpec("x", (-1, len(names)), columns=names),)
            if self._is_table
            else tuple(TensorSpec(name, (-1, 1), datatype) for name, datatype in fields)
        )
        self._names = names
        outputs = {field.name: field for field in model.outputFields}
        self._label = next(
            (name for name, field in outputs.items() if str(field.feature) == "predictedValue"), None
        )
        if self._label is None:
            raise ModelError("predicts nothing: it has no output predictedValue")
        by_class = {
            _class_of(field.value): name
            for name, field in outputs.items()
            if str(field.feature) == "probability" and field.value is not None
        }
        self._probabilities = [by_class[each] for each in map(_class_of, model.classes) if each in by_class]
        # PMML4S's own `probability` is that of the answer alone.
        hidden = {self._label, "y", "probability", *(f"probability_{each}" for each in by_class)}
        self.outputs = (
            TensorSpec("y", (-1,), _datatype(outputs[self._label])),
            *self._probability(tuple(map(_class_of, model.classes))),
            *(
                TensorSpec(name, (-1,), _datatype(field), on_request=True)
                for name, field in outputs.items()
                if name not in hidden
            ),
        )

    def _probability(self, classes: tuple[str | int | float | bool, ...]) -> Iterator[TensorSpec]:
        if classes and len(classes) == len(self._probabilities):
            yield TensorSpec("probability", (-1, len(classes)), classes=classes, on_request=True)

    def predict(self, inputs: Arrays) -> Arrays:
        """Return `y` (n,); a row without a result is NaN or "", or else an error."""
        return {"y": _array(self.outputs[0], [row.get(self._label) for row in self._rows(inputs)])}

    def on_request(self, inputs: Arrays, names: Collection[str]) -> Arrays:
        """Return `probability` (n, classes) and the document's other outputs (n,), those that are named."""
        rows = [*self._rows(inputs)]
        found = {}
        for spec in self.outputs:
            if spec.name in names and spec.name != "probability":
                found[spec.name] = _array(spec, [row.get(spec.name) for row in rows])
        if "probability" in names:
            columns = [
                _array(self.outputs[1], [row.get(name) for row in rows]) for name in self._probabilities
            ]
            found["probability"] = np.stack(columns, axis=1)
        return found

    def _rows(self, inputs: Arrays) -> Iterator[Any]:
        """Yield the outputs of each row by PMML's names: a map of Java."""
        columns = inputs["x"].T if self._is_table else [inputs[name].reshape(-1) for name in self._names]
        for row in zip(*(column.tolist() for column in columns), strict=True):
            yield self._model.predict(dict(zip(self._names, map(_value, row), strict=True)))


def _value(element: Any) -> Any:
    """Return an element as PMML4S takes it: None where a number is missing, text as str."""
    if isinstance(element, bytes):
        return element.decode()
    return None if element != element else element  # NaN is not equal to itself


def _datatype(field: Any) -> Datatype:
    """Return the datatype of an output."""
    if field.dataType == "integer" and field.opType != "continuous":
        return Datatype.INT64
    return _DATATYPES.get(field.dataType, Datatype.FP64)


def _array(spec: TensorSpec, values: list[Any]) -> NDArray[Any]:
    """Return the values of one output, None where there is no result."""
    if spec.datatype == Datatype.BYTES:
        return np.array(["" if value is None else str(value) for value in values], dtype=object)
    if spec.datatype == Datatype.FP64:
        return np.array([np.nan if value is None else float(value) for value in values])
    for row, value in enumerate(values):
        if value in (None, _NO_INTEGER):
            raise ValueError(f"row {row} has no {spec.name}: a value is missing or not valid")
    return np.array(values, dtype=bool if spec.datatype == Datatype.BOOL else np.int64)


def _class_of(value: Any) -> str | int | float | bool:
    """Return a class as Python has it: JPype's numbers are subclasses of Python's."""
    kinds: tuple[type[bool] | type[int] | type[float], ...] = (bool, int, float)
    return next((kind(value) for kind in kinds if isinstance(value, kind)), str(value))


def load(path: Path, trust: Iterable[str] = ()) -> PmmlModel:  # noqa: ARG001 - nothing in it runs code
    """Load a document; ModelError if PMML4S does not support it."""
    data = path.read_bytes()
    if (fault := _fault(data)) is not None:
        raise ModelError(fault if isinstance(fault, Unfit) else f"is not a PMML document: it {fault}")
    try:
        return PmmlModel(_pypmml().Model.fromString(data.decode(_Prolog(data).encoding)))
    except (_pypmml().PMMLError, UnicodeDecodeError, LookupError) as error:
        raise ModelError(f"is not a PMML document that PMML4S reads: {error}") from None
