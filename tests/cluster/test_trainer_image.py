"""A trainer in a container image: the model server's own image, which has scikit-learn and skops."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest

from bluegrid.updates.api.tokens import Scope, new_token
from bluegrid.updates.serve import Options
from bluegrid_registry import Registry, fetch_bytes, open_store
from tests.support.containers import LIMITS, loaded, podman
from tests.support.update_server import SET, running_server
from tests.support.updating import ended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.conftest import Local

TRAIN = """\
import json, os, pathlib, sys
import numpy, skops.io
from sklearn.linear_model import Ridge
request = json.load(sys.stdin)
if request["parameters"]["fault"]:
    sys.exit("the grid has no data")
seen = {"folder": request["folder"], "secret": "AWS_SECRET_ACCESS_KEY" in os.environ}
print(json.dumps(seen))
slope = request["parameters"]["slope"]
rows = numpy.arange(8.0).reshape(4, 2)
skops.io.dump(Ridge().fit(rows, rows.sum(axis=1) * slope), pathlib.Path(request["folder"], "line-1.skops"))
"""
UPDATE = """\
  update:
    trainer:
      image: {image}
      command: [python3, -c, {program}]
      parameters:
        slope: {{type: number, default: 2.0}}
        fault: {{type: boolean, default: false}}
"""


RUN = f"""\
#!/bin/sh
if [ "$1" = run ]; then
    shift
    exec podman run {shlex.join(LIMITS)} --network=none "$@"
fi
exec podman "$@"
"""


@pytest.fixture(scope="module")
def image(local: Local) -> Iterator[str]:
    """The image, loaded into podman under its reference."""
    built = local.prepared.image
    assert built is not None
    with loaded(built.archive) as name:
        yield name


def test_models_come_out_of_a_container_that_is_gone_afterwards(image: str, tmp_path: Path) -> None:
    registry, store = tmp_path / "registry", f"file://{tmp_path / 'store'}"
    for folder in (registry, tmp_path / "store"):
        folder.mkdir()
    update = UPDATE.format(image=image, program=json.dumps(TRAIN))
    (registry / "g1.yaml").write_text(f"{SET}{update}versions: []\n")
    secret, row = new_token("training", [Scope.READ, Scope.UPDATE])
    (tmp_path / "tokens.yaml").write_text(json.dumps([row.model_dump(mode="json")]))
    containers = tmp_path / "containers"
    containers.write_text(RUN)
    containers.chmod(0o755)
    options = Options(
        registry, store, tmp_path / "state", tmp_path / "tokens.yaml", containers=str(containers)
    )
    with running_server(options, {"Authorization": f"Bearer {secret}"}) as client:
        done = ended(client, client.post("/modelSets/g1/updates", json={"train": {"slope": 3.0}}))
        assert (done["error"], done["state"], done["result"]["models"]) == (None, "done", 1)
        failed = ended(client, client.post("/modelSets/g1/updates", json={"train": {"fault": True}}))
    assert failed["error"].endswith("exit code 1; its last lines: the grid has no data")
    version = Registry.load(registry).of_set("g1").version("v1")
    assert [*fetch_bytes(open_store(store), "g1", "v1", version.manifest)] == ["line-1"]
    assert podman("ps", "--all", "--quiet", "--filter=name=bluegrid-") == ""
