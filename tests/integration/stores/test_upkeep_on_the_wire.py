"""Verification and garbage collection over a network that fails: versions in a registry are never lost."""

from __future__ import annotations

import itertools
import random
import re
import shutil
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    BluegridError,
    Registry,
    Store,
    StoreError,
    collect_garbage,
    open_store,
    push,
    verify,
)
from tests.integration.stores.faults import (
    ONCE,
    STAYS,
    at,
    flip_down,
    flip_up,
    harmed,
    requests_of,
    since,
)
from tests.integration.stores.faulty_proxy import pass_on
from tests.integration.stores.garbage import keys, later, registry
from tests.integration.stores.versions import check_is_one_line, contents, models, version, visible_models
from tests.support.endurance import scale

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from bluegrid_registry import ModelType
    from tests.integration.stores.conftest import Place
    from tests.integration.stores.faulty_proxy import Exchange, Fault, FaultyProxy

pytestmark = [
    pytest.mark.usefixtures("patient"),
    pytest.mark.filterwarnings("ignore::dateutil.parser.UnknownTimezoneWarning"),
]

NOW = 63
"""Days from now until the collection."""


@dataclass(frozen=True)
class Garbage:
    """A set for which one collection has every kind of work.

    Version `kept` stays; `gone` lost its commit long ago, and its objects are deleted; the commit of
    `expired` is deleted; `removed` gets its note; and `revived` is named again.
    """

    store: Store
    folder: Path
    saved: Path
    named: tuple[Registry, ...]
    now: datetime
    before: frozenset[str]
    after: frozenset[str]

    def restore(self) -> None:
        """Restore the store to its state before the collection."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.saved, self.folder)

    def collect(self, store: Store) -> None:
        collect_garbage(store, "g1", self.named, apply=True, now=self.now)

    def check(self) -> None:
        """Check that readers see named versions, others whole or not at all; and collect again."""
        for name in ("kept", "revived", "removed"):
            assert visible_models(self.store, name) == contents(MODELS[name])
        assert visible_models(self.store, "expired") in (None, contents(MODELS["expired"]))
        assert self.after <= keys(self.store) | {"sets/g1/removed/removed.json"}
        self.collect(self.store)
        assert keys(self.store) == self.after

    def check_end(self) -> None:
        """Check that two days later, deleted versions have left nothing behind."""
        collect_garbage(self.store, "g1", self.named, apply=True, now=self.now + timedelta(days=2))
        assert not [key for key in keys(self.store) if "expired" in key or "gone" in key]
        # Of each version: its commit, its manifest, its pack and the pack's copy.
        assert len(keys(self.store)) == 4 * len(("kept", "revived", "removed")) + 1


MODELS = {name: models(seed) for seed, name in enumerate(("kept", "gone", "expired", "removed", "revived"))}


@pytest.fixture
def garbage(s3_store: Store, s3_place: Place, model_type: ModelType, tmp_path: Path) -> Garbage:
    pushed = {name: push(s3_store, "g1", name, MODELS[name], model_type=model_type) for name in MODELS}

    def named(*without: str) -> tuple[Registry, ...]:
        return tuple(registry(*(report for name, report in pushed.items() if name not in without)))

    collect_garbage(s3_store, "g1", named("gone"), apply=True, now=later(0))
    collect_garbage(s3_store, "g1", named("gone", "expired", "revived"), apply=True, now=later(31))
    shutil.copytree(s3_place.folder, tmp_path / "saved")
    before = frozenset(keys(s3_store))
    last, now = named("gone", "expired", "removed"), later(NOW)
    report = collect_garbage(s3_store, "g1", last, apply=True, now=now)
    assert (report.revived, report.expired, list(report.waiting)) == (("revived",), ("expired",), ["removed"])
    # A manifest, its pack, and the pack's copy.
    assert len(report.deleted) == 3
    after = frozenset(keys(s3_store))
    return Garbage(s3_store, s3_place.folder, tmp_path / "saved", last, now, before, after)


FAULTS: list[tuple[Fault, bool]] = [
    *((fault, False) for fault in ONCE.values()),
    *((fault, True) for fault in STAYS.values()),
]
"""Each fault, and whether it is permanent."""


@pytest.mark.parametrize("turn", range(scale(2, len(FAULTS))))
def test_a_collection_loses_nothing_whatever_fails_at_any_request(
    turn: int, garbage: Garbage, proxy: FaultyProxy, wired_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each turn has another fault for each request; all turns have all of them."""
    monkeypatch.setattr("bluegrid_registry.stores.s3.READ_TIMEOUT", 0.4)
    wired = open_store(wired_url)
    kinds = itertools.cycle(FAULTS[turn * 7 % len(FAULTS) :] + FAULTS[: turn * 7 % len(FAULTS)])
    for number, (fault, stays) in enumerate(kinds):
        garbage.restore()
        proxy.forget((since if stays else at)(number, fault))
        try:
            garbage.collect(wired)
        except BluegridError as error:
            check_is_one_line(error)
            if not stays:
                raise
        is_over = len(proxy.requests) <= number
        garbage.check()
        if is_over:
            break
    assert number > 20


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_collection_loses_nothing_whatever_byte_is_flipped(
    way: str, garbage: Garbage, proxy: FaultyProxy, wired_url: str
) -> None:
    kind = flip_up if way == "up" else flip_down
    source = random.Random(way)
    wired = open_store(wired_url)
    garbage.restore()
    sizes = [pair[way == "down"] for pair in requests_of(proxy, lambda: garbage.collect(wired))]
    for _ in range(scale(30, 1500)):
        garbage.restore()
        proxy.forget(harmed(source, sizes, kind))
        try:
            garbage.collect(wired)
        except BluegridError as error:
            check_is_one_line(error)
        garbage.check()


