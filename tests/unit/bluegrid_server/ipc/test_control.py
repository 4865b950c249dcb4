"""Messages between the processes of a pod."""

from __future__ import annotations

import pytest

from bluegrid_server.ipc import control
from bluegrid_server.ipc.control import Event, Order, message_bytes, message_of

MESSAGES = [
    control.Fork(3, is_first=True),
    control.Kill("3.7"),
    control.Import(),
    control.Progress("set g1 version v1: fetching"),
    control.Failed("set g1 version v1: no such version"),
    control.Loading(186),
    control.Fetched(186, examples=3, blocks=["linear", "trees"], imports_later=True),
    control.Forked("3.7", 3),
    control.Exited("3.7", -9),
    control.Imported(),
    control.Ready(),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_arrives_as_it_was_sent(message: Order | Event) -> None:
    assert message_of(message_bytes(message)) == message


def test_every_message_is_in_the_drawing() -> None:
    assert control.__doc__ is not None
    assert all(type(message).__name__ in control.__doc__ for message in MESSAGES)
