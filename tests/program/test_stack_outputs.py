"""Outputs of the last update can be read while this update writes the state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from bluegrid_components.checks import stack_outputs
from tests.program.recorder import run_update

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]

URLS = {"line-loading": "http://10.77.0.2/modelService/line-loading"}
FAULT = "invoke of pulumi:pulumi:readStackOutputs failed: failed to load checkpoint: EOF"


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the engine fail to read the outputs for a number of times."""
    invoke = pulumi.runtime.invoke

    def fail(times: int) -> None:
        faults = [FAULT] * times

        def invoke_or_fail(*arguments: Any) -> Any:
            if faults:
                raise Exception(faults.pop())  # noqa: TRY002 - as Pulumi raises it
            return invoke(*arguments)

        monkeypatch.setattr(pulumi.runtime, "invoke", invoke_or_fail)

    monkeypatch.setattr(stack_outputs, "_PAUSE_SECONDS", 0)
    return fail


def test_a_state_that_is_being_written_is_read_again(
    registry: Write, failing: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(4)
    monkeypatch.setenv("BLUEGRID_PARTIAL_UPDATE", "1")
    left = {"line-load": "http://10.77.0.2/modelService/line-load"}
    assert run_update(registry(), last={"urls": left}).outputs["urls"] == URLS | left


def test_a_state_that_cannot_be_read_ends_the_update(registry: Write, failing: Callable[[int], None]) -> None:
    failing(100)
    with pytest.raises(Exception, match="failed to load checkpoint: EOF"):
        run_update(registry())


@pytest.mark.parametrize(
    ("last", "read"),
    [
        ({"urls": URLS}, ["pulumi:pulumi:getResource"]),
        ({}, ["pulumi:pulumi:getResource", "pulumi:pulumi:readStackOutputs"]),
    ],
    ids=["outputs", "none"],
)
def test_outputs_that_the_engine_has_in_memory_are_not_read_from_the_state(
    registry: Write, monkeypatch: pytest.MonkeyPatch, last: dict[str, Any], read: list[str]
) -> None:
    invoke, calls = pulumi.runtime.invoke, []

    def invoke_and_note(function: str, arguments: Any) -> Any:
        calls.append(function)
        return invoke(function, arguments)

    monkeypatch.setattr(pulumi.runtime, "invoke", invoke_and_note)
    run_update(registry(), last=last)
    assert calls == read
