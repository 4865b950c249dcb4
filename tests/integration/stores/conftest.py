"""A real S3 server, and both kinds of store with access to their files on disk."""

from __future__ import annotations

import itertools
import os
import random
import secrets
import shutil
import socket
import subprocess
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest
from botocore.loaders import create_loader

from bluegrid_registry import Example, ModelType, SourceModel, Store, open_store, push
from tests.integration.stores.faults import ONCE, SILENT
from tests.integration.stores.faulty_proxy import FaultyProxy
from tests.integration.stores.pretender import pretending
from tests.integration.stores.versions import small_packs, version
from tools.toolchain import programs_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bluegrid_registry import PushReport
    from tests.integration.stores.faulty_proxy import Fault
    from tests.integration.stores.pretender import Pretender
    from tests.integration.stores.versions import MakeModels

BUCKET = "models"
ACCESS_KEY, SECRET_KEY = "test-access", "test-secret"

_numbers = itertools.count()
_botocore_data = create_loader()


class Server(NamedTuple):
    endpoint: str
    root: Path


class Place(NamedTuple):
    url: str
    folder: Path


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("s3")
    (root / BUCKET).mkdir()
    with running_server(root) as server:
        yield server


def versitygw() -> str:
    """Return the path of the server's program."""
    binary = shutil.which("versitygw", path=f"{programs_dir()}:{os.environ['PATH']}")
    if binary is None:
        pytest.fail("versitygw is not there; `make test` obtains it", pytrace=False)
    return binary


@contextmanager
def running_server(root: Path, *more: str) -> Iterator[Server]:
    """Run a server with the buckets in `root`, and additional options."""
    endpoint = f"127.0.0.1:{_free_port()}"
    options = ["--access", ACCESS_KEY, "--secret", SECRET_KEY, "--health", "/health", "--quiet"]
    command = [versitygw(), "--port", endpoint, *options, "--keep-alive", *more, "posix", str(root)]
    server = subprocess.Popen(command)
    try:
        _wait_until_healthy(server, f"http://{endpoint}/health")
        yield Server(f"http://{endpoint}", root)
    finally:
        server.kill()
        server.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_until_healthy(server: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        assert server.poll() is None, "versitygw ended"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            assert time.monotonic() < deadline, "versitygw is not healthy after 30 s"
            time.sleep(0.05)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    # Use neither the machine's AWS configuration nor a metadata service.
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "absent"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "absent"))
    # Do not reuse facts that other tests have cached about their servers.
    monkeypatch.setattr(
        "bluegrid_registry.stores.s3_memory._path", lambda: tmp_path / "cache" / "stores.json"
    )
    # Loading botocore's data again for every store would take most of the suite's time.
    monkeypatch.setattr("botocore.session.create_loader", lambda *_: _botocore_data)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def s3_place(s3_server: Server) -> Place:
    prefix = f"test-{next(_numbers)}"
    url = f"s3://{BUCKET}/{prefix}?endpoint={s3_server.endpoint}&region=us-east-1"
    return Place(url, s3_server.root / BUCKET / prefix)


@pytest.fixture(scope="session")
def url_on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Gives the URL of a new store on another S3 server, which is started on first use."""
    from tests.integration.stores.servers import REGION, started

    with ExitStack() as running:
        endpoints: dict[str, str] = {}

        def url(name: str) -> str:
            if name not in endpoints:
                endpoints[name] = running.enter_context(started(name, tmp_path_factory.mktemp(name)))
            return f"s3://{BUCKET}/test-{next(_numbers)}?endpoint={endpoints[name]}&region={REGION}"

        yield url


@pytest.fixture
def pretender() -> Iterator[Pretender]:
    with pretending() as state:
        yield state


@pytest.fixture
def proxy(s3_server: Server) -> Iterator[FaultyProxy]:
    """Give a proxy in front of the server that injects a test's faults."""
    proxy = FaultyProxy(s3_server.endpoint)
    yield proxy
    proxy.close()


@pytest.fixture
def wired_url(s3_place: Place, s3_server: Server, proxy: FaultyProxy) -> str:
    """Give the address of the store `s3_place` through the proxy."""
    return s3_place.url.replace(s3_server.endpoint, proxy.endpoint)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let S3 clients retry without delay, as often as usual: tests check that they retry, not how long."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    monkeypatch.setattr("bluegrid_registry.stores.s3_wire.PATIENCE", 0)
    monkeypatch.setattr("bluegrid_registry.stores.s3.READ_TIMEOUT", 2)


@pytest.fixture
def short_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first write to a server send each kind of request of a probe, and few requests of a kind.

    For tests that break every request: 10 instead of 35 belong to the probe.
    """
    for name, value in {"_ROUNDS": 1, "_TOGETHER": 2, "_PAUSE": 0}.items():
        monkeypatch.setattr(f"bluegrid_registry.stores.s3_probe.{name}", value)


@pytest.fixture(params=ONCE)
def passing(request: pytest.FixtureRequest, patient: None, monkeypatch: pytest.MonkeyPatch) -> Fault:
    """Give each temporary fault; silence lasts as long as a client waits."""
    if request.param in SILENT:
        monkeypatch.setattr("bluegrid_registry.stores.s3.READ_TIMEOUT", 0.4)
    return ONCE[request.param]


@pytest.fixture(params=["file", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "file":
        (tmp_path / "store").mkdir()
        return Place(f"file://{tmp_path}/store", tmp_path / "store")
    s3: Place = request.getfixturevalue("s3_place")
    return s3


@pytest.fixture
def store(place: Place) -> Store:
    return open_store(place.url)


@pytest.fixture
def s3_store(s3_place: Place) -> Store:
    return open_store(s3_place.url)


@pytest.fixture
def at_rest(place: Place) -> Callable[[str], Path]:
    """Give the file in which the store keeps an object, to damage its bytes."""
    return place.folder.joinpath


@pytest.fixture
def model_type() -> ModelType:
    return ModelType.parse("scikit-learn/skops")


@pytest.fixture
def make_models(tmp_path: Path) -> Callable[..., tuple[SourceModel, ...]]:
    """Make models of random bytes that compress a little; the same seed gives the same models."""

    def make(
        count: int = 5, seed: int = 1, size: int = 2000, *, recorded: bool = False
    ) -> tuple[SourceModel, ...]:
        folder = tmp_path / f"models-{secrets.token_hex(4)}"
        folder.mkdir()
        source = random.Random(seed)
        models = []
        for number in range(count):
            path = folder / f"line-{number:03}.skops"
            path.write_bytes(source.randbytes(size // 2) + bytes(size // 2))
            example = Example(inputs=((float(number), 1.0),), outputs=(source.random(),))
            models.append(SourceModel(path.stem, path, (example,) if recorded else ()))
        return tuple(models)

    return make


@pytest.fixture
def three(
    store: Store, make_models: MakeModels, model_type: ModelType, monkeypatch: pytest.MonkeyPatch
) -> list[PushReport]:
    """Push v1, v2 (v1 with one model changed), and v3 with different models."""
    small_packs(monkeypatch)
    first = push(store, "g1", "v1", make_models(9), model_type=model_type)
    second = push(store, "g1", "v2", make_models(1, seed=2), model_type=model_type, base=version(first))
    return [first, second, push(store, "g1", "v3", make_models(9, seed=3), model_type=model_type)]
