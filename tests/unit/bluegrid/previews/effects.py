"""The report on a plan, in the form that tests compare."""

from __future__ import annotations

from typing import Any

from bluegrid.previews import Plan, RegionReport, effects_of, render
from bluegrid.states import changes_between, states_of_objects
from tests.unit.bluegrid.previews.stacks import (
    Stack,
    plan_between,
    stack,
)


def report(plan: Plan) -> list[str]:
    """Return the warnings and rows of a plan's report, without the head of the table."""
    before, after = (states_of_objects(each) for each in (plan.objects_before(), plan.objects_after()))
    changes = changes_between(before, after)
    text = render([RegionReport("north", "plan", changes=changes, effects=effects_of(plan, changes))])
    lines = [line for line in text.splitlines() if line.startswith(("> - ", "| north"))]
    return [line.removeprefix("> - **north").removeprefix("| north ") for line in lines]


def changed(after: Stack, **options: Any) -> list[str]:
    return report(plan_between(stack(), after, **options))
