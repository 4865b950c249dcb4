"""Rights that accounts need in Kubernetes: the roles in docs/operations/rbac; `bluegrid doctor` checks them.

A role is bound in the stack's namespace, and includes the Namespace object itself: to Kubernetes, a namespace
is in itself. Only creating and deleting a namespace, and seeing the URLs of other stacks, need rights in the
whole cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_READ = ("get", "list", "watch")
# Pulumi watches what it deletes: without the right to watch, an update does not end.
_CHANGE = (*_READ, "create", "patch", "delete")


@dataclass(frozen=True)
class AccessRule:
    """Verbs that are allowed on kinds of one API group; a kind may be a subresource, such as pods/proxy."""

    group: str
    kinds: tuple[str, ...]
    verbs: tuple[str, ...]

    def requests(self) -> Iterator[tuple[str, str, str]]:
        """Yield (verb, kind, group) of each request that the rule allows."""
        yield from ((verb, kind, self.group) for kind in self.kinds for verb in self.verbs)


_MADE = (
    AccessRule("", ("secrets", "serviceaccounts", "services", "resourcequotas"), _CHANGE),
    AccessRule("apps", ("deployments",), _CHANGE),
    AccessRule("autoscaling", ("horizontalpodautoscalers",), _CHANGE),
    AccessRule("batch", ("jobs",), _CHANGE),
    AccessRule("gateway.networking.k8s.io", ("httproutes",), _CHANGE),
    AccessRule("networking.k8s.io", ("ingresses", "networkpolicies"), _CHANGE),
    AccessRule("policy", ("poddisruptionbudgets",), _CHANGE),
    AccessRule("", ("namespaces",), ("get", "patch", "delete")),
)
"""The objects of a stack."""
_AWAITED = (
    AccessRule("", ("pods", "events", "persistentvolumeclaims"), _READ),
    AccessRule("apps", ("replicasets",), _READ),
)
"""What Pulumi and the program read while they wait, and for the reason of a failure."""
_WATCHED = (
    AccessRule("", ("pods",), ("list",)),
    AccessRule("", ("pods/log",), ("get",)),
    AccessRule("", ("pods/proxy",), ("get", "create")),
    AccessRule("apps", ("deployments",), ("list",)),
    AccessRule("autoscaling", ("horizontalpodautoscalers",), ("list",)),
    AccessRule("gateway.networking.k8s.io", ("httproutes",), ("list",)),
    AccessRule("networking.k8s.io", ("ingresses",), ("list",)),
)
"""What status, predict, compare and logs read."""

OPERATOR = _WATCHED
UP = (*_MADE, *_AWAITED)
# A pull request's program runs with these rights, so it reads no Secret and changes nothing. Pulumi plans by
# itself what it may not send as a dry run.
PREVIEW = (
    AccessRule("", ("services", "serviceaccounts", "resourcequotas", "pods", "namespaces"), _READ),
    *(AccessRule(rule.group, rule.kinds, _READ) for rule in _MADE if rule.group),
)
NAMESPACES = (AccessRule("", ("namespaces",), _CHANGE),)
# Of two stacks with the same host and path, the second is refused if it may see the first one's routes.
URLS = (
    AccessRule("gateway.networking.k8s.io", ("httproutes",), ("list",)),
    AccessRule("networking.k8s.io", ("ingresses",), ("list",)),
)
ROLES: Mapping[str, tuple[AccessRule, ...]] = {
    "bluegrid-namespaces": NAMESPACES,
    "bluegrid-operator": OPERATOR,
    "bluegrid-preview": PREVIEW,
    "bluegrid-up": UP,
    "bluegrid-update-server": (*UP, *OPERATOR),
    "bluegrid-urls": URLS,
}
"""The rules of each role, by its name."""
