"""The gate against a real HTTP server in place of the proxy."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from pulumi import ResourceHookArgs

from bluegrid_components import Gate, RouteNotProven, Safeguards
from bluegrid_components.proofs.drain import Drain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bluegrid_components.proofs.hooks import Proofs

Answer = tuple[int, str | None, str | None]
"""Status, cluster and version."""

OLD, NEW, NOT_READY = (200, "d1", "v1"), (200, "d2", "v2"), (503, "d2", "v2")
NO_ROUTE, NOBODY_BEHIND_IT = (404, None, None), (503, None, None)
OTHER_VERSION = (200, "d2", "v1")
OTHER = (200, "d3", "v3")


@dataclass
class Proxy:
    """Answers in the given order, repeating the last answer; records requests and counts connections."""

    answers: Sequence[Answer]
    address: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    connections: int = 0


@contextmanager
def proxy(*answers: Answer) -> Iterator[Proxy]:
    state = Proxy(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            state.connections += 1

        def do_GET(self) -> None:
            status, cluster, version = state.answers[min(len(state.asked), len(state.answers) - 1)]
            state.asked.append((self.path, self.headers["Host"]))
            self.send_response(status)
            if cluster is not None and version is not None:
                self.send_header("Bluegrid-Cluster", cluster)
                self.send_header("Bluegrid-Version", version)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        state.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


def gate(address: str, timeout: float = 30) -> Gate:
    return Gate(address, service="line-loading", versions={"d2": "v2"}, answers=20, timeout=timeout)


def wait(address: str, host: str | None = None, timeout: float = 30) -> None:
    asyncio.run(gate(address, timeout).wait(host))


def test_twenty_answers_of_the_new_version_on_as_many_connections_open_the_gate() -> None:
    with proxy(NEW) as seen:
        wait(seen.address)
    assert len(seen.asked) == seen.connections == 20
    assert {path for path, _ in seen.asked} == {"/modelService/line-loading/v2/health/ready"}


@pytest.mark.parametrize("stray", [OLD, NOT_READY, OTHER_VERSION])
def test_one_other_answer_starts_the_count_anew(stray: Answer) -> None:
    with proxy(*[NEW] * 19, stray, NEW) as seen:
        wait(seen.address)
    assert len(seen.asked) == 40


def test_a_route_with_a_host_is_asked_by_it() -> None:
    with proxy(NEW) as seen:
        wait(seen.address, host="models.example.org")
    assert {host for _, host in seen.asked} == {"models.example.org"}


def test_a_proxy_that_keeps_the_old_cluster_is_named_in_one_line() -> None:
    with proxy(OLD) as seen, pytest.raises(RouteNotProven) as refusal:
        wait(seen.address, timeout=0.2)
    assert str(refusal.value) == (
        "service line-loading: cluster d2, version v2, did not answer 20 times in a row through "
        f"{seen.address}/modelService/line-loading/v2/health/ready in 0.2 s; last: status 200 of cluster d1, "
        "version v1; nothing old was deleted: look at the proxy's controller, or switch back, then "
        "`pulumi up`"
    )


def test_a_proxy_that_is_not_there_is_named_in_one_line() -> None:
    with proxy(NEW) as gone:
        pass
    with pytest.raises(RouteNotProven, match="last: no connection: Connection refused; is the proxy"):
        wait(gone.address, timeout=0.2)


def test_settings_of_the_users_shell_do_not_redirect_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with proxy(NEW) as seen:
        wait(seen.address)


def leaving(address: str, timeout: float = 30) -> Gate:
    """Return the proof that d1 gets no more requests."""
    return replace(gate(address, timeout), versions={}, without="d1")


def test_a_cluster_is_asked_no_more_when_others_answer_or_the_route_has_gone() -> None:
    with proxy(OLD, NOBODY_BEHIND_IT, NO_ROUTE, NEW, OTHER, NOT_READY, NO_ROUTE) as seen:
        asyncio.run(leaving(seen.address).wait(None))
    assert len(seen.asked) == 22


@pytest.mark.parametrize("stray", [OLD, (503, "d1", "v1"), NOBODY_BEHIND_IT])
def test_one_answer_of_it_or_of_nobody_behind_the_route_starts_the_count_anew(stray: Answer) -> None:
    with proxy(*[NEW] * 19, stray, NEW) as seen:
        asyncio.run(leaving(seen.address).wait(None))
    assert len(seen.asked) == 40


def test_a_route_that_has_gone_is_no_proof_of_a_switch() -> None:
    with proxy(NO_ROUTE) as seen, pytest.raises(RouteNotProven, match="last: status 404 of cluster none"):
        wait(seen.address, timeout=0.2)


def test_a_cluster_that_goes_on_answering_is_named_in_one_line() -> None:
    with (
        proxy(OLD) as seen,
        pytest.raises(RouteNotProven, match="cluster d1 was not seen to be out of use") as refused,
    ):
        asyncio.run(leaving(seen.address, 0.2).wait(None))
    assert "\n" not in str(refused.value)


def shared(address: str, timeout: float = 30) -> Gate:
    return replace(gate(address, timeout), versions={"d2": "v2", "d3": "v3"})


def test_of_shared_traffic_each_cluster_has_to_be_seen() -> None:
    with proxy(*[NEW] * 40, OTHER) as seen:
        asyncio.run(shared(seen.address).wait(None))
    assert len(seen.asked) == 41


@pytest.mark.parametrize("stray", [OLD, NOT_READY, OTHER_VERSION])
def test_a_stray_answer_counts_as_little_where_traffic_is_shared(stray: Answer) -> None:
    with proxy(*[OTHER] * 19, stray, *[NEW] * 20, OTHER) as seen:
        asyncio.run(shared(seen.address).wait(None))
    assert len(seen.asked) == 41


def test_a_cluster_that_has_a_share_and_never_answers_is_named_in_one_line() -> None:
    with proxy(NEW) as seen, pytest.raises(RouteNotProven) as refusal:
        asyncio.run(shared(seen.address, timeout=0.2).wait(None))
    assert "cluster d2, version v2, and cluster d3, version v3, did not answer 20 times" in str(refusal.value)
    assert "last: no answer of cluster d3; nothing old was deleted" in str(refusal.value)


def test_a_cluster_that_had_a_small_share_is_looked_for_longer() -> None:
    """20 answers miss a share of 1 % four times out of five, and of 10 % once in eight."""
    before = gate("http://proxy")
    for share, chance in ((0.01, 1e-6), (0.1, 1e-6), (0.5, 1e-6)):
        answers = before.after({"d2": round(100 - 100 * share), "d1": round(100 * share)}).answers
        assert (1 - share) ** answers <= chance < (1 - share) ** (answers - 2)
    # A cluster that had all requests cannot be missed, and a cluster that keeps a share is not checked.
    for weights in ({"d1": 1}, {"d2": 90}, {}, {"d2": 90, "d1": 0}):
        assert before.after(weights).answers == 20


async def prove(proofs: Proofs, old_weights: dict[str, int]) -> None:
    backends = [{"name": f"line-loading-{each}", "weight": weight} for each, weight in old_weights.items()]
    old = {"spec": {"rules": [{"backendRefs": backends}]}}
    proof = proofs.hook(ResourceHookArgs("urn", "id", "line-loading", "type", old_inputs=old))
    assert proof is not None
    await proof


@pytest.fixture
def _without_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi.resource_hooks.register_resource_hook", lambda hook: None)


@pytest.mark.usefixtures("_without_an_engine")
def test_each_cluster_that_a_route_is_to_lead_to_is_asked_under_its_own_host() -> None:
    async def prove_both(address: str) -> None:
        proofs = Safeguards("north").ready
        for cluster, version in (("d2", "v2"), ("d3", "v3")):
            one = replace(gate(address), versions={cluster: version}, answers=1)
            assert proofs.expect("line-loading", one, cluster) is proofs.hook
        await prove(proofs, {"d1": 1})

    with proxy(NEW, OTHER) as seen:
        asyncio.run(prove_both(seen.address))
    assert [host for _, host in seen.asked] == ["d2", "d3"]


@pytest.mark.usefixtures("_without_an_engine")
def test_a_route_has_arrived_once_the_share_that_ends_is_seen_no_more() -> None:
    async def prove_it(address: str) -> None:
        proofs = Safeguards("north").arrived
        proofs.expect("line-loading", gate(address), None)
        await prove(proofs, {"d2": 9, "d1": 1})

    with proxy(NEW) as seen:
        asyncio.run(prove_it(seen.address))
    assert len(seen.asked) == 132


@pytest.mark.usefixtures("_without_an_engine")
@pytest.mark.parametrize(("shares_traffic", "answers"), [(False, 20), (True, 132)])
def test_before_a_cluster_goes_a_tenth_of_shared_traffic_is_looked_for(
    shares_traffic: bool, answers: int
) -> None:
    labels = {"bluegrid.io/service": "line-loading", "bluegrid.io/cluster": "d1"}
    gone = {"metadata": {"labels": labels}}

    async def prove(address: str) -> None:
        drain = Drain(address, None, shares_traffic)
        proof = drain.hook(ResourceHookArgs("urn", "id", "name", "type", old_inputs=gone))
        assert proof is not None
        await proof

    with proxy(*[NEW] * (answers - 1), OLD, NEW) as seen:
        asyncio.run(prove(seen.address))
    assert len(seen.asked) == 2 * answers


@pytest.mark.usefixtures("_without_an_engine")
def test_a_declared_live_cluster_goes_without_proof() -> None:
    """The stack is destroyed, or a route of another kind replaces the deleted route."""
    labels = {"bluegrid.io/service": "line-loading", "bluegrid.io/cluster": "d1"}

    async def prove(address: str) -> None:
        drain = Drain(address, None)
        drain.expect("line-loading", ["d1"])
        gone = {"metadata": {"labels": labels}}
        proof = drain.hook(ResourceHookArgs("urn", "id", "name", "type", old_inputs=gone))
        assert proof is not None
        await proof

    with proxy(OLD) as seen:
        asyncio.run(prove(seen.address))
    assert not seen.asked
