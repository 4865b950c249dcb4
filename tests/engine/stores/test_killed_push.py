"""A process that is killed at any moment of a push or update: readers see the old or the new, never half."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from model_registry import ModelType, SourceModel, Store, Version, open_store, push
from tests.engine.stores.faulty_proxy import pass_on
from tests.engine.stores.test_faults_on_the_wire import contents, models, seen
from tests.engine.stores.test_push_and_fetch import version

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engine.stores.faulty_proxy import Exchange, FaultyProxy

SKOPS = ModelType.parse("scikit-learn/skops")
KILLED = -signal.SIGKILL

_processes = multiprocessing.get_context("forkserver")
# A child that had to load all of it first would take a second.
_processes.set_forkserver_preload(["tests.engine.stores.test_killed_push", "model_registry.stores.s3"])


def push_in_child(
    url: str, set_id: str, version_id: str, given: list[SourceModel], base: Version | None
) -> None:
    push(open_store(url), set_id, version_id, given, model_type=SKOPS, base=base)


def push_and_die(
    url: str, version_id: str, given: list[SourceModel], base: Version | None, nth: int, when: str
) -> None:
    """Push, and die at the nth change of the file system: as if killed, and nothing is tidied up."""
    numbers = itertools.count()

    def deadly(call: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object, **options: object) -> object:
            is_last = next(numbers) == nth
            if is_last and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return call(*arguments, **options)
            finally:
                if is_last:
                    os.kill(os.getpid(), signal.SIGKILL)

        return counted

    for name in ("fsync", "replace", "link", "unlink", "mkdir"):
        setattr(os, name, deadly(getattr(os, name)))
    push_in_child(url, "g1", version_id, given, base)


def check_readers_see_old_or_new(
    store: Store, version_id: str, given: list[SourceModel], base: Version | None
) -> bool:
    """Check, and return whether it is the new."""
    expected = (contents(models(0, 9)) if base else {}) | contents(given)
    found = seen(store, version_id)
    assert found in (None, expected)
    if base:
        assert seen(store, base.id) == contents(models(0, 9))
    is_new = found is not None
    report = push(store, "g1", version_id, given, model_type=SKOPS, base=base)
    assert report.already_there == is_new
    assert seen(store, version_id) == expected
    return is_new


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["push", "update"])
def test_a_process_killed_at_any_request_leaves_the_old_or_the_new(
    what: str, when: str, proxy: FaultyProxy, wired_url: str, s3_store: Store
) -> None:
    base = None
    if what == "update":
        base = version(push(s3_store, "g1", "base", models(0, 9), model_type=SKOPS))
    outcomes = []
    for number in range(100):
        name, given = f"v{number}", models(number + 1)
        child = _processes.Process(target=push_in_child, args=(wired_url, "g1", name, given, base))
        has_started = threading.Event()

        def kills(
            exchange: Exchange,
            number: int = number,
            child: multiprocessing.process.BaseProcess = child,
            has_started: threading.Event = has_started,
        ) -> None:
            if exchange.number != number:
                return pass_on(exchange)
            if when == "after":
                exchange.forward()
            assert has_started.wait(10)
            child.kill()
            return exchange.reset()

        proxy.forget(kills)
        child.start()
        has_started.set()
        child.join(30)
        proxy.forget()
        if child.exitcode == 0:
            break
        assert child.exitcode == KILLED
        outcomes.append(check_readers_see_old_or_new(s3_store, name, given, base))
    # Only who is killed after the last request, the commit, has published.
    assert len(outcomes) >= 5
    assert outcomes == [False] * (len(outcomes) - 1) + [when == "after"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["push", "update"])
def test_a_process_killed_at_any_change_of_a_folder_leaves_the_old_or_the_new(
    what: str, when: str, tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    url = f"file://{tmp_path}/store"
    store = open_store(url)
    base = None
    if what == "update":
        base = version(push(store, "g1", "base", models(0, 9), model_type=SKOPS))
    outcomes = []
    for number in range(100):
        name, given = f"v{number}", models(number + 1)
        arguments = (url, name, given, base, number, when)
        child = _processes.Process(target=push_and_die, args=arguments)
        child.start()
        child.join(30)
        if child.exitcode == 0:
            break
        assert child.exitcode == KILLED
        outcomes.append(check_readers_see_old_or_new(store, name, given, base))
        assert all(not found.key.endswith(".partial") for found in store.keys(""))
    assert len(outcomes) >= 8
    assert outcomes == sorted(outcomes)
    assert outcomes[0] is False
    assert outcomes[-1] is True
