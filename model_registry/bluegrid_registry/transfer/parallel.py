"""Runs several jobs at a time, within a fixed amount of memory."""

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
    """A job for `in_parallel`."""

    run: Callable[[], T]
    memory: int
    """Approximate memory of the job while it runs, in bytes."""


def in_parallel(jobs: Iterable[Job[T]], config: TransferConfig | None = None) -> Iterator[T]:
    """Yield the results of jobs as they end; the first error cancels the jobs that have not started.

    Args:
        jobs: the jobs; they are read as threads become free.
        config: `downloads` jobs run at a time, and take at most `download_bytes` together.
    """
    config = config or transfer_config.DEFAULT
    with ThreadPoolExecutor(config.downloads) as pool:
        running: dict[Future[T], int] = {}
        try:
            for job in jobs:
                while running and sum(running.values()) + job.memory > config.download_bytes:
                    yield from _finished(running)
                running[pool.submit(job.run)] = job.memory
            while running:
                yield from _finished(running)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _finished(running: dict[Future[T], int]) -> Iterator[T]:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        del running[future]
        yield future.result()
