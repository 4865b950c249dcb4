"""Compares the answers of a new cluster and of the live cluster, for recorded examples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bluegrid.operations import ClusterClient, PredictionRequest, compare
from bluegrid.updates.rollouts.context import namespace_of
from bluegrid.updates.rollouts.failures import RolloutFailed
from bluegrid_registry import read_manifest
from bluegrid_registry.registry_files.update_policy import Tolerance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bluegrid.updates.rollouts.context import RolloutContext
    from bluegrid_registry import Store
    from bluegrid_registry.formats.example import Example

MAX_COMPARED = 500
"""The most models that are compared, taken evenly from all; each is sent to both clusters."""
PLAUSIBLE_SHARE = 0.05
"""The share of compared models that may differ by more than the tolerance, if the set has no limits."""


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
    requests = [
        PredictionRequest(model=uid, instances=[[*inputs] for inputs in example.inputs])
        for uid, example in examples
    ]
    context.progress.require_wanted()
    if not requests:
        return
    namespace = namespace_of(stack)
    first, second = (ClusterClient.of(namespace, name, each) for each in (live, cluster))
    within = context.policy.within or plausible(examples)
    found = compare(first, second, requests, rtol=within.rtol, atol=within.atol)
    silent = [each for each in found.differing if each.refused == (cluster,)]
    if silent:
        fault = f"{cluster} gives no prediction for {len(silent)} of {found.requests} models"
        raise RolloutFailed(f"{fault}: {silent[0].text}")
    off = [each for each in found.differing if not each.refused]
    if len(off) > within.share * found.requests:
        fault = f"{len(off)} of {found.requests} models are further off {live} than allowed"
        raise RolloutFailed(f"{fault}, such as {off[0].model}: {off[0].text}")


def plausible(examples: Sequence[tuple[str, Example]]) -> Tolerance:
    """Return the limits for a set without limits; they only detect implausible answers.

    An answer may differ by the largest recorded output of the live version, plus its own size.
    """
    largest = max((abs(each) for _, example in examples for each in example.outputs), default=0.0)
    return Tolerance(rtol=1.0, atol=largest or math.inf, share=PLAUSIBLE_SHARE)


def _examples(context: RolloutContext, store: Store, live_version: str) -> list[tuple[str, Example]]:
    """Return the recorded examples of the live version, by UID, for models that the new version has too."""
    set_id, known = context.file.set.id, {each.id: each for each in context.file.versions}
    new, live = (
        read_manifest(store, set_id, version, known[version].manifest)
        for version in (context.version, live_version)
    )
    uids = {row.uid for row in new.models}
    examples = [(row.uid, row.example) for row in live.models if row.example is not None and row.uid in uids]
    return examples[:: math.ceil(len(examples) / MAX_COMPARED) or 1]
