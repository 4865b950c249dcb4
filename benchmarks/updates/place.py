"""A registry in git with any number of services, a server of it, and a journal with any number of rows."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import uvicorn
from ruamel.yaml import YAML

from bluegrid.updates.api.tokens import Scope, new_token
from bluegrid.updates.serve import Listening, Options, build, configured
from bluegrid_registry import BluegridError

if TYPE_CHECKING:
    from collections.abc import Iterator

REGIONS = ("north", "east")
_START_SECONDS = 60.0
_FILE = """\
set: {{id: {name}, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}}
versions:
  - {{id: v1, manifest: "sha256:{digest}", updated: 2026-11-21T08:00:00Z}}
  - {{id: v2, manifest: "sha256:{digest}", updated: 2026-11-22T08:00:00Z}}
service:
  name: {name}
  live: {live}
  clusters:
    - {{id: d1, version: v1, replicas: 1, cpu: 2, memory: 2Gi}}
    - {{id: d2, version: v2, replicas: 1, cpu: 2, memory: 2Gi}}
"""
_KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: nowhere, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: nobody, user: {token: none}}]
contexts: [{name: here, context: {cluster: nowhere, user: nobody}}]
"""


@dataclass(frozen=True)
class ServedRegistry:
    """A registry that a server serves.

    Attributes:
        folder: for everything.
        services: their number; each has been switched once.
    """

    folder: Path
    services: int

    @classmethod
    def create(cls, folder: Path, services: int) -> ServedRegistry:
        """Write and commit the registry, push it, and write the files of two stacks and of tokens."""
        made = cls(folder, services)
        (made.registry).mkdir(parents=True)
        (folder / "store").mkdir()
        made._git("init", "--quiet", "--initial-branch=main")
        for live in ("d1", "d2"):
            for name in made.names:
                made.declare(name, live)
            made._commit()
        subprocess.run(["git", "clone", "--quiet", "--bare", folder / "work", made.remote], check=True)
        (folder / "Pulumi.yaml").write_text("{name: bluegrid, runtime: python}\n")
        (folder / "kubeconfig").write_text(_KUBECONFIG)
        for region in REGIONS:
            settings = {"kubeContext": "here", "kubeconfig": str(folder / "kubeconfig"), "namespace": region}
            config = {f"bluegrid:{key}": value for key, value in settings.items()}
            YAML().dump({"config": config}, folder / f"Pulumi.{region}.yaml")
        return made

    @property
    def registry(self) -> Path:
        """The folder of the registry's files."""
        return self.folder / "work" / "registry"

    @property
    def remote(self) -> Path:
        """The repository that the server clones."""
        return self.folder / "remote.git"

    @property
    def names(self) -> list[str]:
        """The services and their sets, which have the same names."""
        return [f"g{number:04d}" for number in range(self.services)]

    def declare(self, name: str, live: str) -> None:
        """Write the file of one set."""
        text = _FILE.format(name=name, digest="1" * 64, live=live)
        (self.registry / f"{name}.yaml").write_text(text)

    @contextmanager
    def server(self) -> Iterator[httpx.Client]:
        """Run the server in this process; yield a client with a token that reads."""
        secret, token = new_token("reader", [Scope.READ])
        YAML().dump([token.model_dump(mode="json")], self.folder / "tokens.yaml")
        options = Options(
            Path("registry"),
            f"file://{self.folder / 'store'}",
            self.folder / "state",
            self.folder / "tokens.yaml",
            git=str(self.remote),
            stacks=REGIONS,
            program=self.folder,
            stack_files=self.folder,
        )
        server = uvicorn.Server(configured(build(options), Listening("127.0.0.1", 0)))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            deadline = time.monotonic() + _START_SECONDS
            while not server.started:
                if not thread.is_alive() or time.monotonic() > deadline:
                    raise BluegridError("the update server did not start; see above")
                time.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            headers = {"Authorization": f"Bearer {secret}"}
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=120) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()

    def add_rows(self, count: int) -> None:
        """Add ended updates, ended switches and events to the journal, this many of each."""
        (journal,) = (self.folder / "state").glob("*.sqlite")
        now, names = time.time(), self.names
        request = json.dumps({"path": "models", "models": {}})
        sets = [names[number % len(names)] for number in range(count)]
        with closing(sqlite3.connect(journal)) as connection, connection:
            connection.executemany(
                "insert into updates (set_id, wanted, short, named, author, fingerprint, state, version,"
                " created, ended) values (?, ?, ?, 0, 'schedule', 'f', 'done', 'v1', ?, ?)",
                ((name, request, request, now, now) for name in sets),
            )
            connection.executemany(
                "insert into switches (set_id, service, cluster, regions, author, state, created, ended)"
                " values (?, ?, 'd1', '[\"north\"]', 'anna', 'done', ?, ?)",
                ((name, name, now, now) for name in sets),
            )
            connection.executemany(
                "insert into acts (time, author, act, detail) values (?, 'anna', 'switched', '{}')",
                ((now,) for _ in sets),
            )

    def _commit(self) -> None:
        self._git("add", ".")
        who = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
        self._git(*who, "commit", "--quiet", "--message=Next")

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", "-C", self.folder / "work", *arguments], check=True)
