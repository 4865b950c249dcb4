"""The signature of a version: names, datatypes and shapes of the tensors that its models take and give.

A push records it in the manifest, so that a preview can tell whether a switch would break clients. It comes
from the models' recorded examples and, for types whose bytes show it, from the models; what is not known is
not there.
"""

from __future__ import annotations

from functools import reduce
from itertools import starmap
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from bluegrid_registry.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


MAX_DIMENSIONS = 32
"""Most dimensions of a tensor: releases of NumPy before 2 have no more, and the product of many is slow."""

Size = Annotated[int, Field(ge=-1, lt=2**63, strict=True)]

_MOST_NAMED = 5
"""Number of changes that a message names: a table may have hundreds of columns."""


class TensorSignature(Frozen):
    """A tensor that every model of the version takes or gives."""

    datatype: str
    name: str
    shape: Annotated[tuple[Size, ...], Field(max_length=MAX_DIMENSIONS)]
    """Sizes; -1: any size, or one that differs from model to model."""

    def __str__(self) -> str:
        sizes = ", ".join("n" if size == -1 else str(size) for size in self.shape)
        text = f"{self.name} {self.datatype} [{sizes}]"
        # Names come from model files: a line stays a line.
        return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


class ModelSignature(Frozen):
    """The tensors of a version's models, sorted by name."""

    inputs: tuple[TensorSignature, ...] = ()
    """Empty: not known."""
    outputs: tuple[TensorSignature, ...] = ()
    """Empty: not known. Models may give more on request."""

    @classmethod
    def of(cls, inputs: Iterable[TensorSignature], outputs: Iterable[TensorSignature] = ()) -> ModelSignature:
        """Return the signature of these tensors."""
        return cls(inputs=_sorted(inputs), outputs=_sorted(outputs))

    def known_with(self, other: ModelSignature) -> ModelSignature:
        """Return this signature; where it knows no inputs or no outputs, the other's."""
        return ModelSignature(inputs=self.inputs or other.inputs, outputs=self.outputs or other.outputs)

    def with_outputs_as_in(self, examples: ModelSignature) -> ModelSignature:
        """Return this signature with the sizes of examples where they are others than its own.

        A converter may declare a wrong size: skl2onnx declares the 96 outputs of a forest as one.
        """
        recorded = {tensor.name: tensor.shape for tensor in examples.outputs}
        outputs = [
            tensor.model_copy(update={"shape": _corrected(tensor.shape, recorded.get(tensor.name, ()))})
            for tensor in self.outputs
        ]
        return ModelSignature.of(self.inputs, outputs)


def _corrected(shape: tuple[int, ...], recorded: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) != len(recorded):
        return shape
    return tuple(size if size == -1 else other for size, other in zip(shape, recorded, strict=True))


def common(signatures: Iterable[ModelSignature]) -> ModelSignature | None:
    """Return what the signatures of a version's models have in common; None if nothing is known."""
    known = [each for each in signatures if each.inputs or each.outputs]
    if not known:
        return None
    inputs = reduce(_common_tensors, [each.inputs for each in known if each.inputs] or [()])
    outputs = reduce(_common_tensors, [each.outputs for each in known if each.outputs] or [()])
    return ModelSignature(inputs=inputs, outputs=outputs) if inputs or outputs else None


def breaking_changes(old: ModelSignature | None, new: ModelSignature | None) -> list[str]:
    """Return why requests of before fail, or answers are read otherwise; empty: no reason is known.

    A new output breaks no client; a new input does, since requests have to give it.
    """
    if old is None or new is None:
        return []
    return [*_changes("input", old.inputs, new.inputs), *_changes("output", old.outputs, new.outputs)]


def in_one_line(changes: Sequence[str]) -> str:
    """Return changes as a message has them: the first ones, and how many more there are."""
    more = len(changes) - _MOST_NAMED
    return "; ".join([*changes[:_MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])


def _sorted(tensors: Iterable[TensorSignature]) -> tuple[TensorSignature, ...]:
    return tuple(sorted(tensors, key=lambda tensor: tensor.name))


def _common_tensors(
    first: tuple[TensorSignature, ...], second: tuple[TensorSignature, ...]
) -> tuple[TensorSignature, ...]:
    others = {tensor.name: tensor for tensor in second}
    pairs = ((tensor, others[tensor.name]) for tensor in first if tensor.name in others)
    return tuple(tensor for tensor in starmap(_common_tensor, pairs) if tensor is not None)


def _common_tensor(first: TensorSignature, second: TensorSignature) -> TensorSignature | None:
    if first == second:
        return first
    if first.datatype != second.datatype or len(first.shape) != len(second.shape):
        return None
    sizes = zip(first.shape, second.shape, strict=True)
    return TensorSignature(
        name=first.name,
        datatype=first.datatype,
        shape=tuple(one if one == other else -1 for one, other in sizes),
    )


def _changes(what: str, old: Sequence[TensorSignature], new: Sequence[TensorSignature]) -> Iterator[str]:
    if not old or not new:
        return
    before, after = _by_name(old), _by_name(new)
    for name, was in before.items():
        now = after.get(name)
        if now is None:
            yield f"{what} {was} is gone"
        elif was.datatype != now.datatype or not _fits(was.shape, now.shape):
            yield f"{what} {was} becomes {now}"
    if what == "input":
        yield from (f"input {now} is new" for name, now in after.items() if name not in before)


def _by_name(tensors: Sequence[TensorSignature]) -> Mapping[str, TensorSignature]:
    return {tensor.name: tensor for tensor in tensors}


def _fits(was: Sequence[int], now: Sequence[int]) -> bool:
    """Return whether a tensor of the old shape surely fits the new one.

    A size that was the same in all models and is any size now changes in some of them. The first one counts
    rows, of which a model may come to take any number.
    """
    return len(was) == len(now) and all(
        new == old or old == -1 or (new == -1 and place == 0)
        for place, (old, new) in enumerate(zip(was, now, strict=True))
    )
