"""Shared by the tests of the update server: its registry and store, and requests to it."""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import tarfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from bluegrid_registry import Registry, fetch_bytes, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import httpx

SECONDS = 60.0
SOMEBODY = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.invalid")


SERVICE = """\
service:
  name: line-loading
  live: d1
  clusters:
    - {id: d1, version: v1, cpu: 1, memory: 1Gi}
"""


@dataclass(frozen=True)
class Place:
    """A registry, its store, and the tokens of clients."""

    folder: Path
    registry: Path
    store: str
    tokens: Mapping[str, str]

    def headers(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[name]}"}

    def versions(self) -> list[str]:
        return [version.id for version in Registry.load(self.registry).of_set("g1").versions]

    def models(self, version: str) -> dict[str, bytes]:
        """Return the models that a pod gets when it fetches the version."""
        row = Registry.load(self.registry).of_set("g1").version(version)
        return dict(fetch_bytes(open_store(self.store), "g1", version, row.manifest))

    def add_v2(self) -> None:
        """Declare a version with the models of v1."""
        file = self.registry / "g1.yaml"
        text = file.read_text()
        row = next(line for line in text.splitlines(keepends=True) if "id: v1" in line)
        file.write_text(text.replace(row, row + row.replace("id: v1", "id: v2")))

    def ignore(self, *patterns: str) -> None:
        """Let the set's updates ignore files that match these patterns."""
        file, yaml = self.registry / "g1.yaml", YAML()
        document = yaml.load(file)
        document["set"].setdefault("update", {})["ignore"] = list(patterns)
        yaml.dump(document, file)

    def add_stack(self) -> None:
        """Add stack north, which leads nowhere."""
        (self.folder / "Pulumi.north.yaml").write_text("config:\n  bluegrid:kubeContext: nowhere\n")


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def content_digest(data: bytes) -> dict[str, str]:
    return {"Content-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"}


def batch(models: Mapping[str, bytes]) -> bytes:
    """Return a tar archive as `tar -C models -cf - .` makes it."""
    return archive({f"{name}.skops": data for name, data in models.items()})


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return a tar archive of files by name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as opened:
        for name, data in files.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(data)
            opened.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def upload(client: httpx.Client, data: bytes) -> str:
    client.put(f"/uploads/{digest(data)}", content=data).raise_for_status()
    return digest(data)


def ended(client: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    """Wait until the update or switch of this answer has ended; return it."""
    assert answer.status_code == 202, answer.text
    deadline = time.monotonic() + SECONDS
    while True:
        job: dict[str, Any] = client.get(answer.headers["Location"]).raise_for_status().json()
        if job["state"] not in ("queued", "running", "not back"):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.02)


def until(look: Callable[[], Any], is_so: Callable[[Any], bool]) -> Any:
    """Call `look` until `is_so` holds; return its last result."""
    deadline = time.monotonic() + SECONDS
    while not is_so(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def git(*arguments: str | Path) -> str:
    done = subprocess.run(("git", *map(str, arguments)), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def declare(place: Place, rollout: str, service: str) -> None:
    """Add a service and a rollout to set g1."""
    file = place.registry / "g1.yaml"
    update = f"source: platform\n  update:\n    rollout: {{to: {rollout}}}\n"
    file.write_text(file.read_text().replace("source: platform\n", update) + service)
