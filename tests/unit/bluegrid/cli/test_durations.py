"""Lengths of time in options, in one way for all commands."""

from __future__ import annotations

import pytest
import typer

from bluegrid.cli.durations import seconds


@pytest.mark.parametrize(
    ("text", "length"),
    [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2d", 172_800), ("1d1h1m1s", 90_061), ("0", 0), ("45", 45)],
)
def test_a_length_of_time_is_read(text: str, length: int) -> None:
    assert seconds(text, "--since") == length


@pytest.mark.parametrize("text", ["", "soon", "1.5h", "-1s", "30m1h", "10 m", "1w"])
def test_what_is_not_a_length_of_time_is_refused_with_the_option(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"expected 90s, 10m or 1h30m") as refused:
        seconds(text, "--since")
    assert "--since" in refused.value.format_message()
