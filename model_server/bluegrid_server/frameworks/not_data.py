"""The error of readers that read files as data, without their framework."""

from __future__ import annotations


class NotDataError(Exception):
    """A file holds something that is not read as data; its framework has to load it."""


def check(condition: object, fault: str) -> None:
    """Raise NotDataError unless a condition holds."""
    if not condition:
        raise NotDataError(fault)
