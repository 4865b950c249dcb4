"""The image of the family `openstef`, in containers: no registry, and no package but the image's own."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bluegrid import image as images
from tests.process.bluegrid_server.server_process import free_port, wait_until_ready
from tests.support.checkout import CHECKOUT
from tests.support.containers import LIMITS, loaded, podman
from tests.support.openstef import run, train
from tests.support.pods import BASE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PUSH = """\
import json, sys
from pathlib import Path
from bluegrid_openstef.file_type import TYPE
from tests.support.pods import environment_of, published
folder = Path(sys.argv[1])
print(json.dumps(environment_of(published(folder, folder / "trained", TYPE))))
"""
"""Pushes where the type is installed, and prints the environment of a pod."""
KINDS = ("xgboost", "gblinear", "lgbm", "lgbmlinear", "flatliner", "constant_quantile")


@dataclass(frozen=True)
class Pod:
    """What a pod is started with, and what its models must answer.

    Attributes:
        options: of `podman run`.
        image: the reference.
        examples: a request and OpenSTEF's own answer, by UID.
    """

    options: tuple[str, ...]
    image: str
    examples: Mapping[str, Any]

    @contextmanager
    def serving(self) -> Iterator[httpx.Client]:
        """Run the server; yield a client once it is ready."""
        port = free_port()
        name = f"openstef-{port}"
        options = (*self.options, f"--name={name}", f"--env=BLUEGRID_PORT={port}")
        with subprocess.Popen(["podman", "run", *options, self.image]):
            try:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}", timeout=60) as client:
                    wait_until_ready(client)
                    yield client
            finally:
                podman("rm", "--force", "--ignore", name)


@pytest.fixture(scope="module")
def pod(interpreter: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    folder = tmp_path_factory.mktemp("pod")
    built = images.build(lambda _: None, images.family_of("openstef"))
    examples = train(interpreter, folder / "trained", 45, *KINDS)
    settings = json.loads(run(interpreter, "-c", PUSH, str(folder), folder=CHECKOUT))
    environment = {**settings, "BLUEGRID_MODELS": "/models", "BLUEGRID_HOST": "127.0.0.1"}
    store = folder / "store"
    with loaded(built.archive) as image:
        options = (
            *LIMITS,
            "--rm",
            "--network=host",
            "--read-only",
            "--tmpfs=/models:mode=1777",
            f"--volume={store}:{store}:ro",
            *(f"--env={name}={value}" for name, value in environment.items()),
        )
        yield Pod(options, image, examples)


def test_the_preflight_accepts_pipelines_of_every_kind(pod: Pod) -> None:
    podman("run", *pod.options, pod.image, "preflight")


def test_an_image_answers_as_openstef_does(pod: Pod) -> None:
    with pod.serving() as client:
        for uid, example in pod.examples.items():
            answer = client.post(f"/models/{uid}/infer", json=example["request"])
            assert answer.status_code == 200, answer.text
            assert answer.json()["outputs"] == example["response"]["outputs"], uid
