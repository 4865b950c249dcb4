"""Workers as processes: a fault in one worker does not affect the others or the server."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import tracemalloc
from typing import TYPE_CHECKING, Any

import orjson
import psutil
import pytest

from bluegrid_server.errors import BusyError, CrashError, NotReadyError, TimeLimitError
from bluegrid_server.front import dispatcher as dispatchers
from bluegrid_server.front.dispatcher import Dispatcher
from bluegrid_server.processes import fork_server
from bluegrid_server.protocol.requests import Kind, Request
from tests.process.bluegrid_server.dispatchers import running, until
from tests.process.bluegrid_server.faulty_models import (
    ABORTS,
    EATS,
    LOOPS,
    SOUND,
    WAITS,
    FaultyModel,
    NeverLoaded,
    TellsItsLoads,
)
from tests.process.bluegrid_server.faulty_pods import pushed, request_of
from tests.support.endurance import scale

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path


async def infer(dispatcher: Dispatcher, number: float, uid: str = "m1") -> tuple[int, dict[str, Any]]:
    call = Request(Kind.INFER, uid, orjson.dumps(request_of(number, uid)))
    first = (await dispatcher.ask(call)).first
    return first.status, orjson.loads(first.body)


async def batch(dispatcher: Dispatcher, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    reply = await dispatcher.ask(Request(Kind.BATCH, body=orjson.dumps({"requests": requests})))
    pieces = [reply.first.body]
    if reply.rest is not None:
        pieces += [piece.body async for piece in reply.rest]
    answers: list[dict[str, Any]] = orjson.loads(b"".join(pieces))["responses"]
    return answers


def test_models_that_are_being_loaded_are_known_until_they_are_ready(tmp_path: Path) -> None:
    async def test() -> None:
        # Larger than one message.
        uids = [f"m{number:0100}" for number in range(2_000)]
        settings = pushed(tmp_path, {uid: FaultyModel() for uid in uids})
        dispatcher = Dispatcher(settings, fork_server.start(settings, after_preflight=True))
        dispatcher.supervisor.start()
        try:
            await until(lambda: dispatcher.loading)
            assert (dispatcher.loading, dispatcher.reason is None) == (uids, False)
            await until(lambda: dispatcher.reason is None)
            assert dispatcher.loading == ()
        finally:
            await dispatcher.supervisor.close()

    run(test())


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


SOUND_MODELS: dict[str, Any] = {"m1": FaultyModel(), "m2": FaultyModel()}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("number", "error", "message"),
    [
        (LOOPS, TimeLimitError, "m1 took longer than 1 s; its process was replaced"),
        (ABORTS, CrashError, "m1 ended its process by SIGABRT"),
    ],
    ids=["loops", "aborts"],
)
def test_a_model_that_takes_its_process_along_costs_only_its_own_request(
    tmp_path: Path, workers: int, number: float, error: type[Exception], message: str
) -> None:
    async def test() -> None:
        async with running(pushed(tmp_path, SOUND_MODELS, workers=workers)) as dispatcher:
            before = [asyncio.create_task(infer(dispatcher, WAITS)) for _ in range(2)]
            guilty = asyncio.create_task(infer(dispatcher, number))
            after = [asyncio.create_task(infer(dispatcher, SOUND, uid)) for uid in ("m1", "m2") * 10]
            for answer in await asyncio.gather(*before, *after):
                assert answer[0] == 200
            with pytest.raises(error, match=message):
                await guilty
            assert (await infer(dispatcher, SOUND))[0] == 200

    run(test())


def test_others_are_answered_within_five_seconds_while_a_model_loops(tmp_path: Path) -> None:
    # With one worker, the worst case: all requests wait for it. The pod's setting is four seconds.
    limit = scale(1, 4)

    async def test() -> None:
        async with running(pushed(tmp_path, SOUND_MODELS, time_limit=limit)) as dispatcher:
            guilty = asyncio.create_task(infer(dispatcher, LOOPS))
            async with asyncio.timeout(limit + 1):
                answers = await asyncio.gather(*(infer(dispatcher, SOUND, uid) for uid in ("m1", "m2") * 10))
            assert {status for status, _ in answers} == {200}
            with pytest.raises(TimeLimitError):
                await guilty

    run(test())


def test_the_time_limit_of_a_batch_is_that_of_each_of_its_models(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(pushed(tmp_path, SOUND_MODELS)) as dispatcher:
            # 1.5 s in all; the limit is one second.
            answers = await batch(dispatcher, *[request_of(WAITS, "m1")] * 5)
            assert [[*answer] for answer in answers] == [["model_name", "parameters", "outputs"]] * 5
            with pytest.raises(TimeLimitError, match="a model of the request took longer than 1 s"):
                await batch(dispatcher, *(request_of(number, "m1") for number in (WAITS, LOOPS, SOUND)))
            assert (await infer(dispatcher, SOUND))[0] == 200

    run(test())


def test_others_are_answered_between_the_models_of_a_slow_batch(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(pushed(tmp_path, SOUND_MODELS)) as dispatcher:
            slow = asyncio.create_task(batch(dispatcher, *[request_of(WAITS, "m1")] * 5))
            other = asyncio.create_task(infer(dispatcher, SOUND, "m2"))
            assert (await other)[0] == 200
            assert not slow.done()
            assert len(await slow) == 5

    run(test())


def test_a_request_that_eats_memory_is_refused_and_costs_no_process(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(pushed(tmp_path, SOUND_MODELS, request_memory=2**28)) as dispatcher:
            assert await infer(dispatcher, EATS) == (
                507,
                {"error": "model m1 needs more memory for this than there is"},
            )
            assert (await infer(dispatcher, SOUND))[0] == 200

    run(test())


def test_a_worker_that_is_killed_is_replaced_and_its_calls_are_answered(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(pushed(tmp_path, SOUND_MODELS)) as dispatcher:
            calls = [asyncio.create_task(infer(dispatcher, SOUND)) for _ in range(5)]
            (children,) = _children(dispatcher)
            os.kill(children, signal.SIGKILL)
            answers = await asyncio.gather(*calls, return_exceptions=True)
            # At most the worker's present call is lost.
            assert sum(isinstance(answer, CrashError) for answer in answers) <= 1
            assert (await infer(dispatcher, SOUND))[0] == 200

    run(test())


def test_a_model_that_ends_the_process_that_loads_it_is_told(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(pushed(tmp_path, {"m1": NeverLoaded()})) as dispatcher:
            reason = await dispatcher.supervisor.broken
            assert reason.startswith(
                "the process that loads the models ended by SIGABRT: set g1 version v1: loading"
            )

    run(test())


def test_lazily_such_a_model_harms_no_other(tmp_path: Path) -> None:
    async def test() -> None:
        models: dict[str, Any] = {"m0": NeverLoaded(), "m1": FaultyModel()}
        async with running(pushed(tmp_path, models, load="lazy", time_limit=30)) as dispatcher:
            assert dispatcher.loaded == 0
            with pytest.raises(CrashError, match="m0 ended its process by SIGABRT"):
                await infer(dispatcher, SOUND, "m0")
            await dispatcher.unload("m0")
            answers = await batch(dispatcher, request_of(SOUND, "m0"), request_of(SOUND, "m1"))
            assert [sorted(answer) for answer in answers] == [
                ["error", "model_name"],
                ["model_name", "outputs", "parameters"],
            ]
            assert (await infer(dispatcher, SOUND))[0] == 200
            assert dispatcher.loaded == 1
            (states,) = await dispatcher.ask_all(Request(Kind.STATES))
            assert orjson.loads(states.body) == {"m0": ["UNAVAILABLE", "unloaded"], "m1": ["READY", ""]}

    run(test())


def test_a_model_is_loaded_once_however_many_ask_for_it_first(tmp_path: Path) -> None:
    loads = tmp_path / "loads"

    async def test() -> None:
        settings = pushed(tmp_path, {"m1": TellsItsLoads(str(loads))}, load="lazy", workers=2)
        async with running(settings) as dispatcher:
            assert not loads.exists()
            answers = await asyncio.gather(
                *(infer(dispatcher, WAITS if n == 0 else SOUND) for n in range(20))
            )
            assert {status for status, _ in answers} == {200}
            assert dispatcher.loaded == 1

    run(test())
    assert loads.read_text() == "loaded\n"


def test_what_was_unloaded_stays_so_in_new_workers_until_it_is_loaded(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(pushed(tmp_path, SOUND_MODELS)) as dispatcher:
            assert (await dispatcher.unload("m9")).status == 404
            assert (await dispatcher.unload("m1")).status == 200
            with pytest.raises(CrashError):
                await infer(dispatcher, ABORTS, "m2")
            status, answer = await infer(dispatcher, SOUND)
            assert (status, answer["error"]) == (503, "model m1 was unloaded; load it at the admin port")
            assert (await dispatcher.load("m1")).status == 200
            assert (await infer(dispatcher, SOUND))[0] == 200

    run(test())


def test_a_call_that_is_answered_leaves_nothing_behind(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(pushed(tmp_path, SOUND_MODELS)) as dispatcher:
            await infer(dispatcher, SOUND)
            tracemalloc.start()
            try:
                for _ in range(2000):
                    await infer(dispatcher, SOUND)
                gc.collect()
                left, _ = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert left < 10 * 2000

    run(test())


def test_a_dispatcher_with_too_much_to_do_asks_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        async with running(pushed(tmp_path, SOUND_MODELS)) as dispatcher:
            monkeypatch.setattr(dispatchers, "MAX_WAITING", 0)
            with pytest.raises(BusyError):
                await infer(dispatcher, SOUND)

    run(test())


def test_a_dispatcher_that_has_closed_takes_no_requests_and_leaves_no_process(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(pushed(tmp_path, SOUND_MODELS, workers=2)) as dispatcher:
            children = _children(dispatcher)
            assert len(children) == 2
        with pytest.raises(NotReadyError):
            await infer(dispatcher, SOUND)
        for child in children:
            with pytest.raises(ProcessLookupError):
                os.kill(child, 0)

    run(test())


def _children(dispatcher: Dispatcher) -> list[int]:
    family = psutil.Process(dispatcher.supervisor._fork_server.pid).children(recursive=True)
    return [process.pid for process in family if not process.children()]
