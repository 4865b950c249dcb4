"""The peers: each used as its documentation says, with its own default checksum for uploads.

After a download every model is compared with a list of SHA-256, such as a version's manifest: bluegrid's
fetch does this, and no peer does it by itself.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import boto3
from botocore.config import Config
from botocore.handlers import add_expect_header

from benchmarks.transfer.server import BUCKET, REGION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from obstore.store import S3Store

    from benchmarks.transfer.payload import Payload

THREADS = 32
IN_FLIGHT = 64
ONE_BY_ONE = 50


ALL_WORKS = frozenset({"push", "fetch into memory", "fetch into files"})


class Client(ABC):
    """A way to move models to and from a prefix; created again for every sample, so no connection is warm.

    Attributes:
        name: for people.
        layout: the layout below the prefix; tools of one layout can read each other's objects.
        works: the works that it can do.
        part: number of models that are moved, from which the time of all is extrapolated; None: all.
    """

    name: ClassVar[str]
    layout: ClassVar[str] = "objects"
    works: ClassVar[frozenset[str]] = ALL_WORKS
    part: ClassVar[int | None] = None

    @abstractmethod
    def __init__(self, endpoint: str, prefix: str) -> None: ...

    @classmethod
    def folder(cls, prefix: str) -> str:
        """Return the folder in which the server keeps the pushed objects."""
        return prefix

    @abstractmethod
    def push(self, payload: Payload) -> None:
        """Push the models to the store."""

    @abstractmethod
    def fetch_memory(self, payload: Payload) -> dict[str, bytes]:
        """Fetch the models into memory, verified; by file name."""

    @abstractmethod
    def fetch_files(self, payload: Payload, into: Path) -> dict[str, Path]:
        """Fetch the models into `into`, an empty folder, verified; by file name."""


class Boto3(Client):
    """boto3, one object after the other."""

    name = f"boto3 one by one ({ONE_BY_ONE} models, scaled)"
    part: ClassVar[int | None] = ONE_BY_ONE
    threads: ClassVar[int] = 1

    def __init__(self, endpoint: str, prefix: str) -> None:
        self._prefix = prefix
        self._s3 = s3_client(endpoint, self.threads)

    def push(self, payload: Payload) -> None:
        """Every model one request."""

        def put(name: str) -> None:
            self._s3.put_object(
                Bucket=BUCKET, Key=f"{self._prefix}/{name}", Body=(payload.folder / name).read_bytes()
            )

        self._each(put, payload)

    def fetch_memory(self, payload: Payload) -> dict[str, bytes]:
        """Every model one request."""
        return dict(self._each(lambda name: (name, self._get(payload, name)), payload))

    def fetch_files(self, payload: Payload, into: Path) -> dict[str, Path]:
        """Every model one request."""

        def get(name: str) -> tuple[str, Path]:
            path = into / name
            path.write_bytes(self._get(payload, name))
            return name, path

        return dict(self._each(get, payload))

    def _get(self, payload: Payload, name: str) -> bytes:
        data: bytes = self._s3.get_object(Bucket=BUCKET, Key=f"{self._prefix}/{name}")["Body"].read()
        payload.check(name, data)
        return data

    def _each(self, call: Callable[[str], Any], payload: Payload) -> list[Any]:
        if self.threads == 1:
            return [call(name) for name in payload.sha256s]
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(call, payload.sha256s))


class Boto3Threads(Boto3):
    """boto3 in threads."""

    name = f"boto3, {THREADS} threads"
    part = None
    threads = THREADS


class Obstore(Client):
    """obstore's async calls, with a fixed number under way."""

    name = f"obstore, {IN_FLIGHT} in flight"

    def __init__(self, endpoint: str, prefix: str) -> None:
        from obstore.store import S3Store

        self._prefix = prefix
        self._store: S3Store = S3Store(
            BUCKET, endpoint=endpoint, region=REGION, client_options={"allow_http": True}
        )

    def push(self, payload: Payload) -> None:
        """Every model one request."""
        import obstore

        async def put(name: str) -> None:
            data = (payload.folder / name).read_bytes()
            await obstore.put_async(self._store, f"{self._prefix}/{name}", data)

        asyncio.run(_some_at_a_time(put, payload))

    def fetch_memory(self, payload: Payload) -> dict[str, bytes]:
        """Every model one request."""
        fetched: dict[str, bytes] = {}

        async def get(name: str) -> None:
            fetched[name] = await self._get(payload, name)

        asyncio.run(_some_at_a_time(get, payload))
        return fetched

    def fetch_files(self, payload: Payload, into: Path) -> dict[str, Path]:
        """Every model one request."""

        async def get(name: str) -> None:
            (into / name).write_bytes(await self._get(payload, name))

        asyncio.run(_some_at_a_time(get, payload))
        return {name: into / name for name in payload.sha256s}

    async def _get(self, payload: Payload, name: str) -> bytes:
        import obstore

        answer = await obstore.get_async(self._store, f"{self._prefix}/{name}")
        data = bytes(await answer.bytes_async())
        payload.check(name, data)
        return data


