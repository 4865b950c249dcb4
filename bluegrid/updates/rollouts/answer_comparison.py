"""Compares the answers of a new cluster and of the live cluster, for recorded examples."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, TypeVar

from bluegrid.operations import ClusterClient, PredictionRequest, compare
from bluegrid.updates.rollouts.context import namespace_of
from bluegrid.updates.rollouts.failures import RolloutFailed
from bluegrid_registry import Example, read_manifest, stored_examples
from bluegrid_registry.counts import share_of
from bluegrid_registry.registry_files.update_policy import Tolerance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bluegrid.operations.prediction_comparison import AnswerDifference
    from bluegrid.updates.rollouts.context import RolloutContext
    from bluegrid_registry import AnyExample, Store

MAX_COMPARED = 500
"""The most models that are compared, taken evenly from all; each is sent to both clusters."""
MAX_REQUESTS = 2000
"""The most recorded examples of these models that are sent, taken evenly from all."""
PLAUSIBLE_SHARE = 0.05
"""The share of compared models that may differ by more than the tolerance, if the set has no limits."""
PLAUSIBLE_LABELS = 0.5
"""The share of a request's labels that may differ, if the set has no limits: a retrained classifier moves
borders between classes."""

T = TypeVar("T")


def require_alike(context: RolloutContext, store: Store, cluster: str) -> None:
    """Send the inputs of recorded examples to the live cluster and to a new one, and compare the answers.

    Args:
        context: the rollout.
        store: the store of the versions.
        cluster: the new cluster.

    Raises:
        RolloutFailed: the new cluster does not answer where the live one does, or differs too much.
        BluegridError: a cluster or the store cannot be read.
    """
    stack, name = context.stacks[0], context.service.name
    live = context.service.live_in(stack.region)
    if live == cluster:
        return
    examples = _examples(context, store, context.service.cluster(live).version)
    context.progress.require_wanted()
    if not examples:
        return
    namespace = namespace_of(stack)
    first, second = (ClusterClient.of(namespace, name, each) for each in (live, cluster))
    within = context.policy.within or plausible(examples)
    found = compare(
        first,
        second,
        [PredictionRequest.of(uid, example) for uid, example in examples],
        rtol=within.rtol,
        atol=within.atol,
        labels=0.0 if context.policy.within else PLAUSIBLE_LABELS,
    )
    models = len({uid for uid, _ in examples})
    silent = [each for each in found.differing if each.refused == (cluster,)]
    if silent:
        fault = f"{cluster} gives no prediction for {_models(silent)} of {models} models"
        raise RolloutFailed(f"{fault}: {silent[0].text}")
    off = [each for each in found.differing if not each.refused]
    if _models(off) > share_of(within.share, models):
        fault = f"{_models(off)} of {models} models are further off {live} than allowed"
        raise RolloutFailed(f"{fault}, such as {off[0].model}: {off[0].text}")


def _models(differences: Sequence[AnswerDifference]) -> int:
    return len({each.model for each in differences})


def plausible(examples: Sequence[tuple[str, AnyExample]]) -> Tolerance:
    """Return the limits for a set without limits; they only detect implausible answers.

    An answer may differ by the largest recorded output of the live version, plus its own size.
    """
    largest = max((abs(each) for _, example in examples for each in _numbers(example)), default=0.0)
    return Tolerance(rtol=1.0, atol=largest or math.inf, share=PLAUSIBLE_SHARE)


def _numbers(example: AnyExample) -> Iterator[float]:
    """Yield the finite numbers of all recorded outputs."""
    outputs = (
        [example.outputs]
        if isinstance(example, Example)
        else [each.data for each in example.response.outputs]
    )
    for value in itertools.chain.from_iterable(outputs):
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield value


def _examples(context: RolloutContext, store: Store, live_version: str) -> list[tuple[str, AnyExample]]:
    """Return the live version's recorded examples, with UIDs, of models that the new version has too."""
    set_id, known = context.file.set.id, {each.id: each for each in context.file.versions}
    new, live = (
        read_manifest(store, set_id, version, known[version].manifest)
        for version in (context.version, live_version)
    )
    uids = {row.uid for row in new.models}
    rows = _evenly([row for row in live.models if row.has_examples and row.uid in uids], MAX_COMPARED)
    found = stored_examples(store, live, rows)
    return _evenly([(row.uid, example) for row in rows for example in found[row.uid]], MAX_REQUESTS)


def _evenly(items: Sequence[T], most: int) -> list[T]:
    return [*items[:: math.ceil(len(items) / most) or 1]]
