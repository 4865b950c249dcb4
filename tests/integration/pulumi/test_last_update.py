"""The outputs that an update leaves in the stack, and updates that are refused because of them."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.program.cluster import api_server, kubeconfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.pulumi.conftest import Engine, Ran

URLS = {"line-loading": "http://10.77.0.2/modelService/line-loading"}


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(["git", "-C", folder, *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def up(engine: Engine) -> Ran:
    config = ("--stack", "demo", "--config-file", str(engine.config))
    return engine.run("up", "--yes", "--skip-preview", *config)


def outputs(engine: Engine) -> Any:
    return engine.require("stack", "output", "--json", "--stack", "demo").json()


def after(engine: Engine, left: dict[str, Any]) -> None:
    """Set the outputs of the last update in the state."""
    export = engine.require("stack", "export", "--stack", "demo").json()
    urn = "urn:pulumi:demo::bluegrid::pulumi:pulumi:Stack::bluegrid-demo"
    root = {"urn": urn, "custom": False, "type": "pulumi:pulumi:Stack", "outputs": left}
    export["deployment"]["resources"] = [root]
    file = engine.config.parent / "deployment.json"
    file.write_text(json.dumps(export))
    engine.require("stack", "import", "--file", str(file), "--stack", "demo")


@pytest.fixture
def checkout(demo: Engine) -> Path:
    """A registry in a separate repository with two commits."""
    folder = demo.config.parent / "registry"
    folder.mkdir()
    git(folder, "init", "--quiet")
    for name in ("old", "new"):
        text = f"set: {{id: {name}, name: N, task: regression, type: scikit-learn/skops, source: platform}}\n"
        (folder / f"{name}.yaml").write_text(text + "versions: []\n")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", name)
    config = ("--stack", "demo", "--config-file", str(demo.config))
    demo.require("config", "set", "bluegrid:registry", str(folder), *config)
    return folder


@pytest.fixture
def reached(demo: Engine) -> Iterator[None]:
    """An API server that accepts the login, and has nothing else."""
    with api_server() as server:
        kubeconfig(demo.config.parent / "kubeconfig", server, "demo")
        yield


def test_an_update_of_a_cluster_that_does_not_answer_is_refused_though_nothing_would_change(
    demo: Engine,
) -> None:
    ran = up(demo)
    assert ran.exit_code != 0
    (reason,) = (line for line in ran.errors() if line != "update failed")
    assert reason.startswith("context demo: https://127.0.0.1:1 does not answer: ")
    assert reason.endswith("; nothing was changed")


def test_what_the_last_update_left_stays_where_one_is_refused(demo: Engine) -> None:
    left = {"commit": "f" * 40, "urls": URLS, "storeAccount": "3f2a"}
    after(demo, left)
    assert up(demo).exit_code != 0
    assert outputs(demo) == left


@pytest.mark.usefixtures("reached")
def test_an_update_from_an_older_checkout_is_refused_and_one_from_the_newest_begins(
    demo: Engine, checkout: Path
) -> None:
    old, new = git(checkout, "rev-parse", "HEAD~1"), git(checkout, "rev-parse", "HEAD")
    after(demo, {"commit": new})
    git(checkout, "checkout", "--quiet", old)
    refused = up(demo)
    assert refused.exit_code != 0
    assert f"older than {new[:10]}, which was applied last" in "".join(refused.errors())
    assert outputs(demo) == {"commit": new}
    demo.environment["BLUEGRID_APPLY_OVER"] = new[:10]
    assert "older than" not in "".join(up(demo).errors())
    # Whatever the outcome: the update has begun.
    assert outputs(demo)["commit"] == old


@pytest.mark.usefixtures("reached")
def test_an_update_of_named_targets_by_a_copy_of_the_registry_notes_its_commit(
    demo: Engine, checkout: Path
) -> None:
    old, new = git(checkout, "rev-parse", "HEAD~1"), git(checkout, "rev-parse", "HEAD")
    config = ("--stack", "demo", "--config-file", str(demo.config))
    target = "urn:pulumi:demo::bluegrid::**::line-loading-d1"
    for last, commit, noted in ((old, new, new), (new, old, new)):
        after(demo, {"commit": last})
        demo.environment["BLUEGRID_REGISTRY_COPY"] = f"{commit} {checkout}"
        demo.run("up", "--yes", "--skip-preview", "--target", target, *config)
        assert outputs(demo)["commit"] == noted


@pytest.mark.usefixtures("reached", "checkout")
def test_a_live_service_is_not_deleted_by_an_update_that_nobody_allows_to(demo: Engine) -> None:
    after(demo, {"urls": URLS})
    refused = up(demo)
    assert refused.exit_code != 0
    assert "line-loading is live and would be deleted" in "".join(refused.errors())
    assert outputs(demo)["urls"] == URLS
    demo.environment["BLUEGRID_ALLOW_DELETE"] = "line-loading"
    assert "line-loading is live" not in "".join(up(demo).errors())


def test_so_it_does_where_a_setting_is_refused(demo: Engine) -> None:
    left = {"commit": "f" * 40, "urls": URLS, "storeAccount": "3f2a"}
    after(demo, left)
    config = ("--stack", "demo", "--config-file", str(demo.config))
    demo.require("config", "set", "bluegrid:requestFactor", "2", *config)
    refused = up(demo)
    assert "bluegrid:requestFactor: '2' is not a number above 0" in "".join(refused.errors())
    assert outputs(demo) == left
