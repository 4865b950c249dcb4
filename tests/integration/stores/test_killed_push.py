"""A process that is killed at any moment of a push, update or collection: no reader ever sees half of it."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    ModelType,
    Registry,
    SourceModel,
    Store,
    Version,
    collect_garbage,
    open_store,
    push,
)
from tests.integration.stores.faulty_proxy import pass_on
from tests.integration.stores.test_upkeep_on_the_wire import garbage  # noqa: F401 (a fixture)
from tests.integration.stores.versions import contents, models, version, visible_models
from tests.support.endurance import scale

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

    from tests.integration.stores.faulty_proxy import Exchange, FaultyProxy
    from tests.integration.stores.test_upkeep_on_the_wire import Garbage

    Dies = Callable[[int, str, list[SourceModel], Version | None], bool]

SKOPS = ModelType.parse("scikit-learn/skops")
KILLED = -signal.SIGKILL

_processes = multiprocessing.get_context("forkserver")
# A child that had to import everything first would take a second.
_processes.set_forkserver_preload(
    ["tests.integration.stores.test_killed_push", "bluegrid_registry.stores.s3"]
)


def child_for(target: Callable[..., None], *arguments: object) -> ForkServerProcess:
    return _processes.Process(target=in_environment, args=(dict(os.environ), target, *arguments))


def in_environment(environment: dict[str, str], target: Callable[..., None], *arguments: object) -> None:
    """Run in this environment: the process that forks may have been started by another test."""
    os.environ.update(environment)
    target(*arguments)


def push_in_child(
    url: str, set_id: str, version_id: str, given: list[SourceModel], base: Version | None
) -> None:
    push(open_store(url), set_id, version_id, given, model_type=SKOPS, base=base)


def collect_in_child(url: str, named: tuple[Registry, ...], now: datetime) -> None:
    collect_garbage(open_store(url), "g1", named, apply=True, now=now)


def is_killed_at(
    number: int, when: str, proxy: FaultyProxy, target: Callable[..., None], *arguments: object
) -> bool:
    """Run in a process that is killed at a request; return whether it made that request."""
    child = child_for(target, *arguments)
    has_started = threading.Event()

    def kills(exchange: Exchange) -> None:
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
    assert child.exitcode in (0, KILLED)
    return child.exitcode == KILLED


def push_and_die(
    url: str, version_id: str, given: list[SourceModel], base: Version | None, nth: int, when: str
) -> None:
    """Push, and die at the nth change of the file system, like a kill, without cleaning up."""
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


def outcomes_of(what: str, store: Store, dies: Dies) -> list[bool]:
    """Push a version repeatedly, killed later each time; return whether readers then saw the new version."""
    base = version(push(store, "g1", "base", models(0, 9), model_type=SKOPS)) if what == "update" else None
    outcomes: list[bool] = []
    for number in range(100):
        name, given = f"v{number}", models(number + 1)
        expected = (contents(models(0, 9)) if base else {}) | contents(given)
        if not dies(number, name, given, base):
            return outcomes
        found = visible_models(store, name)
        assert found in (None, expected)
        if base:
            assert visible_models(store, base.id) == contents(models(0, 9))
        report = push(store, "g1", name, given, model_type=SKOPS, base=base)
        assert report.already_there == (found is not None)
        assert visible_models(store, name) == expected
        outcomes.append(report.already_there)
    raise AssertionError("no push has ended")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["push", "update"])
def test_a_process_killed_at_any_request_leaves_the_old_or_the_new(
    what: str, when: str, proxy: FaultyProxy, wired_url: str, s3_store: Store
) -> None:
    def dies(number: int, name: str, given: list[SourceModel], base: Version | None) -> bool:
        return is_killed_at(number, when, proxy, push_in_child, wired_url, "g1", name, given, base)

    # A server that is known gets the same requests from every push.
    proxy.forget()
    first = child_for(push_in_child, wired_url, "g1", "first", models(0), None)
    first.start()
    first.join(30)
    assert first.exitcode == 0
    outcomes = outcomes_of(what, s3_store, dies)
    # Only a push killed during the last requests has published: its commit, and the copy beside it.
    before_commit = {"push": 6, "update": 7}[what]
    assert not any(outcomes[:before_commit])
    assert len(outcomes) == before_commit + (2 if what == "push" else 1)
    assert any(outcomes) or when == "before"
    assert what == "push" or outcomes[before_commit] is (when == "after")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_collection_killed_at_any_request_loses_nothing_and_is_gone_on_with(
    when: str,
    proxy: FaultyProxy,
    wired_url: str,
    garbage: Garbage,  # noqa: F811
) -> None:
    # A kill after one request is a kill before the next.
    for number in range(0, 200, scale(2, 1)):
        garbage.restore()
        if not is_killed_at(number, when, proxy, collect_in_child, wired_url, garbage.named, garbage.now):
            break
        garbage.check()
        garbage.check_end()
    assert number > 20


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["push", "update"])
def test_a_process_killed_at_any_change_of_a_folder_leaves_the_old_or_the_new(
    what: str, when: str, tmp_path: Path
) -> None:
    # Every pack's folder exists, so that each push makes as many changes, whatever the names of its packs.
    for number in range(256):
        (tmp_path / "store" / "sets" / "g1" / "packs" / f"{number:02x}").mkdir(parents=True)
    url = f"file://{tmp_path}/store"
    store = open_store(url)

    def dies(number: int, name: str, given: list[SourceModel], base: Version | None) -> bool:
        child = child_for(push_and_die, url, name, given, base, number, when)
        child.start()
        child.join(30)
        assert child.exitcode in (0, KILLED)
        assert all(not found.key.endswith(".partial") for found in store.keys(""))
        return child.exitcode == KILLED

    outcomes = outcomes_of(what, store, dies)
    assert len(outcomes) >= 8
    assert outcomes == sorted(outcomes)
    assert outcomes[0] is False
    assert outcomes[-1] is True
