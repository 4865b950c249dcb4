"""The tests of a real node are given to processes as tests/conftest.py says."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest

from tests.conftest import CLUSTER, MEASURED, SHARED, ByFile, scope_of
from tests.support.checkout import CHECKOUT

DEMO = f"{CLUSTER}test_demo.py::test_promise"
OTHER = f"{CLUSTER}test_rights.py"


class Process:
    """A process of tests, as xdist's scheduler knows it."""

    def __init__(self) -> None:
        self.shutting_down = False
        self.given: list[int] = []

    def shutdown(self) -> None:
        self.shutting_down = True

    def send_runtest_some(self, places: list[int]) -> None:
        self.given += places


@pytest.mark.parametrize("shared", SHARED)
def test_files_that_share_a_fixture_are_there_and_stay_together(shared: str) -> None:
    for name in SHARED[shared]:
        file = f"{CLUSTER}{name}.py"
        assert (CHECKOUT / file).is_file()
        assert scope_of(f"{file}::test") == shared


def test_other_files_are_by_themselves() -> None:
    assert scope_of(f"{OTHER}::test") == OTHER
    assert scope_of("tests/unit/tools/test_demo.py::test") == "tests/unit/tools/test_demo.py"


def test_what_is_measured_goes_to_the_last_process_once_the_others_end() -> None:
    first, last = Process(), Process()
    busy = {f"{OTHER}::test_{number}": False for number in range(4)}
    scheduler: Any = object.__new__(ByFile)
    scheduler.log = lambda *_: None
    scheduler.assigned_work = {first: {}, last: {OTHER: busy}}
    scheduler.registered_collections = {each: [*busy, DEMO] for each in (first, last)}
    scheduler.workqueue = OrderedDict({MEASURED: {DEMO: False}})
    scheduler._reschedule(last)
    scheduler._reschedule(first)
    assert (first.shutting_down, first.given, last.given) == (True, [], [])
    busy.update(dict.fromkeys(busy, True))
    scheduler._reschedule(last)
    assert (last.shutting_down, last.given) == (False, [4])
