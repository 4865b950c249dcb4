"""Sends requests at their due times, on kept and on fresh connections, and checks every answer.

aiohttp sends a POST once: on a broken kept connection `ClientSession._request` repeats only idempotent
requests (`IDEMPOTENT_METHODS` in aiohttp/client.py, read in 3.14.5).
"""

from __future__ import annotations

import asyncio
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
import orjson

from tools.load.report import Failure
from tools.load.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.load.requests import Request

RTOL, ATOL = 1e-6, 1e-9


@dataclass(frozen=True)
class Plan:
    """How requests are sent: times in seconds; every `fresh_every`th request has a connection of its own.

    `host` is the service's host name, if it differs from that of the URL.
    """

    rate: float
    seconds: float
    kept: int = 20
    fresh_every: int = 20
    time_limit: float = 2.0
    host: str | None = None


@dataclass(frozen=True)
class _Due:
    request: Request
    at: float
    handed: float


class Generator:
    """One load; `run` ends at the plan's end or soon after `stop`, with nothing in flight."""

    def __init__(self, plan: Plan, requests: Sequence[Request]) -> None:
        self.tally = Tally(plan.rate)
        self._plan = plan
        self._requests = requests
        self._queue: asyncio.Queue[_Due | None] = asyncio.Queue()
        self._stopping = False
        self._sent_until: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds for which requests have been sent."""
        return self.tally.now() if self._sent_until is None else self._sent_until

    def stop(self) -> None:
        """Send no further requests; those under way end within the time limit."""
        self._stopping = True

    async def run(self) -> None:
        """Send the whole plan and wait for the last answer."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._plan.kept):
                tasks.create_task(self._kept_connection())
            await self._send(tasks)
            for _ in range(self._plan.kept):
                self._queue.put_nowait(None)

    async def _send(self, tasks: asyncio.TaskGroup) -> None:
        count = int(self._plan.rate * self._plan.seconds)
        for number, request in zip(range(count), itertools.cycle(self._requests), strict=False):
            at = number / self._plan.rate
            # If late, it only yields to the connections and then sends at once: the rate is never lowered.
            await asyncio.sleep(max(0.0, at - self.tally.now()))
            if self._stopping:
                break
            due = _Due(request, at, handed=self.tally.now())
            self.tally.sent(due.handed - due.at)
            if (number + 1) % self._plan.fresh_every == 0:
                tasks.create_task(self._fresh_connection(due))
            else:
                self._queue.put_nowait(due)
        self._sent_until = self.tally.now()

    async def _kept_connection(self) -> None:
        async with self._session(kept=True) as session:
            while (due := await self._queue.get()) is not None:
                self.tally.began(self.tally.now() - due.handed)
                await self._request(session, due)

    async def _fresh_connection(self, due: _Due) -> None:
        async with self._session(kept=False) as session:
            await self._request(session, due)

    async def _request(self, session: aiohttp.ClientSession, due: _Due) -> None:
        request = due.request
        try:
            left = self._time_left(due)
            async with (
                asyncio.timeout(left),
                session.post(request.url, data=request.body, allow_redirects=False) as answer,
            ):
                content = await answer.read()
        except TimeoutError:
            self.tally.failed(
                Failure.TIME_OUT, request.uid, f"no answer {self._plan.time_limit:g} s after it was due"
            )
        except (aiohttp.ClientError, OSError) as error:
            self.tally.failed(Failure.CONNECTION, request.uid, f"{type(error).__name__}: {error}")
        else:
            self._check(due, answer, content)

    def _session(self, *, kept: bool) -> aiohttp.ClientSession:
        """Return a session of one connection: kept ones are used in turn, a fresh one is really new."""
        host = {} if self._plan.host is None else {"Host": self._plan.host}
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1, force_close=not kept),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Content-Type": "application/json", **host},
        )

    def _time_left(self, due: _Due) -> float:
        left = due.at + self._plan.time_limit - self.tally.now()
        if left <= 0:
            raise TimeoutError
        return left

    def _check(self, due: _Due, answer: aiohttp.ClientResponse, content: bytes) -> None:
        request = due.request
        if answer.status != 200:
            detail = f"{answer.status} {content.decode(errors='replace')}"
            self.tally.failed(Failure.STATUS, request.uid, detail)
            return
        version, cluster = answer.headers.get("Bluegrid-Version"), answer.headers.get("Bluegrid-Cluster")
        if version is None or cluster is None or version not in request.answers:
            detail = f"version {version}, cluster {cluster}; known versions: {', '.join(request.answers)}"
            self.tally.failed(Failure.WRONG_VERSION, request.uid, detail)
            return
        value, expected = _value(content), request.answers[version]
        if value is None or not math.isclose(value, expected, rel_tol=RTOL, abs_tol=ATOL):
            detail = f"{value} instead of {expected} of version {version}, cluster {cluster}"
            self.tally.failed(Failure.WRONG_VALUE, request.uid, detail)
            return
        self.tally.good(version, cluster, self.tally.now() - due.at)


def _value(content: bytes) -> float | None:
    try:
        return float(orjson.loads(content)["outputs"][0]["data"][0])
    except (ValueError, TypeError, LookupError):
        return None
