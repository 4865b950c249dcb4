"""What accounts need in Kubernetes: the roles in docs/operations/rbac, and what `bluegrid doctor` checks.

A role is bound in the stack's namespace, and holds for that namespace itself too: Kubernetes takes a
namespace to be in itself. Only to make and to delete one, and to see the URLs of other stacks, takes a right
in the whole cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LOOK = ("get", "list", "watch")
# Pulumi waits for what it deletes by a watch: without the right to it an update does not end.
_CHANGE = (*_LOOK, "create", "patch", "delete")


@dataclass(frozen=True)
class Rule:
    """Verbs that are allowed on kinds of one API group; a kind may be a subresource, such as pods/proxy."""

    group: str
    kinds: tuple[str, ...]
    verbs: tuple[str, ...]

    def asked(self) -> Iterator[tuple[str, str, str]]:
        """Yield (verb, kind, group) of all that it allows."""
        yield from ((verb, kind, self.group) for kind in self.kinds for verb in self.verbs)


_MADE = (
    Rule("", ("secrets", "serviceaccounts", "services", "resourcequotas"), _CHANGE),
    Rule("apps", ("deployments",), _CHANGE),
    Rule("autoscaling", ("horizontalpodautoscalers",), _CHANGE),
    Rule("batch", ("jobs",), _CHANGE),
    Rule("gateway.networking.k8s.io", ("httproutes",), _CHANGE),
    Rule("networking.k8s.io", ("ingresses", "networkpolicies"), _CHANGE),
    Rule("policy", ("poddisruptionbudgets",), _CHANGE),
    Rule("", ("namespaces",), ("get", "patch", "delete")),
)
"""What a stack is made of."""
_AWAITED = (
    Rule("", ("pods", "events", "persistentvolumeclaims"), _LOOK),
    Rule("apps", ("replicasets",), _LOOK),
)
"""What Pulumi and the program look at while they wait, and tell the reason from."""
_WATCHED = (
    Rule("", ("pods",), ("list",)),
    Rule("", ("pods/log",), ("get",)),
    Rule("", ("pods/proxy",), ("get", "create")),
    Rule("apps", ("deployments",), ("list",)),
    Rule("autoscaling", ("horizontalpodautoscalers",), ("list",)),
    Rule("gateway.networking.k8s.io", ("httproutes",), ("list",)),
    Rule("networking.k8s.io", ("ingresses",), ("list",)),
)
"""What status, predict, compare and logs ask for."""

OPERATOR = _WATCHED
UP = (*_MADE, *_AWAITED)
# A pull request's program runs with it, so it reads no Secret and changes nothing. What Pulumi may not try
# as a dry run, it plans by itself.
PREVIEW = (
    Rule("", ("services", "serviceaccounts", "resourcequotas", "pods", "namespaces"), _LOOK),
    *(Rule(rule.group, rule.kinds, _LOOK) for rule in _MADE if rule.group),
)
NAMESPACES = (Rule("", ("namespaces",), _CHANGE),)
# Of two stacks with one host and path the second one is refused, where it may see the first one's.
URLS = (
    Rule("gateway.networking.k8s.io", ("httproutes",), ("list",)),
    Rule("networking.k8s.io", ("ingresses",), ("list",)),
)
ROLES: Mapping[str, tuple[Rule, ...]] = {
    "bluegrid-namespaces": NAMESPACES,
    "bluegrid-operator": OPERATOR,
    "bluegrid-preview": PREVIEW,
    "bluegrid-up": UP,
    "bluegrid-update-server": (*UP, *OPERATOR),
    "bluegrid-urls": URLS,
}
"""By the role's name."""
