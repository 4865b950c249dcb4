"""Two regions that answer as Kubernetes does, and a `pulumi` that does its work at once.

`tests/cluster/test_regions.py` has real regions. The regions here have failures that are hard to cause there:
a Pulumi that fails before or after it has changed the route, pods that fail requests, a silent API server.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread, get_ident
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = """\
set: {{id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}}
versions:
  - {{id: v1, manifest: "sha256:{0}", updated: 2026-11-21T08:00:00Z}}
  - {{id: v2, manifest: "sha256:{0}", updated: 2026-11-22T08:00:00Z}}
service:
  name: line-loading
  live: {1}
  clusters:
    - {{id: d1, version: v1, replicas: 1, cpu: 2, memory: 2Gi}}
    - {{id: d2, version: v2, replicas: 1, cpu: 2, memory: 2Gi}}
"""

METRICS = """\
models_loaded{{model_set="g1"}} 186
model_infer_request_success_total{{model_set="g1"}} {answered}
model_infer_request_failure_total{{model_set="g1",status="{status}"}} {failed}
"""

PULUMI = """\
#!{python} -IS
\"\"\"Applies `live` of the registry to a region; each line of `<stack>.does` is a fault of one call.\"\"\"
import json, os, re, signal, sys, time
from pathlib import Path

folder = Path({folder!r})
stack = sys.argv[sys.argv.index("--stack") + 1]
with (folder / "calls").open("a") as calls:
    calls.write(stack + "\\n")
targets = [each.rpartition(":")[2] + " " + each.rpartition("::")[0].rpartition(":")[2] for each in sys.argv
    if each.startswith("--target")]
with (folder / "updates").open("a") as updates:
    how = " at once" if os.environ.get("BLUEGRID_AT_ONCE") else ""
    updates.write(", ".join(each.replace(" **", "") for each in targets) + how + "\\n")
script = folder / (stack + ".does")
does, _, rest = script.read_text().partition("\\n") if script.exists() else ("", "", "")
script.write_text(rest)

def stop(*_):
    with (folder / "interrupts").open("a") as interrupts:
        interrupts.write(stack + "\\n")
    time.sleep(0.5)
    print("error: update canceled")
    sys.exit(1)

if does not in ("fails", "changes nothing") and any(each.endswith("::line-loading") for each in sys.argv):
    live = re.search("^  live: (.*)$", (folder / "registry" / "g1.yaml").read_text(), re.M)[1]
    by_region = dict(re.findall(r"(\\w+): (\\w+)", live)) or dict(default=live)
    state = folder / ("bluegrid-" + stack + ".json")
    seen = json.loads(state.read_text()) | dict(live=by_region.get(stack, by_region["default"]))
    state.with_suffix(".new").write_text(json.dumps(seen))
    state.with_suffix(".new").replace(state)
if does == "waits":
    signal.signal(signal.SIGINT, stop)
    (folder / "waiting").touch()
    while True:  # A signal just before pause() would not wake it.
        time.sleep(0.05)
if does in ("fails", "is not proven"):
    print("    error: the stack is locked" if does == "fails" else "    error: the proxy did not answer")
    print("    error: update failed")
    sys.exit(255)
"""


@dataclass
class Regions:
    """The folder of both regions, and the failures in them."""

    folder: Path
    silent: int = 0
    """Number of next requests that Kubernetes does not answer."""
    failing: dict[str, int] = field(default_factory=dict)
    """By how many d2's failed requests grow at each read of its metrics, by namespace."""
    status: int = 500
    """The status of these failures."""

    @property
    def registry(self) -> Path:
        return self.folder / "registry"

    @property
    def live(self) -> str:
        """The value of `live:` in YAML, as text."""
        (line,) = (line for line in self.text.splitlines() if line.startswith("  live: "))
        return line.removeprefix("  live: ")

    @property
    def text(self) -> str:
        return (self.registry / "g1.yaml").read_text()

    def declare(self, live: str) -> None:
        (self.registry / "g1.yaml").write_text(FILE.format("1" * 64, live))

    def pulumi(self, stack: str, *does: str) -> None:
        """Set what the next calls of `pulumi` do: `fails`, `is not proven`, `changes nothing`, `waits`."""
        (self.folder / f"{stack}.does").write_text("\n".join(does))

    @property
    def calls(self) -> list[str]:
        """The stacks of the calls of `pulumi up`, in order."""
        return (self.folder / "calls").read_text().split()

    @property
    def updates(self) -> list[str]:
        """The targets of the calls of `pulumi up`, in order."""
        return (self.folder / "updates").read_text().splitlines()

    def autoscale(self) -> None:
        """Give d2 an autoscaler."""
        bounds = "autoscaling: {min: 1, max: 4, cpu: 70}"
        row = "version: v2, replicas: 1"
        (self.registry / "g1.yaml").write_text(self.text.replace(row, f"version: v2, {bounds}"))

    def set(self, region: str, **values: Any) -> None:
        path = self.folder / f"bluegrid-{region}.json"
        # Atomically: a thread that answers another request reads it meanwhile.
        new = path.with_suffix(f".{get_ident()}")
        new.write_text(json.dumps({**self.state(f"bluegrid-{region}"), **values}))
        new.replace(path)

    def state(self, namespace: str) -> dict[str, Any]:
        seen: dict[str, Any] = json.loads((self.folder / f"{namespace}.json").read_text())
        return seen

    def routed(self) -> tuple[str, str]:
        """The cluster that the live route leads to, in north and in east."""
        return self.state("bluegrid-north")["live"], self.state("bluegrid-east")["live"]


