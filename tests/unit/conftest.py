"""Tests in this folder start nothing; tests that start processes are in `tests/process`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.starts_nothing import starts_nothing

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    with starts_nothing(item.nodeid):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    with starts_nothing(item.nodeid):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, None, None]:
    if nextitem is None:
        # Session fixtures of other folders end with a process's last test, and may start programs for that.
        return (yield)
    with starts_nothing(item.nodeid):
        return (yield)
