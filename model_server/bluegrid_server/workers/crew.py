"""The front's side: has workers forked, hands calls to them, and watches them."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from bluegrid_server.at_once import answer_at_once
from bluegrid_server.errors import BusyError, CrashError, NotReadyError, TimeLimitError
from bluegrid_server.linear_table import LinearTable
from bluegrid_server.workers.beat import Beat
from bluegrid_server.workers.calls import MESSAGE, Call, Kind
from bluegrid_server.workers.hand import Awaited, Hand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bluegrid_server.settings import Settings
    from bluegrid_server.workers.calls import Part, Reply
    from bluegrid_server.workers.hand import Flight
    from bluegrid_server.workers.nursery import NurseryProcess

MAX_WAITING = 1000
"""Calls that are not answered yet; what comes on top is told to come again, while it still may."""

MAX_WAITING_BYTES = 256 * 2**20
"""Bytes of their bodies."""

_LOOK_EVERY = 0.2
"""Seconds between two looks at what the workers are busy with."""

_TRIES = 2
"""How often a call is handed to a worker that then ends, for no fault of the call."""

_MAX_FAILURES = 3
"""Workers in a row that end before they are up, until the pod gives up."""


class Crew:
    """All workers of a pod; made, started and asked in one event loop.

    Args:
        settings: of the pod.
        nursery: where the workers come from; it ends with the crew.

    Attributes:
        reason: why it takes no calls yet, or no longer; None: it takes them.
        models: how many models the version has.
        loading: their UIDs while they are loaded, once they are known.
        examples: how many recorded examples reproduced.
        broken: done, with the reason, when it never will take calls again.
    """

    def __init__(self, settings: Settings, nursery: NurseryProcess) -> None:
        self.reason: str | None = "starting"
        self.models = self.examples = 0
        self.loading: Sequence[str] = ()
        self._loop = asyncio.get_running_loop()
        self.broken: asyncio.Future[str] = self._loop.create_future()
        self._settings = settings
        self._hands: dict[int, Hand | None] = {}
        """By slot; None: on its way."""
        self._connecting: dict[int, asyncio.Task[Any]] = {}
        self._waiting: list[Flight] = []
        self._culprits: dict[str, Flight] = {}
        """Of workers that have ended by themselves, until the nursery tells how."""
        # Not cycle(), which keeps all that it has given.
        self._numbers = (1 + number % (2**32 - 1) for number in itertools.count())
        self._failures = 0
        self._unloaded: set[str] = set()
        self._linear: LinearTable | None = None
        self._log = structlog.get_logger()
        self._nursery, self._control = nursery, nursery.control

    def start(self) -> None:
        """Listen to the nursery; `reason` tells how far it is."""
        self._control.setblocking(False)
        self._loop.add_reader(self._control, self._from_nursery)
        self._loop.call_later(_LOOK_EVERY, self._look)

    async def close(self) -> None:
        """Let all workers and the nursery end."""
        self.reason = "stopping"
        self._loop.remove_reader(self._control)
        # The nursery sees that the front has gone; it also ends a worker that does not come back.
        self._control.close()
        await asyncio.gather(*(hand.close() for hand in self._up()))
        await asyncio.to_thread(self._nursery.wait)

    async def ask(self, call: Call) -> Reply:
        """Have a call answered.

        Raises:
            RequestError: it is not answered: too many wait, it took too long, or its worker ended.
        """
        flight = Awaited(call)
        self.take(flight)
        return await flight.reply()

    def take(self, flight: Flight) -> None:
        """Have a flight's call answered; it is told.

        Raises:
            RequestError: it is not: there are no models yet, or too many calls wait.
        """
        slot, uid = None, flight.call.uid
        if self._linear is not None and self.reason is None and uid not in self._unloaded:
            part = answer_at_once(self._linear, self._settings.version, flight.call)
            if part is not None:
                flight.receive(part)
                return
        if self._settings.load == "lazy" and uid:
            # So that each model is loaded, and takes memory, in one worker only.
            slot = zlib.crc32(uid.encode()) % self._settings.workers
        self._take(flight, slot)

    async def ask_all(self, call: Call) -> list[Part]:
        """Have a call of one part answered by every worker."""
        flights = [Awaited(call) for _ in range(self._settings.workers)]
        for slot, flight in enumerate(flights):
            self._take(flight, slot)
        replies = await asyncio.gather(*(flight.reply() for flight in flights))
        return [reply.first for reply in replies]

    async def load(self, uid: str) -> Part:
        """Load a model; the worst of the workers' answers."""
        self._unloaded.discard(uid)
        return max(await self.ask_all(Call(Kind.LOAD, uid)), key=lambda part: part.status)

    async def unload(self, uid: str) -> Part:
        """Let go of a model until it is loaded again; the worst of the workers' answers."""
        worst = max(await self.ask_all(Call(Kind.UNLOAD, uid)), key=lambda part: part.status)
        if worst.status < 400:
            self._unloaded.add(uid)
        return worst

    @property
    def loaded(self) -> int:
        """Models in memory."""
        counts = [hand.beat.models for hand in self._up()]
        return sum(counts) if self._settings.load == "lazy" else max(counts, default=0)

    def heard(self, hand: Hand, told: Mapping[str, str]) -> None:
        """Take what a worker says by itself."""
        if "said" in told:
            self._say(told["said"])
        elif "failed" in told:
            self._break(told["failed"])
        else:
            self._take_in(hand)

    def lost(self, hand: Hand) -> None:
        """Take that a worker has ended: another gets its place and its calls, but for the one it ended of."""
        if self.reason == "stopping" or self.broken.done():
            return
        self._failures = 0 if hand.is_up else self._failures + 1
        culprit = hand.flights.pop(hand.beat.call or 0, None)
        if culprit is not None and hand.error is not None:
            culprit.fail(hand.error)
        elif culprit is not None:
            self._culprits[hand.name] = culprit
        (slot,) = (slot for slot, other in self._hands.items() if other is hand)
        self._hands[slot] = None
        self._order(end=hand.name)
        if self._failures > _MAX_FAILURES:
            self._break(f"{self._settings.place}: workers end before they can answer; see the log")
            return
        self._fork(slot)
        for flight in hand.flights.values():
            flight.tries += 1
            if flight.tries < _TRIES and not flight.is_begun:
                self._dispatch(flight, None)
            else:
                flight.fail(CrashError("the processes that were to answer this ended; see the log"))

    def _take(self, flight: Flight, slot: int | None) -> None:
        if self.reason is not None:
            raise NotReadyError(f"not ready: {self.reason}")
        waiting = len(self._waiting) + sum(len(hand.flights) for hand in self._up())
        size = sum(len(each.call.body) for each in self._waiting) + sum(hand.bytes for hand in self._up())
        if waiting >= MAX_WAITING or size + len(flight.call.body) > MAX_WAITING_BYTES:
            raise BusyError(f"{waiting} requests wait already; come again, or add replicas")
        flight.number = next(self._numbers)
        self._dispatch(flight, slot)

    def _dispatch(self, flight: Flight, slot: int | None) -> None:
        hand = self._hands[slot] if slot is not None else None
        if hand is None or not hand.is_up:
            hand = min(self._up(), key=lambda hand: len(hand.flights), default=None)
        if hand is None:
            self._waiting.append(flight)
        else:
            hand.hand(flight)

    def _up(self) -> Iterator[Hand]:
        return (hand for hand in self._hands.values() if hand is not None and hand.is_up)

    def _look(self) -> None:
        for hand in self._up():
            limit = self._settings.time_limit
            number = hand.beat.call
            if hand.error is None and hand.beat.seconds > limit and number in hand.flights:
                what = hand.flights[number].call.uid or "a model of the request"
                hand.error = TimeLimitError(f"{what} took longer than {limit:g} s; its process was replaced")
                self._order(end=hand.name)
        self._loop.call_later(_LOOK_EVERY, self._look)

    def _fork(self, slot: int, *, is_first: bool = False) -> None:
        self._hands[slot] = None
        self._order(fork=slot, first=is_first)

    def _order(self, **order: Any) -> None:
        # When the nursery has gone, _from_nursery() hears of it.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._control.send(orjson.dumps(order))

    def _from_nursery(self) -> None:
        try:
            message, fds, _, _ = socket.recv_fds(self._control, MESSAGE, 2)
        except ConnectionResetError:
            message, fds = b"", []
        if not message:
            self._loop.remove_reader(self._control)
            self._break(
                f"the process that loads the models ended {_how(self._nursery.wait())}: {self.reason}"
            )
            return
        told = orjson.loads(message)
        if "said" in told:
            self._say(told["said"])
        elif "failed" in told:
            self._break(told["failed"])
        elif "loading" in told:
            (fd,) = fds
            with os.fdopen(fd, "rb") as memory:
                memory.seek(0)
                self.loading = orjson.loads(memory.read())
        elif "fetched" in told:
            self.models, self.examples = told["fetched"], told["examples"]
            for fd in fds:
                self._linear = LinearTable(fd)
                os.close(fd)
            # Alone at first: what it cannot load, the others cannot either.
            self._fork(0, is_first=True)
        elif "forked" in told:
            self._greet(told, *fds)
        elif "ended" in told:
            self._log.warning("worker ended", how=_how(told["status"]))
            if culprit := self._culprits.pop(told["ended"], None):
                what = culprit.call.uid or "a model of the request"
                culprit.fail(CrashError(f"{what} ended its process {_how(told['status'])}"))

    def _greet(self, told: Mapping[str, Any], connection: int, memory: int) -> None:
        hand = self._hands[told["slot"]] = Hand(self, told["forked"], Beat(memory))
        os.close(memory)
        connected = self._loop.create_connection(lambda: hand, sock=socket.socket(fileno=connection))
        self._connecting[told["slot"]] = self._loop.create_task(connected)

    def _take_in(self, hand: Hand) -> None:
        hand.is_up = True
        for uid in self._unloaded:
            order = Awaited(Call(Kind.UNLOAD, uid))
            order.number = next(self._numbers)
            hand.hand(order)
        for slot in range(self._settings.workers):
            if slot not in self._hands:
                self._fork(slot)
        if len(list(self._up())) == self._settings.workers:
            self.reason, self.loading = None, ()
        waiting, self._waiting = self._waiting, []
        for flight in waiting:
            self._dispatch(flight, None)

    def _say(self, line: str) -> None:
        self._log.info(line)
        if self.reason is not None:
            self.reason = line

    def _break(self, reason: str) -> None:
        self.reason, self.loading = reason, ()
        if not self.broken.done():
            self.broken.set_result(reason)


def _how(status: int) -> str:
    return f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
