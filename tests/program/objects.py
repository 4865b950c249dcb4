"""Parts of the objects in a plan: pod, container, path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.program.recorder import Plan

    Write = Callable[..., Path]


def pod_of(plan: Plan, key: str) -> Any:
    return plan[key].inputs["spec"]["template"]["spec"]


def container_of(plan: Plan, key: str) -> Any:
    (container,) = pod_of(plan, key)["containers"]
    return container


def path_of(plan: Plan, key: str) -> Any:
    (rule,) = plan[key].inputs["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    return path
