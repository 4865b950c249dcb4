"""Runs several jobs at a time, as many as fit into a fixed amount of memory."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from bluegrid_registry.transfer import config as transfer_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bluegrid_registry.transfer.config import TransferConfig

T = TypeVar("T")


@dataclass(frozen=True)
class Job(Generic[T]):
    """A job."""

    run: Callable[[], T]
    memory: int
    """Bytes that it takes while it runs; near enough to plan with."""


def in_parallel(jobs: Iterable[Job[T]], config: TransferConfig | None = None) -> Iterator[T]:
    """Yield the jobs' results as they come; the first error ends everything.

    Args:
        jobs: what to do.
        config: `downloads` jobs run at a time, and take at most `download_bytes` together.
    """
    config = config or transfer_config.DEFAULT
    with ThreadPoolExecutor(config.downloads) as pool:
        under_way: dict[Future[T], int] = {}
        try:
            for job in jobs:
                while under_way and sum(under_way.values()) + job.memory > config.download_bytes:
                    yield from _finished(under_way)
                under_way[pool.submit(job.run)] = job.memory
            while under_way:
                yield from _finished(under_way)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _finished(under_way: dict[Future[T], int]) -> Iterator[T]:
    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
    for future in done:
        del under_way[future]
        yield future.result()
