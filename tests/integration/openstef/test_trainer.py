"""The update server of this environment runs the trainers of OpenSTEF's models, which have their own."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from bluegrid.updates.api.tokens import Scope, new_token
from bluegrid.updates.serve import Options
from bluegrid_registry import load_set, open_store, read_manifest
from bluegrid_registry.model_types.model_type import model_types
from tests.support.checkout import CHECKOUT
from tests.support.update_server import running_server
from tests.support.updating import ended

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import httpx

FEEDERS = ("mv_feeder/OS Edam", "mv_feeder/OS Gorredijk", "transformer 7")
SOURCE = "tests.integration.openstef.inside.targets:Feeders"


@pytest.fixture
def known_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The types of the plug-in, as if bluegrid-openstef were installed beside the server."""
    project = tomllib.loads((CHECKOUT / "openstef_plugin" / "pyproject.toml").read_text())["project"]
    points = project["entry-points"]["bluegrid.file_types"].items()
    info = tmp_path / "site" / f"bluegrid_openstef-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Name: bluegrid-openstef\nVersion: {project['version']}\n")
    rows = [f"{name} = {value}" for name, value in points]
    (info / "entry_points.txt").write_text("\n".join(["[bluegrid.file_types]", *rows, ""]))
    monkeypatch.syspath_prepend(tmp_path / "site")
    model_types.cache_clear()
    yield
    model_types.cache_clear()


@pytest.fixture
def registry(tmp_path: Path, interpreter: Path, known_type: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry with a set whose trainer is OpenSTEF's, and one that follows it."""
    # The trainer imports its source from the server's working folder.
    monkeypatch.chdir(CHECKOUT)
    registry, store = tmp_path / "registry", tmp_path / "store"
    registry.mkdir()
    store.mkdir()
    options = ["--store", store.as_uri()]
    declare(
        registry, "load", "openstef/joblib", "platform",
        {
            "command": [str(interpreter), "-m", "bluegrid_openstef.trainer", SOURCE, *options],
            "parameters": {
                "reuse": {"type": "boolean", "default": True},
                "other": {"type": "string", "default": ""},
                "kind": {"type": "string", "default": "constant_quantile"},
            },
        },
    )  # fmt: skip
    options += ["--registry", str(registry)]
    command = [str(interpreter), "-m", "bluegrid_openstef.json_trainer", "load", *options]
    declare(registry, "load-data", "openstef/json", "user", {"command": command})
    return registry


def declare(registry: Path, name: str, kind: str, source: str, trainer: Mapping[str, Any]) -> None:
    """Add a set to the registry, which is trained each day."""
    declared = {
        "id": name,
        "name": "Feeder load",
        "task": "forecasting",
        "type": kind,
        "source": source,
        "update": {"trainer": trainer, "schedule": {"when": "daily"}},
    }
    YAML().dump({"set": declared, "versions": []}, registry / f"{name}.yaml")


@pytest.fixture
def client(tmp_path: Path, registry: Path) -> Iterator[httpx.Client]:
    secret, row = new_token("training", [Scope.READ, Scope.UPDATE])
    YAML().dump([row.model_dump(mode="json")], tmp_path / "tokens.yaml")
    options = Options(registry, (tmp_path / "store").as_uri(), tmp_path / "state", tmp_path / "tokens.yaml")
    with running_server(options, {"Authorization": f"Bearer {secret}"}) as client:
        yield client


def trained(
    client: httpx.Client, base: str | None, *, of: str = "load", **parameters: object
) -> dict[str, Any]:
    wanted = {"train": parameters} if base is None else {"base": base, "train": parameters}
    return ended(client, client.post(f"/modelSets/{of}/updates", json=wanted))


def test_an_update_trains_what_is_due_and_publishes_what_is_better_if_anything_is(
    client: httpx.Client, registry: Path, tmp_path: Path
) -> None:
    first = trained(client, None)
    assert (first["state"], first["version"], first["error"]) == ("done", "v1", None)
    assert first["result"]["models"] == len(FEEDERS)
    second = trained(client, "v1", reuse=False, other=FEEDERS[1])
    assert (second["state"], second["version"], second["error"]) == ("done", "v2", None)
    assert second["result"]["sent_models"] == 1
    row = load_set(registry, "load").version("v2")
    manifest = read_manifest(open_store((tmp_path / "store").as_uri()), "load", "v2", row.manifest)
    assert [each.uid for each in manifest.models] == sorted(FEEDERS)
    assert all(each.lineage is not None and each.lineage.metrics for each in manifest.models)
    recent = trained(client, "v2")
    assert (recent["state"], recent["version"], recent["error"]) == ("done", None, None)


def test_an_update_converts_what_is_new_in_the_set_that_it_follows_if_anything_is(
    client: httpx.Client,
) -> None:
    assert trained(client, None, kind="gblinear")["state"] == "done"
    first = trained(client, None, of="load-data")
    assert (first["state"], first["version"], first["error"]) == ("done", "v1", None)
    assert first["result"]["models"] == len(FEEDERS)
    again = trained(client, "v1", of="load-data")
    assert (again["state"], again["version"], again["error"]) == ("done", None, None)