class _Command(Client):
    """A command-line tool; its start is part of its time, as for its users."""

    works = ALL_WORKS - {"fetch into memory"}

    def __init__(self, endpoint: str, prefix: str) -> None:
        self._endpoint = endpoint
        self._objects = f"s3://{BUCKET}/{prefix}/"

    def push(self, payload: Payload) -> None:
        """One run of the command."""
        _run(*self._copy(f"{payload.folder}/", self._objects))

    def fetch_memory(self, payload: Payload) -> dict[str, bytes]:
        """Not possible with a command."""
        raise NotImplementedError

    def fetch_files(self, payload: Payload, into: Path) -> dict[str, Path]:
        """One run of the command."""
        _run(*self._copy(self._objects, f"{into}/"))
        for name in payload.sha256s:
            payload.check(name, (into / name).read_bytes())
        return {name: into / name for name in payload.sha256s}

    def _copy(self, source: str, target: str) -> list[str | Path]:
        raise NotImplementedError


class AwsCli(_Command):
    """The AWS command line, with its defaults."""

    name = "aws s3 cp --recursive"

    def _copy(self, source: str, target: str) -> list[str | Path]:
        aws = Path(sys.executable).with_name("aws")
        options = ["--recursive", "--only-show-errors", f"--endpoint-url={self._endpoint}"]
        return [aws, "s3", "cp", source, target, *options]


class S5cmd(_Command):
    """s5cmd, with its defaults: 256 workers."""

    name = "s5cmd cp"
    program: ClassVar[Path] = Path("s5cmd")

    def _copy(self, source: str, target: str) -> list[str | Path]:
        everything = f"{source}*" if source.startswith("s3:") else source
        return [self.program, "--endpoint-url", self._endpoint, "--log", "error", "cp", everything, target]


class OneObject(Client):
    """Not a peer but a yardstick: the same bytes as one object, in one request."""

    name = "one object"
    layout = "one"

    def __init__(self, endpoint: str, prefix: str) -> None:
        self._prefix = prefix
        self._s3 = s3_client(endpoint, 1)
        # Waiting for "100 Continue" would make the yardstick a round trip longer.
        self._s3.meta.events.unregister("before-call.s3", add_expect_header)

    def push(self, payload: Payload) -> None:
        """One request for all models."""
        self._s3.put_object(Bucket=BUCKET, Key=f"{self._prefix}/one", Body=payload.joined)

    def fetch_memory(self, payload: Payload) -> dict[str, bytes]:
        """One request for all models."""
        data = self._s3.get_object(Bucket=BUCKET, Key=f"{self._prefix}/one")["Body"].read()
        return dict(_cut(payload, data))

    def fetch_files(self, payload: Payload, into: Path) -> dict[str, Path]:
        """One request for all models."""
        data = self._s3.get_object(Bucket=BUCKET, Key=f"{self._prefix}/one")["Body"].read()
        for name, part in _cut(payload, data):
            (into / name).write_bytes(part)
        return {name: into / name for name in payload.sha256s}


PEERS: tuple[type[Client], ...] = (Boto3, Boto3Threads, AwsCli, S5cmd, Obstore)


def s3_client(endpoint: str, connections: int) -> Any:
    """Return boto3's client with its defaults, and a connection for each thread."""
    config = Config(max_pool_connections=connections, s3={"addressing_style": "path"})
    return boto3.session.Session().client("s3", endpoint_url=endpoint, region_name=REGION, config=config)


def _cut(payload: Payload, data: bytes) -> Iterator[tuple[str, bytes]]:
    offset = 0
    for name in payload.sha256s:
        end = offset + (payload.folder / name).stat().st_size
        yield name, data[offset:end]
        offset = end


async def _some_at_a_time(call: Callable[[str], Awaitable[None]], payload: Payload) -> None:
    names = iter(payload.sha256s)

    async def worker() -> None:
        for name in names:
            await call(name)

    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
