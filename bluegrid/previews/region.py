"""Sentences and risks for what belongs to no service: namespace, credentials, quota, provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid.previews.resource_changes import CREATE, DELETE
from bluegrid.previews.service_sentences import Risk
from bluegrid.previews.topics import Topic
from bluegrid.previews.wording import listed, value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bluegrid.previews.topics import Aspect

_CONNECTION = ("context", "kubeconfig")
"""Inputs of a provider that select its Kubernetes cluster."""


def sentences(topic: Topic, aspects: Sequence[Aspect]) -> list[str]:
    """Return the sentences about aspects of one topic."""
    return list(_WORDS[topic](aspects))


def risks(topic: Topic, aspects: Sequence[Aspect]) -> list[Risk]:
    """Return the risks of aspects of one topic."""
    return list(_RISKS[topic](aspects)) if topic in _RISKS else []


def _namespace(aspects: Sequence[Aspect]) -> Iterator[str]:
    for each in aspects:
        if each.change.op in (CREATE, DELETE):
            yield f"**{each.change.op}** namespace {each.change.object.name} with what its pods need there"
    if names := _renamed(aspects):
        count = len({(each.change.type, each.change.name) for each in aspects})
        yield f"**replace** namespace {names}: {count} resources are made there, and deleted here"


def _namespace_risks(aspects: Sequence[Aspect]) -> Iterator[Risk]:
    if names := _renamed(aspects):
        yield Risk(
            "",
            f"namespace {names}: Secrets and quotas that others have made do not come along; "
            "make the certificate of bluegrid:tlsSecret there first",
        )


def _renamed(aspects: Sequence[Aspect]) -> str:
    """Return the old and the new name of a namespace; empty if it keeps its name."""
    # The Namespace has its new name; other resources may get theirs only in the update.
    ordered = sorted(aspects, key=lambda each: each.change.kind != "Namespace")
    pairs = [(each.difference.old, each.difference.new) for each in ordered if each.difference is not None]
    return f"{value(pairs[0][0])} → {value(pairs[0][1])}" if pairs else ""


def _provider(aspects: Sequence[Aspect]) -> Iterator[str]:
    for each in aspects:
        change = each.change
        if change.op in (CREATE, DELETE):
            inputs = change.new or change.old or {}
            yield f"**{change.op}** the stack's access by kube context {value(inputs.get('context'))}"
        elif each.difference is None:
            yield f"**replace** provider {change.name}, and with it whatever it has made"
        elif each.difference.path in _CONNECTION:
            yield f"**{_connection(each)}**"
        else:
            yield f"provider {change.name}: {_pair(each)}"


def _provider_risks(aspects: Sequence[Aspect]) -> Iterator[Risk]:
    changed = [each for each in aspects if each.difference and each.difference.path in _CONNECTION]
    if changed:
        yield Risk(
            "",
            f"{', '.join(map(_connection, changed))}: if that is another cluster, nothing is made there that "
            "the stack's state already holds, and the old one keeps running; give a new cluster a new stack",
        )


def _connection(aspect: Aspect) -> str:
    assert aspect.difference is not None  # noqa: S101 - checked by callers
    name = "kube context" if aspect.difference.path == "context" else aspect.difference.path
    return f"{name} {_values(aspect)}"


def _credentials(aspects: Sequence[Aspect]) -> Iterator[str]:
    comes, goes = (_names([each for each in aspects if each.change.op == op]) for op in (CREATE, DELETE))
    if comes or goes:
        yield f"**credentials** by Secret {goes or 'none'} → {comes or 'none'}"
    if same := _names(_in_place(aspects)):
        yield f"**credentials** change: Secret {same}"
    if not (comes or goes or same):
        pairs = dict.fromkeys(_values(each) for each in aspects)
        yield f"**credentials** of pods: {', '.join(pairs)}"


def _in_place(aspects: Sequence[Aspect]) -> list[Aspect]:
    """Return the Secrets that keep their names: no pod is restarted for them."""
    return [each for each in aspects if each.change.kind == "Secret" and each.difference is not None]


def _credentials_risks(aspects: Sequence[Aspect]) -> Iterator[Risk]:
    if names := _names(_in_place(aspects)):
        yield Risk(
            "",
            f"credentials in Secret {names} change: pods read them when they start next; wrong ones are "
            "found only then; restart a standby after the update: kubectl rollout restart deployment/NAME",
        )


def _identity(aspects: Sequence[Aspect]) -> Iterator[str]:
    pairs = (f"{_pair(each).removeprefix('metadata.annotations.')}" for each in aspects)
    yield f"**identity** of the pods: {', '.join(pairs)}"


def _quota(aspects: Sequence[Aspect]) -> Iterator[str]:
    for each in aspects:
        if each.difference is None:
            hard = each.change.object.spec.get("hard", {})
            what = ", ".join(f"{name} {value(most)}" for name, most in sorted(hard.items()))
            yield f"{each.change.op} quota: {what}"
        else:
            name = each.difference.path.removeprefix("spec.hard.")
            yield f"quota: {name} {_values(each)}"


def _network(aspects: Sequence[Aspect]) -> Iterator[str]:
    yield f"network policy of the pods changes: {_paths(aspects)}"


def _standing_hosts(aspects: Sequence[Aspect]) -> Iterator[str]:
    routes = listed(sorted({each.change.name for each in aspects}))
    yield f"hosts of standing routes change (routeKey or standingDomain): {routes}"


def _replacement(aspects: Sequence[Aspect]) -> Iterator[str]:
    for each in aspects:
        paths = ", ".join(difference.path for difference in each.change.differences)
        why = f" ({paths})" if paths else ""
        yield f"**replace** {_name(each)}{why}: it is deleted and made again"


def _replacement_risks(aspects: Sequence[Aspect]) -> Iterator[Risk]:
    for each in aspects:
        message = "is replaced, not updated: as long as its name stays, Pulumi deletes it first"
        yield Risk(each.cluster[0], f"{_name(each)} {message}")


_WORDS: Mapping[Topic, Callable[[Sequence[Aspect]], Iterator[str]]] = {
    Topic.PROVIDER: _provider,
    Topic.NAMESPACE: _namespace,
    Topic.CREDENTIALS: _credentials,
    Topic.IDENTITY: _identity,
    Topic.QUOTA: _quota,
    Topic.NETWORK: _network,
    Topic.STANDING_HOSTS: _standing_hosts,
    Topic.REPLACEMENT: _replacement,
}
_RISKS: Mapping[Topic, Callable[[Sequence[Aspect]], Iterator[Risk]]] = {
    Topic.PROVIDER: _provider_risks,
    Topic.NAMESPACE: _namespace_risks,
    Topic.CREDENTIALS: _credentials_risks,
    Topic.REPLACEMENT: _replacement_risks,
}
TOPICS = tuple(_WORDS)
"""The topics that have words here, in the order of the report."""


def _name(aspect: Aspect) -> str:
    return f"{aspect.change.kind} {aspect.change.name}"


def _names(aspects: Sequence[Aspect]) -> str:
    return listed(sorted({each.change.object.name for each in aspects}))


def _paths(aspects: Sequence[Aspect]) -> str:
    return ", ".join(each.difference.path for each in aspects if each.difference is not None)


def _pair(aspect: Aspect) -> str:
    assert aspect.difference is not None  # noqa: S101 - checked by callers
    return f"{aspect.difference.path} {_values(aspect)}"


def _values(aspect: Aspect) -> str:
    assert aspect.difference is not None  # noqa: S101 - checked by callers
    return f"{value(aspect.difference.old)} → {value(aspect.difference.new)}"
