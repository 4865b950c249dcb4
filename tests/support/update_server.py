from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn
from ruamel.yaml import YAML

from bluegrid.updates.api.tokens import Scope, new_token
from bluegrid.updates.serve import Listening, Options, build, configured
from bluegrid_registry import ModelSet
from tests.support.skops_files import skops_file
from tests.support.updating import SOMEBODY, Place, git

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SET = """\
set:
  id: g1
  name: Line loading
  task: regression
  type: scikit-learn/skops
  source: platform
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A registry whose version v1 has three models, and the tokens of three clients."""
    registry, store = tmp_path / "registry", f"file://{tmp_path / 'store'}"
    registry.mkdir()
    (tmp_path / "store").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("{name: bluegrid, runtime: python}")
    (registry / "g1.yaml").write_text(f"{SET}versions: []\n")
    models = {f"line-{number}": skops_file(f"model {number}") for number in range(3)}
    ModelSet.open("g1", registry, store).push("v1", models)
    secrets, rows = {}, []
    callers = {
        "training": [Scope.READ, Scope.UPDATE],
        "looker": [Scope.READ],
        "operator": [Scope.READ, Scope.SWITCH],
    }
    for name, scopes in callers.items():
        secrets[name], row = new_token(name, scopes)
        rows.append(row.model_dump(mode="json"))
    YAML().dump(rows, tmp_path / "tokens.yaml")
    return Place(tmp_path, registry, store, secrets)


@contextmanager
def running_server(options: Options, headers: Mapping[str, str]) -> Iterator[httpx.Client]:
    """Run the server on a free port; yield a client with these headers."""
    server = uvicorn.Server(configured(build(options), Listening("127.0.0.1", 0)))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def client(place: Place) -> Iterator[httpx.Client]:
    """A client of the server, with a token that may update."""
    options = Options(place.registry, place.store, place.folder / "state", place.folder / "tokens.yaml")
    with running_server(options, place.headers("training")) as client:
        yield client


@pytest.fixture
def remote(place: Place) -> Path:
    """A bare git repository with the registry on branch main."""
    bare, work = place.folder / "remote.git", place.folder / "work"
    git("init", "--quiet", "--bare", "--initial-branch=main", bare)
    git("clone", "--quiet", bare, work)
    place.registry.rename(work / "registry")
    git("-C", work, "add", ".")
    git("-C", work, *SOMEBODY, "commit", "--quiet", "--message=Version v1")
    git("-C", work, "push", "--quiet", "origin", "HEAD:main")
    return bare


@pytest.fixture
def git_client(place: Place, remote: Path) -> Iterator[httpx.Client]:
    """The same client, with the registry in a repository."""
    options = Options(
        Path("registry"),
        place.store,
        place.folder / "state",
        place.folder / "tokens.yaml",
        git=str(remote),
    )
    with running_server(options, place.headers("training")) as client:
        yield client
