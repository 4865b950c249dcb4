"""Recorded examples of a model: requests with the answers of training, in two forms.

    Example             rows of numbers, and one number for each row
    RecordedExample     a request of the Open Inference Protocol, and its response

A model has any number of examples. They are stored as one document, a JSON list with sorted keys: the same
examples give the same bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, FiniteFloat, ValidationError, model_validator

from bluegrid_registry.counts import counted
from bluegrid_registry.formats.recorded_tensor import RecordedTensor  # noqa: TC001 - pydantic reads it
from bluegrid_registry.frozen import Frozen, first_mistake

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_EXAMPLES_BYTES = 16 * 2**20
"""Largest document of one model's examples, in bytes: pods parse it before they serve."""

Allowance = Annotated[FiniteFloat, Field(ge=0)]


class Example(Frozen):
    """Rows of numbers, and the number that the model gave for each at training time."""

    atol: Allowance = 1e-9
    """Largest absolute difference that still counts as equal."""
    inputs: Annotated[
        tuple[Annotated[tuple[FiniteFloat | None, ...], Field(min_length=1)], ...], Field(min_length=1)
    ]
    """n rows of k features; None where a value is missing."""
    outputs: tuple[FiniteFloat | None, ...]
    """n predictions; None for one that is not finite."""
    rtol: Allowance = 1e-6
    """Largest relative difference that still counts as equal."""

    @model_validator(mode="after")
    def _shapes_agree(self) -> Example:
        if len({len(row) for row in self.inputs}) > 1:
            raise ValueError("rows of inputs differ in length")
        if len(self.inputs) != len(self.outputs):
            raise ValueError(
                f"{counted(len(self.inputs), 'row')} of inputs, {counted(len(self.outputs), 'output')}"
            )
        return self


class RequestedOutput(Frozen):
    """An output that a recorded request names."""

    name: str

    @model_validator(mode="before")
    @classmethod
    def _without_parameters(cls, document: Any) -> Any:
        return _without(document, "parameters")


class RecordedRequest(Frozen):
    """A request as a client sends it; `id` and `parameters` are left out."""

    inputs: Annotated[tuple[RecordedTensor, ...], Field(min_length=1)]
    outputs: tuple[RequestedOutput, ...] | None = None
    """The requested outputs; None: those that the model gives if none is named."""

    @model_validator(mode="before")
    @classmethod
    def _without_envelope(cls, document: Any) -> Any:
        return _without(document, "id", "parameters", "model_name", "model_version")

    @model_validator(mode="after")
    def _inputs_are_sound(self) -> RecordedRequest:
        _require_distinct([tensor.name for tensor in self.inputs], "input")
        if empty := [tensor.name for tensor in self.inputs if 0 in tensor.shape]:
            raise ValueError(f"input {empty[0]!r} has no element")
        return self


class RecordedResponse(Frozen):
    """A response as a server sends it; all but its outputs is left out."""

    outputs: Annotated[tuple[RecordedTensor, ...], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _without_envelope(cls, document: Any) -> Any:
        return _without(document, "id", "parameters", "model_name", "model_version")

    @model_validator(mode="after")
    def _names_are_distinct(self) -> RecordedResponse:
        _require_distinct([tensor.name for tensor in self.outputs], "output")
        return self


class OutputTolerance(Frozen):
    """Differences that still count as equal in one output; None: the example's."""

    atol: Allowance | None = None
    rtol: Allowance | None = None


class RecordedExample(Frozen):
    """A request, and the response that the model gave at training time."""

    atol: Allowance = 1e-9
    """Largest absolute difference of two numbers that still counts as equal."""
    request: RecordedRequest
    response: RecordedResponse
    """The outputs that a loaded model must reproduce."""
    rtol: Allowance = 1e-6
    """Largest relative difference of two numbers that still counts as equal."""
    tolerances: dict[str, OutputTolerance] | None = None
    """By output. Integers are compared exactly unless their output is named here."""

    @model_validator(mode="after")
    def _tolerances_are_of_outputs(self) -> RecordedExample:
        names = [tensor.name for tensor in self.response.outputs]
        if strays := [name for name in self.tolerances or {} if name not in names]:
            known = ", ".join(map(repr, names))
            raise ValueError(f"tolerances: {strays[0]!r} is not an output of the response, which has {known}")
        return self

    def tolerance(self, output: str) -> tuple[float, float]:
        """Return rtol and atol of an output."""
        own = (self.tolerances or {}).get(output) or OutputTolerance()
        return (
            self.rtol if own.rtol is None else own.rtol,
            self.atol if own.atol is None else own.atol,
        )


AnyExample = Example | RecordedExample
"""A recorded example in either form."""


def request_of(example: RecordedExample) -> dict[str, Any]:
    """Return the example's request as JSON has it, with all outputs that its response has."""
    wanted = [tensor.name for tensor in example.response.outputs]
    document = example.request.model_dump(mode="json", exclude={"outputs"})
    return document | {"outputs": [{"name": name} for name in wanted]}


def examples_document(examples: Iterable[AnyExample]) -> bytes:
    """Return a model's examples as the document to store; equal examples give equal bytes."""
    documents = [example.model_dump(mode="json", exclude_none=True) for example in examples]
    # pydantic writes fields in their order; the keys of `tolerances` and of tensors have to be sorted too.
    return json.dumps(
        documents, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def parse_examples(text: str | bytes, place: str) -> tuple[AnyExample, ...]:
    """Return the examples in a JSON document: one example, or a list of them.

    Args:
        text: the document, untrusted.
        place: the model or file, for messages.

    Raises:
        ValueError: the message begins with the place of the first mistake.
    """
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place}: is not JSON: {error}") from None
    if not isinstance(document, list):
        return (_parsed(document, place),)
    if not document:
        raise ValueError(f"{place}: an empty list; give an example, or leave the model out")
    return tuple(_parsed(each, f"{place}.{number}") for number, each in enumerate(document))


def as_examples(examples: AnyExample | Sequence[AnyExample] | None) -> tuple[AnyExample, ...]:
    """Return the examples of one model, given as none, one or several, as a tuple."""
    if examples is None:
        return ()
    return (examples,) if isinstance(examples, Example | RecordedExample) else tuple(examples)


def _parsed(document: Any, place: str) -> AnyExample:
    is_recorded = isinstance(document, dict) and not {"request", "response"}.isdisjoint(document)
    form: type[AnyExample] = RecordedExample if is_recorded else Example
    try:
        return form.model_validate(document)
    except ValidationError as error:
        mistake = first_mistake(error)
        raise ValueError(f"{place}{_joined(mistake)}") from None


def _joined(mistake: str) -> str:
    # The mistake of a whole example stands behind its UID.
    return f": {mistake.removeprefix('whole: ')}" if mistake.startswith("whole: ") else f".{mistake}"


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON; write null for a number that is not finite")


def _require_distinct(names: list[str], what: str) -> None:
    twice = (name for name, count in Counter(names).items() if count > 1)
    if (name := next(twice, None)) is not None:
        raise ValueError(f"{what} {name!r} is there twice")


def _without(document: Any, *keys: str) -> Any:
    """Return the document without fields of the protocol that examples do not keep."""
    if not isinstance(document, dict):
        return document
    return {key: value for key, value in document.items() if key not in keys}
