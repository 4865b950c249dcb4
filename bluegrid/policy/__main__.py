"""Serves the rules of `bluegrid/previews/rules.py` to Pulumi's engine, which enforces them.

Rules about deleted objects, and about states during an update, are not served: a policy pack gets only the
objects after the update.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from bluegrid.previews import Rule, check_objects, check_stack
from bluegrid.states import KubernetesObject

_KUBERNETES = "kubernetes:"
_UNKNOWN = "[unknown]"


def _object_policy(rule: Rule, description: str) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type.startswith(_KUBERNETES):
            for finding in check_objects([_object(args.resource_type, args.props)]):
                if finding.rule is rule:
                    report(finding.message, None)

    return ResourceValidationPolicy(rule, description, validate, EnforcementLevel(rule.level))


def _stack_policy(rule: Rule, description: str) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        objects = [
            _object(each.resource_type, each.props)
            for each in args.resources
            if each.resource_type.startswith(_KUBERNETES)
        ]
        for finding in check_stack(objects):
            if finding.rule is rule:
                report(f"{finding.place}: {finding.message}", None)

    return StackValidationPolicy(rule, description, validate, EnforcementLevel(rule.level))


def _object(kind: str, props: Mapping[str, Any]) -> KubernetesObject:
    return KubernetesObject(type=kind, inputs=_plain(props))


def _plain(value: Any) -> Any:
    """Return the values behind the SDK's proxies, which raise for a value that is not known yet."""
    if isinstance(value, Mapping):
        return {key: _plain(_known(value, key)) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(_known(value, index)) for index in range(len(value))]
    return value


def _known(values: Any, key: str | int) -> Any:
    try:
        return values[key]
    except UnknownValueError:
        return _UNKNOWN


if __name__ == "__main__":
    PolicyPack(
        "bluegrid",
        [
            _object_policy(Rule.IMAGE, "Containers name their image by digest."),
            _object_policy(Rule.LIMITS, "Containers have limits of CPU and memory."),
            _object_policy(
                Rule.PRIVILEGES, "No container gains privileges, no pod shares the node's namespaces."
            ),
            _stack_policy(Rule.ROUTE, "Every route leads to Services that are declared."),
            _stack_policy(Rule.LIVE_PODS, "A cluster that a live route leads to has pods."),
            _stack_policy(Rule.QUOTA, "The quota of the namespace allows for all pods."),
            _stack_policy(Rule.QUOTA_AT_MOST, "The quota also allows for autoscalers at their maximum."),
        ],
    )
