"""The update server as a process, on a registry in a git repository of the test's own."""

from __future__ import annotations

import json
import signal
import sqlite3
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx

from bluegrid.updates.api.tokens import Scope, new_token
from bluegrid_registry import Registry
from tests.support.updating import SOMEBODY, archive, content_digest, git, upload
from tools.demo.prepare import CHECKOUT

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tools.demo.workspace import Workspace

SECONDS = 300.0


class UpdateServer:
    """The server; it can be killed and started again.

    Args:
        work: the workspace of the stacks for rollouts; its registry moves into a git repository.
        stacks: those stacks; by default the workspace's own stack.

    Attributes:
        training: a token with scopes `read` and `update`.
        operator: a token with all scopes.
        remote: the repository.
        url: the server's URL, once it listens.
    """

    def __init__(self, work: Workspace, stacks: Sequence[str] = ()) -> None:
        self.work, self.folder = work, work.state / "updates"
        self._stacks = stacks or (work.stack,)
        self.folder.mkdir()
        self.training, training = new_token("training", [Scope.READ, Scope.UPDATE])
        self.operator, operator = new_token("operator", [*Scope])
        rows = [row.model_dump(mode="json") for row in (training, operator)]
        (self.folder / "tokens.yaml").write_text(json.dumps(rows))
        self.remote, self._clone = self.folder / "remote.git", self.folder / "clone"
        git("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        git("clone", "--quiet", str(self.remote), str(self._clone))
        self._process: subprocess.Popen[str] | None = None
        self.log: list[str] = []

    def commit(self, text: str, set_id: str = "g1") -> None:
        """Push a registry file of a set, as a person would."""
        (self._clone / "registry").mkdir(exist_ok=True)
        (self._clone / "registry" / f"{set_id}.yaml").write_text(text)
        git("-C", str(self._clone), "add", ".")
        git("-C", str(self._clone), *SOMEBODY, "commit", "--quiet", "--message=By hand")
        git("-C", str(self._clone), "push", "--quiet", "origin", "HEAD:main")

    def declared(self) -> Registry:
        """Return the registry of the branch."""
        git("-C", str(self._clone), "pull", "--quiet", "--ff-only", "origin", "main")
        # The stack's own commands read this checkout from now on.
        (self.work.registry / "g1.yaml").write_text((self._clone / "registry" / "g1.yaml").read_text())
        return Registry.load(self.work.registry)

    def subjects(self) -> list[str]:
        """Return the first lines of all commits, newest first."""
        return git("-C", str(self.remote), "log", "--format=%s", "main").splitlines()

    def start(self) -> None:
        """Start the server, and wait until it listens."""
        self._process = self.work.start(
            "bluegrid",
            "server",
            "start",
            *("--git", str(self.remote), "--registry", "registry", "--store", self.work.place.store),
            *("--state-folder", str(self.folder / "state"), "--tokens", str(self.folder / "tokens.yaml")),
            *(option for stack in self._stacks for option in ("--stack", stack)),
            *("--program", str(CHECKOUT)),
            *("--stack-files", str(self.work.state), "--port", "0"),
        )
        listening = threading.Event()
        self._reader = threading.Thread(target=self._listen, args=(self._process, listening), daemon=True)
        self._reader.start()
        assert listening.wait(60), self.log[-5:]

    def _listen(self, process: subprocess.Popen[str], listening: threading.Event) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self.log.append(line)
                if '"listening"' in line:
                    self.url = json.loads(line)["url"]
                    listening.set()

    def kill(self) -> None:
        """Kill the server, like a power cut."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop the server."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(120)
            self._reader.join()
            self._process = None

    def request(self, models: Mapping[str, bytes], **fields: object) -> str:
        """Upload a batch of files, and request a version of it; return the update's path."""
        data = archive(models)
        with self.client() as client:
            answer = client.post("/modelSets/g1/updates", json={**fields, "batch": upload(client, data)})
            return str(answer.raise_for_status().headers["Location"])

    def move_clock(self, days: int) -> None:
        """Move every schedule this many days closer; the server must not run."""
        assert self._process is None
        with closing(sqlite3.connect(self.folder / "state" / "journal.sqlite")) as database, database:
            database.execute("update schedules set due = due - ?", (days * 86400,))

    def replace(self, uid: str, data: bytes, base: str) -> str:
        """Request a version that differs from `base` in one model; return the update's path."""
        path = f"/modelSets/g1/versions/{base}/models/{uid}"
        with self.client() as client:
            answer = client.put(path, content=data, headers=content_digest(data))
            return str(answer.raise_for_status().headers["Location"])

    def cancel(self, update: str) -> None:
        """Cancel an update."""
        with self.client() as client:
            client.post(f"{update}/cancel").raise_for_status()

    def look(self, update: str) -> dict[str, Any]:
        """Return the state of an update."""
        with self.client() as client:
            found: dict[str, Any] = client.get(update).raise_for_status().json()
            return found

    def wait(self, update: str, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until an update satisfies a condition."""
        deadline = time.monotonic() + SECONDS
        while True:
            found = self.look(update)
            if until(found):
                return found
            assert time.monotonic() < deadline, (found, self.log[-5:])
            time.sleep(0.05)

    def ended(self, update: str) -> dict[str, Any]:
        """Wait until an update has ended."""
        return self.wait(update, has_ended)

    def client(self) -> httpx.Client:
        """Return a client with the token `training`."""
        headers = {"Authorization": f"Bearer {self.training}"}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30)


def has_ended(update: Mapping[str, Any]) -> bool:
    return update["state"] not in ("queued", "running")


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the models of a folder, and their examples."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
