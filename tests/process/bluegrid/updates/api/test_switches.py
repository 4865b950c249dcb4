"""Answers of the server to a switch, before and after Pulumi.

`tests/cluster/test_operator_page.py` makes the switches themselves, on a real cluster.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid.updates.serve import Options
from tests.support.update_server import running_server
from tests.support.updating import SOMEBODY, ended, git

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.support.updating import Place


SERVICE = """\
service:
  name: line-loading
  live: d1
  clusters:
    - {id: d1, version: v1, cpu: 1, memory: 1Gi}
    - {id: d2, version: v2, cpu: 1, memory: 1Gi}
"""
PATH = "/services/line-loading/switches"


@pytest.fixture
def served(place: Place) -> Place:
    """The registry with a service of two clusters, and a stack without a Kubernetes cluster."""
    place.add_v2()
    place.add_stack()
    with (place.registry / "g1.yaml").open("a") as file:
        file.write(SERVICE)
    return place


@pytest.fixture
def operator(served: Place, remote: Path) -> Iterator[httpx.Client]:
    options = Options(
        Path("registry"),
        served.store,
        served.folder / "state",
        served.folder / "tokens.yaml",
        git=str(remote),
        stacks=("north",),
        program=served.folder,
        stack_files=served.folder,
    )
    with running_server(options, served.headers("operator")) as client:
        yield client


def test_a_service_is_told_as_declared_with_what_was_live_before(
    operator: httpx.Client, served: Place, remote: Path
) -> None:
    work = served.folder / "work"
    for live, subject in (("d2", "To d2"), ("d1", "Back to d1")):
        file = work / "registry" / "g1.yaml"
        other = {"d1": "d2", "d2": "d1"}[live]
        file.write_text(file.read_text().replace(f"live: {other}", f"live: {live}"))
        git("-C", work, *SOMEBODY, "commit", "--quiet", "--all", f"--message={subject}")
    git("-C", work, "push", "--quiet", "origin", "HEAD:main")
    # The registry as all readers see it.
    ended(operator, operator.post(PATH, json={"cluster": "d2"}))
    (service,) = operator.get("/services").json()
    assert (service["name"], service["set"], service["update"]) == ("line-loading", "g1", None)
    assert service["clusters"] == [
        {"id": "d1", "version": "v1", "shards": 1, "bad": None},
        {"id": "d2", "version": "v2", "shards": 1, "bad": None},
    ]
    (region,) = service["regions"]
    assert (region["region"], region["stack"], region["live"]) == ("north", "north", "d1")
    assert region["before"]["cluster"] == "d2"
    assert region["before"]["until"].endswith("by somebody: Back to d1")
    subjects = [each["subject"] for each in operator.get("/services/line-loading/history").json()]
    assert subjects == ["Back to d1", "To d2", "Version v1"]
    assert remote.is_dir()


def test_a_region_that_cannot_be_asked_is_told_as_such(operator: httpx.Client) -> None:
    (region,) = operator.get("/status").json()
    assert (region["region"], region["clusters"]) == ("north", [])
    assert region["error"].startswith("context nowhere: ")


def test_a_switch_that_cannot_be_made_changes_nothing_and_says_why(
    operator: httpx.Client, remote: Path
) -> None:
    before = git("-C", remote, "rev-parse", "main")
    switch = ended(operator, operator.post(PATH, json={"cluster": "d2"}))
    assert (switch["state"], switch["regions"], switch["author"]) == ("failed", ["north"], "operator")
    assert switch["error"].startswith("context nowhere: ")
    assert git("-C", remote, "rev-parse", "main") == before
    events = operator.get("/audit-events", params={"newest": True}).json()
    assert [event["act"] for event in events] == ["switch failed", "switch"]
    assert events[0]["detail"]["cluster"] == "d2"
    assert operator.get("/switches", params={"service": "line-loading"}).json() == [switch]


@pytest.mark.parametrize(
    ("path", "body", "status", "fault"),
    [
        ("/services/other/switches", {"cluster": "d2"}, 404, "no service other; declared: line-loading"),
        (PATH, {"cluster": "d9"}, 404, "service line-loading has no cluster d9; declared: d1, d2"),
        (PATH, {"cluster": "d2", "regions": ["south"]}, 409, "line-loading: this server does not switch"),
        (PATH, {"cluster": "d2", "regions": []}, 400, "body.regions: "),
        (PATH, {"cluster": "../d2"}, 400, "body.cluster: "),
    ],
)
def test_a_switch_that_makes_no_sense_is_refused(
    operator: httpx.Client, path: str, body: dict[str, Any], status: int, fault: str
) -> None:
    refused = operator.post(path, json=body)
    assert (refused.status_code, refused.json()["error"][: len(fault)]) == (status, fault)
    assert operator.get("/switches").json() == []


def test_without_a_remote_nothing_is_switched(served: Place) -> None:
    options = Options(
        served.registry,
        served.store,
        served.folder / "state",
        served.folder / "tokens.yaml",
        stacks=("north",),
        program=served.folder,
        stack_files=served.folder,
    )
    with running_server(options, served.headers("operator")) as client:
        refused = client.post(PATH, json={"cluster": "d2"})
    assert refused.status_code == 409
    assert refused.json()["error"].endswith("would undo a switch; start the server with --git")


def test_only_a_token_to_switch_switches(operator: httpx.Client, served: Place) -> None:
    for name in ("looker", "training"):
        headers = served.headers(name)
        for refused in (
            operator.post(PATH, json={"cluster": "d2"}, headers=headers),
            operator.get(f"{PATH}/preview", params={"cluster": "d2"}, headers=headers),
        ):
            assert refused.status_code == 403
            assert refused.json()["error"].endswith("this needs switch")
