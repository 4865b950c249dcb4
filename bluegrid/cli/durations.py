"""Lengths of time in options: 30s, 10m, 1h30m."""

from __future__ import annotations

import re

import typer

_LENGTH = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
_SECONDS = (86_400, 3_600, 60, 1)


def seconds(text: str, option: str) -> int:
    """Return a length of time in seconds.

    Args:
        text: days, hours, minutes and seconds, the longest first: 90s, 10m, 1h30m, 2d; a number alone is of
            seconds.
        option: where the text stands, for the message.

    Raises:
        BadParameter: the text is not a length of time.
    """
    matched = _LENGTH.fullmatch(text)
    if matched is None or not text:
        raise typer.BadParameter(f"{text!r} is not a time; expected 90s, 10m or 1h30m", param_hint=option)
    return sum(int(count or 0) * size for count, size in zip(matched.groups(), _SECONDS, strict=True))
