"""A network that fails permanently at any request, is slow or silent; and two writers over two of them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    BluegridError,
    PushReport,
    SourceModel,
    Store,
    VersionConflict,
    fetch_bytes,
    open_store,
    push,
)
from tests.integration.stores.faults import STAYS, numbers_until_enough, reset_after, since
from tests.integration.stores.faulty_proxy import FaultyProxy, pass_on
from tests.integration.stores.versions import (
    check_is_one_line,
    contents,
    models,
    small_packs,
    version,
    visible_models,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bluegrid_registry import ModelType
    from tests.integration.stores.conftest import Place, Server
    from tests.integration.stores.faulty_proxy import Exchange

pytestmark = pytest.mark.usefixtures("patient", "short_probe")

MODELS = 200
"""So many that they need several small packs."""


@pytest.fixture
def base(s3_store: Store, model_type: ModelType, monkeypatch: pytest.MonkeyPatch) -> PushReport:
    small_packs(monkeypatch)
    return push(s3_store, "g1", "v0", models(0, MODELS), model_type=model_type)


@pytest.fixture
def second_proxy(s3_server: Server) -> Iterator[FaultyProxy]:
    proxy = FaultyProxy(s3_server.endpoint)
    yield proxy
    proxy.close()


@pytest.mark.parametrize("what", ["push", "update"])
@pytest.mark.parametrize("fault", STAYS)
def test_a_network_that_breaks_down_at_any_request_of_a_push_leaves_the_old_or_the_new(
    fault: str,
    what: str,
    proxy: FaultyProxy,
    wired_url: str,
    s3_store: Store,
    model_type: ModelType,
    base: PushReport,
) -> None:
    old = contents(models(0, MODELS))
    pinned = version(base) if what == "update" else None
    for number in numbers_until_enough(proxy):
        name, given = f"v{number + 1}", models(number + 1, 3 if pinned else MODELS)
        new = (old if pinned else {}) | contents(given)
        proxy.forget(since(number, STAYS[fault]))
        try:
            push(open_store(wired_url), "g1", name, given, model_type=model_type, base=pinned)
        except BluegridError as error:
            check_is_one_line(error)
            assert len(proxy.requests) > number
        else:
            assert len(proxy.requests) <= number
        found = visible_models(s3_store, name)
        assert found in (None, new)
        assert visible_models(s3_store, "v0") == old
        report = push(s3_store, "g1", name, given, model_type=model_type, base=pinned)
        assert report.already_there == (found is not None)
        assert visible_models(s3_store, name) == new


@pytest.mark.parametrize("fault", STAYS)
def test_a_network_that_breaks_down_at_any_request_of_a_fetch_ends_it_in_one_line(
    fault: str, proxy: FaultyProxy, wired_url: str, base: PushReport
) -> None:
    wired = open_store(wired_url)
    for number in numbers_until_enough(proxy):
        proxy.forget(since(number, STAYS[fault]))
        try:
            fetched = dict(fetch_bytes(wired, "g1", "v0", base.manifest))
        except BluegridError as error:
            check_is_one_line(error)
            assert len(proxy.requests) > number
        else:
            assert len(proxy.requests) <= number
            assert fetched == contents(models(0, MODELS))


def test_an_answer_may_take_longer_than_the_time_out_while_it_goes_on(
    proxy: FaultyProxy, wired_url: str, base: PushReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bluegrid_registry.stores.s3.READ_TIMEOUT", 1)
    never = threading.Event()

    def slow(exchange: Exchange) -> None:
        answer = exchange.forward()
        size = -(-len(answer) // 7)
        for start in range(0, len(answer), size):
            never.wait(0.2)
            exchange.client.sendall(answer[start : start + size])

    proxy.forget(slow)
    fetched = fetch_bytes(open_store(wired_url), "g1", "v0", base.manifest)
    assert dict(fetched) == contents(models(0, MODELS))
    # Nothing was requested twice: the commit, the manifest, a copy that is not there, and the packs.
    assert len(proxy.requests) == len(set(proxy.requests)) == 3 + base.packs


def test_of_two_writers_whose_answers_are_lost_exactly_one_wins(
    proxy: FaultyProxy,
    second_proxy: FaultyProxy,
    s3_place: Place,
    s3_server: Server,
    s3_store: Store,
    model_type: ModelType,
) -> None:
    meeting = threading.Barrier(2, timeout=10)

    def commits_at_once() -> Callable[[Exchange], None]:
        tries = iter(range(10))

        def fault(exchange: Exchange) -> None:
            if not (exchange.what.startswith("PUT") and "/versions/" in exchange.what) or next(tries) > 0:
                return pass_on(exchange)
            meeting.wait()
            return reset_after(exchange)

        return fault

    def write(proxy: FaultyProxy, given: list[SourceModel]) -> PushReport | VersionConflict:
        store = open_store(s3_place.url.replace(s3_server.endpoint, proxy.endpoint))
        try:
            return push(store, "g1", "v1", given, model_type=model_type)
        except VersionConflict as conflict:
            check_is_one_line(conflict)
            return conflict

    # The first push to a bucket also writes the probe.
    s3_store.probe()
    given = [models(1), models(2)]
    proxies = [proxy, second_proxy]
    for each in proxies:
        each.forget(commits_at_once())
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(write, proxies, given))
    winners = [result for result in results if isinstance(result, PushReport)]
    assert len(winners) == 1
    assert not winners[0].already_there
    assert visible_models(s3_store, "v1") == contents(given[results.index(winners[0])])