def test_a_fault_that_passes_is_not_noticed_at_any_request_of_a_verification(
    passing: Fault, proxy: FaultyProxy, wired_url: str, s3_store: Store, model_type: ModelType
) -> None:
    rows = [
        version(push(s3_store, "g1", name, MODELS[name], model_type=model_type)) for name in ("kept", "gone")
    ]
    wired = open_store(wired_url)
    sound = verify(s3_store, "g1", rows)
    assert sound.is_sound
    for number in range(len(requests_of(proxy, lambda: verify(wired, "g1", rows)))):
        proxy.forget(at(number, passing))
        assert verify(wired, "g1", rows) == sound
        assert len(proxy.requests) > number


@pytest.mark.parametrize("part", ["/versions/", "/manifests/", "/packs/"])
@pytest.mark.parametrize("fault", STAYS)
def test_an_object_that_cannot_be_read_is_not_taken_for_missing_or_damaged(
    fault: str, part: str, proxy: FaultyProxy, wired_url: str, s3_store: Store, model_type: ModelType
) -> None:
    row = version(push(s3_store, "g1", "kept", MODELS["kept"], model_type=model_type))
    wired = open_store(wired_url)
    proxy.forget(lambda exchange: (STAYS[fault] if part in exchange.what else pass_on)(exchange))
    with pytest.raises(StoreError) as caught:
        verify(wired, "g1", [row])
    check_is_one_line(caught.value)


def test_a_version_that_a_list_names_wrongly_loses_nothing(
    garbage: Garbage, proxy: FaultyProxy, wired_url: str
) -> None:
    wired = open_store(wired_url)
    left = iter(range(10))

    def renames(exchange: Exchange) -> None:
        answer = exchange.forward()
        wrong = answer.replace(b"versions/removed.json", b"versions/revived.json")
        is_versions = b"<Key>" in answer and b"/packs/" not in answer and wrong != answer
        exchange.answer(wrong if is_versions and next(left) == 0 else answer)

    garbage.restore()
    proxy.forget(renames)
    garbage.collect(wired)
    assert next(left) > 0
    garbage.check()


def test_a_list_that_lacks_a_version_is_not_believed(
    garbage: Garbage, proxy: FaultyProxy, wired_url: str
) -> None:
    wired = open_store(wired_url)

    def drops(exchange: Exchange) -> None:
        head, _, body = exchange.forward().partition(b"\r\n\r\n")
        short = re.sub(rb"<Contents>(?:(?!</Contents>).)*versions/kept.json.*?</Contents>", b"", body)
        length = b"Content-Length: %d" % len(short)
        exchange.answer(re.sub(rb"(?i)content-length: \d+", length, head) + b"\r\n\r\n" + short)

    garbage.restore()
    proxy.forget(drops)
    with pytest.raises(StoreError, match="the list has") as caught:
        garbage.collect(wired)
    check_is_one_line(caught.value)
    assert keys(garbage.store) == garbage.before
