"""A project of another name: it can declare settings of its own name only, so these come as they are set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.program.recorder import run_update

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.program.recorder import Plan


def objects(plan: Plan) -> list[tuple[str, object]]:
    return sorted((each.key, each.inputs) for each in plan.objects())


def test_a_project_of_another_name_makes_the_same_objects(registry: Callable[..., Path]) -> None:
    folder = registry()
    elsewhere = run_update(folder, project="grid-models")
    assert objects(elsewhere) == objects(run_update(folder))
    assert all("::grid-models::" in each.urn for each in elsewhere.objects())