@pytest.fixture
def regions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Regions]:
    regions = Regions(tmp_path)
    regions.registry.mkdir()
    regions.declare("d1")
    (tmp_path / "Pulumi.yaml").write_text("{name: bluegrid, runtime: python}")
    programs = tmp_path / "programs"
    programs.mkdir()
    pulumi = programs / "pulumi"
    pulumi.write_text(PULUMI.format(python=sys.executable, folder=str(tmp_path)))
    pulumi.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    with answering(regions):
        yield regions


@contextmanager
def answering(regions: Regions) -> Iterator[None]:
    """Run both regions, with a stack's file for each."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(regions)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        kubeconfig = regions.folder / "kubeconfig"
        kubeconfig.write_text(_kubeconfig(f"http://127.0.0.1:{server.server_address[1]}"))
        for region in ("north", "east"):
            (regions.folder / f"Pulumi.{region}.yaml").write_text(
                f"config:\n  bluegrid:kubeContext: here\n  bluegrid:kubeconfig: {kubeconfig}\n"
                f"  bluegrid:namespace: bluegrid-{region}\n"
            )
            (regions.folder / f"bluegrid-{region}.json").write_text(
                json.dumps({"live": "d1", "ready": 1, "restarts": 0, "answered": 0, "failed": 0})
            )
        yield
        server.shutdown()


def _handler(regions: Regions) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if regions.silent:
                regions.silent -= 1
                self.send_error(503)
                return
            parts = self.path.partition("?")[0].split("/")
            namespace = parts[parts.index("namespaces") + 1]
            body = _answer(regions, namespace, parts).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _answer(regions: Regions, namespace: str, parts: list[str]) -> str:
    seen = regions.state(namespace)
    if "proxy" in parts:
        if not seen.get("metrics", True):
            return "nothing of the kind"
        cluster = parts[parts.index("pods") + 1].split("-")[2]
        if cluster == "d2" and seen["live"] == "d2":
            regions.set(
                namespace.removeprefix("bluegrid-"),
                answered=seen["answered"] + 100,
                failed=seen["failed"] + regions.failing.get(namespace, 0),
            )
        counted = seen if cluster == "d2" else {"answered": 1000, "failed": 0}
        return METRICS.format(answered=counted["answered"], failed=counted["failed"], status=regions.status)
    if "horizontalpodautoscalers" in parts:
        annotations = {"bluegrid.io/declared-min": "1"} if "held" in seen else {}
        spec = {"minReplicas": seen.get("held", 1)}
        autoscaler = {"metadata": {"annotations": annotations}, "spec": spec}
        return json.dumps(autoscaler if parts[-1].startswith("line-loading") else {"items": []})
    if parts[-1] == "line-loading":
        return json.dumps(_ingress(seen["live"]))
    made = {"deployments": _deployment, "pods": _pod}.get(parts[-1])
    return json.dumps(
        {"items": [made(name, seen) for name in ("d1", "d2")] if made else [_ingress(seen["live"])]}
    )


def _metadata(cluster: str, **more: str) -> dict[str, Any]:
    labels = {
        "app": f"line-loading-{cluster}",
        "bluegrid.io/service": "line-loading",
        "bluegrid.io/cluster": cluster,
        "bluegrid.io/version": f"v{cluster[1]}",
    }
    made = {"name": f"line-loading-{cluster}", "creationTimestamp": "2026-11-21T08:00:00Z"} | more
    return {**made, "labels": labels}


def _deployment(cluster: str, seen: dict[str, Any]) -> dict[str, Any]:
    ready = seen["ready"] if cluster == "d2" else 1
    metadata = _metadata(cluster)
    if cluster == "d2" and "version" in seen:
        metadata["labels"]["bluegrid.io/version"] = seen["version"]
    return {
        "metadata": metadata,
        "spec": {"replicas": seen.get("replicas", 1)},
        "status": {"readyReplicas": ready},
    }


def _pod(cluster: str, seen: dict[str, Any]) -> dict[str, Any]:
    container = {"ready": True, "restartCount": seen["restarts"], "state": {"running": {}}}
    return {
        "metadata": _metadata(cluster, name=f"line-loading-{cluster}-x"),
        "status": {"phase": "Running", "containerStatuses": [container]},
    }


def _ingress(live: str) -> dict[str, Any]:
    path = {"backend": {"service": {"name": f"line-loading-{live}"}}}
    labels = {"bluegrid.io/service": "line-loading"}
    return {
        "metadata": {"name": "line-loading", "labels": labels},
        "spec": {"rules": [{"http": {"paths": [path]}}]},
    }


def _kubeconfig(server: str) -> str:
    return json.dumps(
        {
            "clusters": [{"name": "here", "cluster": {"server": server}}],
            "users": [{"name": "here", "user": {}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
        }
    )
