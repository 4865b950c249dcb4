"""The operator's page of a real update server in a real browser, with a made-up Kubernetes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from ruamel.yaml import YAML

from bluegrid.updates.api.tokens import Scope, new_token
from bluegrid.updates.serve import Options
from tests.support.api_server import ApiServer
from tests.support.browsing import chromium
from tests.support.kubernetes_objects import objects
from tests.support.update_server import running_server
from tests.support.updating import SOMEBODY, git

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Browser, Locator, Page

SERVICES = 3
SECONDS_MS = 20_000
SET = """\
set: {{id: g{number}, name: Set {number}, task: regression, type: scikit-learn/skops, source: platform}}
versions:
  - {{id: v1, manifest: "sha256:{digest}", updated: 2026-11-22T08:00:00Z}}
  - {{id: v2, manifest: "sha256:{digest}", updated: 2026-11-23T08:00:00Z}}
service:
  name: service{number}
  live: {live}
  clusters:
    - {{id: d1, version: v1, replicas: 2, cpu: 2, gpu: 0, memory: 2Gi}}
    - {{id: d2, version: v2, replicas: 2, cpu: 2, gpu: 0, memory: 2Gi}}
"""


@dataclass(frozen=True)
class Grid:
    """A registry of services that run in one or more regions, and the tokens of its viewers.

    Attributes:
        folder: has the stacks' files, and everything else that the server needs.
        remote: git repository of the registry.
        regions: API servers by stack.
        tokens: by name: `operator` and `all`.
    """

    folder: Path
    remote: Path
    regions: Mapping[str, ApiServer]
    tokens: Mapping[str, str]

    def options(self) -> Options:
        return Options(
            Path("registry"),
            f"file://{self.folder / 'store'}",
            self.folder / "state",
            self.folder / "tokens.yaml",
            git=str(self.remote),
            stacks=tuple(self.regions),
            program=self.folder,
            stack_files=self.folder,
        )


class Opened(Protocol):
    """The fixture `opened`."""

    def __call__(self, view: str = "#/", token: str = "operator", **context: Any) -> Page:
        """Sign in, and open a view."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def north() -> Iterator[ApiServer]:
    with ApiServer(all_well()) as api:
        yield api


def all_well() -> dict[str, list[dict[str, Any]]]:
    """Return services that run as declared: d2 is live and serves v2, d1 stands by with v1."""
    kinds = objects(SERVICES)
    for each in kinds["deployments"]:
        if each["metadata"]["name"].endswith("-d2"):
            each["metadata"]["labels"]["bluegrid.io/version"] = "v2"
    kinds["ingresses"] = json.loads(json.dumps(kinds["ingresses"]).replace("-d1", "-d2"))
    return kinds


@pytest.fixture
def grid(tmp_path: Path, north: ApiServer) -> Grid:
    """Three services in region north: d2 is live, and d1 was live before."""
    return make_grid(tmp_path, {"north": north})


def make_grid(folder: Path, regions: Mapping[str, ApiServer]) -> Grid:
    """Make everything that a server needs, with a stack for each region."""
    work = folder / "work"
    (folder / "store").mkdir()
    (folder / "Pulumi.yaml").write_text("{name: bluegrid, runtime: python}")
    remote = folder / "remote.git"
    git("init", "--quiet", "--bare", "--initial-branch=main", remote)
    git("clone", "--quiet", remote, work)
    registry = work / "registry"
    registry.mkdir()
    for number in range(SERVICES):
        text = SET.format(number=number, live="d1", digest="a" * 64)
        (registry / f"g{number}.yaml").write_text(text)
    _commit(work, "Services")
    for file in registry.iterdir():
        file.write_text(file.read_text().replace("live: d1", "live: d2"))
    _commit(work, "To d2")
    git("-C", work, "push", "--quiet", "origin", "HEAD:main")
    for name, api in regions.items():
        place = folder / name
        place.mkdir()
        config = {"bluegrid:kubeContext": "there", "bluegrid:kubeconfig": str(api.kubeconfig(place))}
        YAML().dump({"config": config}, folder / f"Pulumi.{name}.yaml")
    secrets, rows = {}, []
    for name, scopes in {"operator": [Scope.READ, Scope.SWITCH], "all": [*Scope]}.items():
        secrets[name], row = new_token(name, scopes)
        rows.append(row.model_dump(mode="json"))
    YAML().dump(rows, folder / "tokens.yaml")
    return Grid(folder, remote, regions, secrets)


def _commit(work: Path, message: str) -> None:
    git("-C", work, "add", ".")
    git("-C", work, *SOMEBODY, "commit", "--quiet", f"--message={message}")


@pytest.fixture
def opened(grid: Grid, browser: Browser) -> Iterator[Opened]:
    """Opens views of the server; at the end the browser must have reported no problem."""
    problems: list[str] = []
    contexts = []
    with running_server(grid.options(), {}) as client:

        def opened(view: str = "#/", token: str = "operator", **context: Any) -> Page:
            contexts.append(browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **context}))
            page = contexts[-1].new_page()
            page.set_default_timeout(SECONDS_MS)
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on(
                "console",
                lambda refusal: (
                    problems.append(refusal.text)
                    if refusal.type in ("error", "warning") and "Failed to load resource" not in refusal.text
                    else None
                ),
            )
            page.goto(f"{client.base_url}/{view}")
            page.get_by_label("Token").fill(grid.tokens[token])
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("button", name="Sign out").wait_for()
            return page

        yield opened
        for context in contexts:
            context.close()
    assert problems == []


def service_row(page: Page, service: str) -> Locator:
    return page.locator(f"[data-service={service}]")


def names_shown(page: Page) -> list[str]:
    rows = page.locator("[data-service]").all()
    return [str(row.get_attribute("data-service")) for row in rows]


def make_ill(api: ApiServer, service: str, cluster: str, ready: int) -> None:
    """Reduce the ready pods of a cluster."""
    for each in api.kinds["deployments"]:
        if each["metadata"]["name"] == f"{service}-{cluster}":
            each["status"]["readyReplicas"] = ready
