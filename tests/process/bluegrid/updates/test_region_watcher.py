"""A region that hangs delays no request, and its last known state is returned with its age."""

from __future__ import annotations

import json
import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from bluegrid.project import find_stack
from bluegrid.updates.region_watcher import _Outcome, _Reader, _Region
from bluegrid.updates.registry_source.registry_cache import RegistryCache
from bluegrid.updates.registry_source.source import Folder
from bluegrid.updates.rollouts import Stacks
from bluegrid_registry import ConfigError
from tests.support.api_server import ApiServer
from tests.support.kubernetes_objects import objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid.project import Stack
    from tests.support.updating import Place

SERVICE = """\
service:
  name: service0
  live: d1
  clusters:
    - {id: d1, version: v1, replicas: 2, cpu: 2, gpu: 0, memory: 2Gi}
"""


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer(objects(1)) as api:
        yield api


@pytest.fixture
def declared(place: Place) -> RegistryCache:
    with (place.registry / "g1.yaml").open("a") as file:
        file.write(SERVICE)
    return RegistryCache(Folder(place.registry))


@pytest.fixture
def stack(place: Place, api: ApiServer) -> Stack:
    file = place.folder / "Pulumi.north.yaml"
    kubeconfig = api.kubeconfig(place.folder)
    file.write_text(f"config: {{'bluegrid:kubeContext': there, 'bluegrid:kubeconfig': {kubeconfig}}}\n")
    return find_stack(place.folder, "north")


def test_a_region_that_hangs_is_told_as_it_was_and_since_when_it_is_asked(
    stack: Stack, declared: RegistryCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A request has the region read again.
    monkeypatch.setattr("bluegrid.updates.region_watcher.APART", 0.0)
    monkeypatch.setattr("bluegrid.updates.region_watcher._REST", 0.0)
    over, calls = threading.Event(), []
    reader = _Reader(stack, lambda _: frozenset(), declared)

    def read(last: _Outcome | None) -> _Outcome:
        calls.append(last)
        if last is not None:
            over.wait(30)
        return reader(last)

    region = _Region(stack, read)
    first = region.status(declared, 30)
    assert (first.error, first.pending_seconds, len(first.clusters)) == (None, None, 2)
    began = time.monotonic()
    others = [region.status(declared, 0.2) for _ in range(5)]
    assert time.monotonic() - began < 5
    assert all(each.clusters == first.clusters and each.pending_seconds for each in others)
    ages = [each.age_seconds or 0 for each in (first, *others)]
    assert ages == sorted(set(ages))
    assert ages[-1] - ages[0] >= 0.8  # at least four requests waited 0.2 s each
    # All requests wait for the same attempt.
    assert len(calls) == 2
    over.set()
    assert region.status(declared, 30).pending_seconds is None


def test_a_region_of_which_nothing_is_known_yet_says_so(stack: Stack, declared: RegistryCache) -> None:
    over = threading.Event()

    def read(_: _Outcome | None) -> _Outcome:
        over.wait(30)
        return _Outcome(time.monotonic(), "it was asked for too long")

    region = _Region(stack, read)
    status = region.status(declared, 0.1)
    assert (status.error, status.age_seconds, status.clusters) == (None, None, ())
    assert status.pending_seconds is not None
    over.set()
    assert region.status(declared, 30).error == "it was asked for too long"


def test_nobody_answers_where_no_pod_of_the_live_cluster_is_ready(
    stack: Stack, declared: RegistryCache, api: ApiServer
) -> None:
    for each in api.kinds["deployments"]:
        each["status"]["readyReplicas"] = 0
    status = _Region(stack, _Reader(stack, lambda _: frozenset(), declared)).status(declared, 30)
    assert status.outages == {
        "service0": "nobody answers at /modelService/service0: live cluster d1 has 0 of 2 pods ready"
    }


@pytest.mark.parametrize(
    ("made", "not_applied", "outages"), [([], ("service0",), []), (["service0"], (), ["service0"])]
)
def test_what_was_never_applied_is_no_outage_and_what_is_gone_is(
    stack: Stack,
    declared: RegistryCache,
    api: ApiServer,
    made: list[str],
    not_applied: tuple[str, ...],
    outages: list[str],
) -> None:
    api.kinds.update({kind: [] for kind in api.kinds})
    status = _Region(stack, _Reader(stack, lambda _: frozenset(made), declared)).status(declared, 30)
    assert (status.error, status.not_applied, [*status.outages]) == (None, not_applied, outages)


@pytest.mark.parametrize(
    ("prints", "made"),
    [
        ("cat state.json", frozenset({"service0"})),
        ("echo \"error: no stack named 'north' found\" >&2; exit 255", frozenset()),
    ],
)
def test_the_stack_s_state_tells_what_it_has_made(
    stack: Stack, place: Place, monkeypatch: pytest.MonkeyPatch, prints: str, made: frozenset[str]
) -> None:
    stacks = _stacks_with(place, monkeypatch, prints)
    labels = {"bluegrid.io/service": "service0"}
    resources = [
        {"type": "pulumi:pulumi:Stack"},
        {"type": "kubernetes:core/v1:Namespace", "inputs": {"metadata": {"name": "bluegrid"}}},
        {"type": "kubernetes:apps/v1:Deployment", "inputs": {"metadata": {"labels": labels}}},
    ]
    (place.folder / "state.json").write_text(json.dumps({"deployment": {"resources": resources}}))
    assert stacks.services_made(stack) == made


def test_a_state_that_cannot_be_read_is_said_to_be_so(
    stack: Stack, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    stacks = _stacks_with(place, monkeypatch, "echo error: incorrect passphrase >&2; exit 255")
    with pytest.raises(ConfigError, match="north cannot be read: error: incorrect passphrase"):
        stacks.services_made(stack)


def _stacks_with(place: Place, monkeypatch: pytest.MonkeyPatch, prints: str) -> Stacks:
    """Return stacks whose `pulumi` is this shell script."""
    program = place.folder / "programs" / "pulumi"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{prints}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join((str(program.parent), os.environ["PATH"])))
    source = Folder(place.registry)
    return Stacks(place.folder, place.folder, ("north",), place.folder / "copies", source)


def test_a_service_of_another_stack_in_the_namespace_is_shown_in_that_one(
    stack: Stack, declared: RegistryCache, place: Place
) -> None:
    with (place.registry / "g1.yaml").open("a") as file:
        file.write("  regions: [north-lines]\n")
    lines = place.folder / "Pulumi.north-lines.yaml"
    lines.write_text(stack.file.read_text().replace("{", "{'bluegrid:platform': north, ", 1))
    shown = {}
    for each in (stack, find_stack(place.folder, "north-lines")):
        status = _Region(each, _Reader(each, lambda _: frozenset(), declared)).status(declared, 30)
        shown[each.name] = {(row.service, row.cluster): row.drift for row in status.clusters}
    assert shown["north"] == {}
    assert shown["north-lines"].keys() == {("service0", "d1"), ("service0", "d2")}
