"""The generator against a real HTTP server: its requests, and its judgement of the answers."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.process.tools.load.http_server import Peer, Reply, good, served
from tools.load import Failure, LoadReport
from tools.load.generator import Generator, Plan
from tools.load.requests import read_requests
from tools.load.tally import LATE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLAN = Plan(rate=200, seconds=0.5, time_limit=30)
SENT = 100


def run(url: str, request_file: Path, plan: Plan = PLAN) -> LoadReport:
    generator = Generator(plan, read_requests(request_file, url, "line-loading"))
    asyncio.run(generator.run())
    return generator.tally.report(generator.seconds, finished=True)


def test_every_request_is_sent_in_time_and_its_answer_attributed(request_file: Path) -> None:
    with served(lambda _, total: good(total)) as url:
        report = run(url, request_file)
    assert (report.sent, report.ok, report.failed) == (SENT, SENT, {})
    assert report.by_version == {"v1": SENT}
    assert report.by_cluster == {"d1": SENT}
    assert 0 < report.rate < 1.1 * PLAN.rate
    assert 0 < report.latency_ms.p50 <= report.latency_ms.p99 <= report.latency_ms.max + 0.1
    assert LoadReport.model_validate_json(report.model_dump_json()) == report


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (lambda total: good(total * 1.001), Failure.WRONG_VALUE),
        (lambda total: good(total, version="v2"), Failure.WRONG_VALUE),
        (lambda _: good(float("nan")), Failure.WRONG_VALUE),
        (lambda _: Reply(headers=good(0).headers, body=b"x"), Failure.WRONG_VALUE),
        (lambda total: good(total, version="v9"), Failure.WRONG_VERSION),
        (lambda total: Reply(body=good(total).body), Failure.WRONG_VERSION),
        (lambda _: Reply(503, body=b"no healthy upstream"), Failure.STATUS),
        (lambda _: Reply(307, {"Location": "/"}), Failure.STATUS),
    ],
)
def test_an_answer_that_is_not_as_it_should_be_is_a_failure(
    request_file: Path, reply: Callable[[float], Reply], reason: Failure
) -> None:
    with served(lambda _, total: reply(total)) as url:
        report = run(url, request_file, Plan(rate=200, seconds=0.1, time_limit=30))
    assert (report.ok, report.failed) == (0, {reason: 20})
    assert len(report.failures) == 20
    assert report.failures[0].uid in {"line-0", "line/1 ü"}


def test_a_refused_connection_is_a_failure(request_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    report = run(f"http://127.0.0.1:{port}", request_file)
    assert report.failed == {Failure.CONNECTION: SENT}


def test_a_request_on_a_broken_connection_is_not_sent_again(request_file: Path) -> None:
    arrived: list[float] = []

    def hang_up_later(_: Peer, total: float) -> Reply | None:
        arrived.append(total)
        return good(total) if len(arrived) <= 30 else None

    with served(hang_up_later) as url:
        report = run(url, request_file)
    assert report.failed == {Failure.CONNECTION: SENT - 30}
    assert len(arrived) == SENT


def test_twenty_connections_are_kept_and_every_twentieth_request_has_its_own(request_file: Path) -> None:
    connections: set[Peer] = set()

    def remember(peer: Peer, total: float) -> Reply:
        connections.add(peer)
        return good(total)

    with served(remember) as url:
        run(url, request_file)
    assert len(connections) == 20 + SENT // 20


def test_the_time_limit_counts_from_when_a_request_was_due(request_file: Path) -> None:
    arrived: list[float] = []
    over = threading.Event()

    def never(_: Peer, total: float) -> Reply:
        arrived.append(total)
        over.wait()
        return good(total)

    # Four at once on one connection: when the first times out, the time of the others is up as well.
    plan = Plan(rate=2.0**20, seconds=2.0**-18, kept=1, time_limit=0.3)
    with served(never) as url:
        try:
            report = run(url, request_file, plan)
        finally:
            over.set()
    assert (report.ok, report.failed) == (0, {Failure.TIME_OUT: 4})
    assert len(arrived) <= 1


def test_a_request_waits_for_a_connection_and_is_not_dropped(request_file: Path) -> None:
    plan = Plan(rate=1000, seconds=0.01, kept=1, time_limit=30)

    def after_all_are_sent(_: Peer, total: float) -> Reply:
        while generator.tally.report(1.0, finished=False).sent < 10:
            time.sleep(0.001)
        time.sleep(2 * LATE_SECONDS)
        return good(total)

    with served(after_all_are_sent) as url:
        generator = Generator(plan, read_requests(request_file, url, "line-loading"))
        asyncio.run(generator.run())
    report = generator.tally.report(generator.seconds, finished=True)
    assert report.ok == 10
    assert report.queued >= 9


def test_a_late_generator_says_so_and_still_sends_everything(request_file: Path) -> None:
    with served(lambda _, total: good(total)) as url:
        generator = Generator(PLAN, read_requests(request_file, url, "line-loading"))
        time.sleep(0.4)
        asyncio.run(generator.run())
    report = generator.tally.report(generator.seconds, finished=True)
    assert (report.sent, report.ok) == (SENT, SENT)
    assert report.late_sends >= 75
    assert report.latest_send_ms >= 400
    assert report.latency_ms.p50 >= 100
