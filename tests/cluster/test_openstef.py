"""Forecasts by OpenSTEF on Kubernetes, of a user with wheels: a switch to pipelines of another training.

Beside it, a service answers with the same pipelines as data, from the same image.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bluegrid import image as images
from tests.cluster.own_project import OwnProject
from tests.support.checkout import CHECKOUT
from tests.support.openstef import run, train
from tests.support.wheels import Wheels
from tools import openstef

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.cluster.conftest import Local

    Outputs = Sequence[Mapping[str, Any]]

REGION, SET, SERVICE, UID = "feeders", "g1", "feeder-load", "gblinear"
DAYS = {"v1": 45, "v2": 60}
"""Of the training of each version, so that forecasts differ."""
LIMITS = ("--cpu", "1", "--memory", "1Gi")
DATA_SET, DATA_SERVICE = "g2", "feeder-load-data"
"""Of version v1's pipelines as data."""


@dataclass(frozen=True)
class Switched:
    """What happened.

    Attributes:
        references: to the image from wheels, and to that of the checkout.
        expected: OpenSTEF's own forecasts, by version.
        before: which cluster was live, and its forecast.
        after: the same after the switch.
        as_data: the same of the pipelines as data.
    """

    references: tuple[str, str]
    expected: Mapping[str, Outputs]
    before: tuple[str, Outputs]
    after: tuple[str, Outputs]
    as_data: tuple[str, Outputs]


@pytest.fixture(scope="module")
def switched(local: Local, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switched]:
    home = tmp_path_factory.mktemp("openstef")
    wheels = Wheels.build(home / "wheels")
    project = OwnProject(home, wheels.install(home / "tools", "bluegrid[images]", "bluegrid-openstef"), local)
    try:
        yield put_online_and_switch(project, wheels)
    finally:
        project.destroy(REGION)


def put_online_and_switch(project: OwnProject, wheels: Wheels) -> Switched:
    built = images.build(lambda _: None, images.family_of("openstef"))
    reference = project.build_image("openstef")
    project.init(REGION, openstef=reference)
    requirements = project.folder / "requirements.txt"
    requirements.write_text(f"{requirements.read_text()}bluegrid-openstef\n")
    wheels.install(project.folder / ".venv", "--requirements", str(requirements))

    project.bluegrid(
        "set", "add", SET, "--name", SERVICE, "--task", "forecasting", "--type", "openstef/joblib",
        "--source", "platform",
    )  # fmt: skip
    interpreter = openstef.interpreter()
    examples = {}
    for version, days in DAYS.items():
        trained = project.home / version
        examples[version] = train(interpreter, trained, days, UID)[UID]
        project.bluegrid(
            "push", str(trained), "--set", SET, "--version", version, "--store", project.place.store
        )
    push_as_data(project, interpreter, project.home / "v1")
    project.bluegrid("service", "add", SERVICE, "--set", SET, "--version", "v1", *LIMITS)
    project.bluegrid("cluster", "add", SERVICE, "d2", "--version", "v2", *LIMITS)
    project.bluegrid("service", "add", DATA_SERVICE, "--set", DATA_SET, "--version", "v1", *LIMITS)
    project.make_stack(REGION)
    project.commit("Two versions of pipelines")
    project.up(REGION)

    before = forecast(project, SERVICE, examples["v1"]["request"])
    as_data = forecast(project, DATA_SERVICE, examples["v1"]["request"])
    project.bluegrid("switch", SERVICE, "d2", "--up", "--yes", "--stack", REGION)
    after = forecast(project, SERVICE, examples["v2"]["request"])
    expected = {version: example["response"]["outputs"] for version, example in examples.items()}
    return Switched((reference, built.pinned), expected, before, after, as_data)


def push_as_data(project: OwnProject, interpreter: Path, trained: Path) -> None:
    """Write pipelines as data, and push them into a set of users, which may not hold pickles."""
    data = project.home / "data"
    run(interpreter, "-m", "bluegrid_openstef", str(trained), str(data), folder=CHECKOUT)
    shutil.copy(trained / "examples.json", data)
    project.bluegrid(
        "set", "add", DATA_SET, "--name", DATA_SERVICE, "--task", "forecasting", "--type", "openstef/json",
        "--source", "user",
    )  # fmt: skip
    project.bluegrid("push", str(data), "--set", DATA_SET, "--version", "v1", "--store", project.place.store)


def forecast(project: OwnProject, service: str, request: Any) -> tuple[str, Outputs]:
    """Return the cluster that answers through the live route of a service, and its forecast."""
    answer = httpx.post(
        f"{project.place.route_url}/modelService/{service}/v2/models/{UID}/infer",
        json=request,
        headers={"Host": f"{REGION}.test"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return answer.headers["Bluegrid-Cluster"], answer.json()["outputs"]


def test_wheels_build_the_image_of_the_checkout(switched: Switched) -> None:
    reference, of_checkout = switched.references
    assert reference == of_checkout


def test_the_live_version_forecasts_as_openstef_does(switched: Switched) -> None:
    assert switched.before == ("d1", switched.expected["v1"])


def test_after_the_switch_the_other_training_forecasts(switched: Switched) -> None:
    assert switched.after == ("d2", switched.expected["v2"])
    assert switched.expected["v2"] != switched.expected["v1"]


def test_the_live_version_as_data_forecasts_as_openstef_does(switched: Switched) -> None:
    assert switched.as_data == ("d1", switched.expected["v1"])
