"""An hour of a user, who has wheels, Pulumi and a Kubernetes, and no checkout of bluegrid.

From `bluegrid init` to two regions with two sets of two frameworks; a new version that a merge request shows
and that goes live region by region; the way back; and an upgrade of bluegrid.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import lightgbm
import pytest

from tests.cluster.own_project import DEVICES, ROW, OwnProject, write_models
from tests.support.forges import GITLAB, Hosted, serving
from tests.support.samples import SAMPLES, ridge
from tests.support.wheels import Wheels, next_version, this_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.cluster.conftest import Local
    from tests.cluster.own_project import Ended

Result = TypeVar("Result")

HILLS, COAST = "hills", "coast"
LINES, BUSES = "line-loading", "bus-voltage"
TYPES = {LINES: "scikit-learn/skops", BUSES: "lightgbm/txt"}
SETS = {LINES: "g1", BUSES: "g2"}
LIMITS = ("--cpu", "1", "--memory", "512Mi")
ALPHA = 500.0
"""Of the second version, so that its answers differ."""


@dataclass(frozen=True)
class Hour:
    """What happened.

    Attributes:
        made: `bluegrid init`.
        empty: `bluegrid check` of the new project.
        firsts: the first `pulumi up` of each region.
        answers: of each service in each region, before the switch.
        report: the comment on the merge request.
        promoted: what `bluegrid promote` printed.
        after: where the live routes lead after the promotion, and what answers.
        rolled_back: where they lead after a rollback in one region.
        versions: of bluegrid before and after the upgrade.
        upgraded: what a preview by the new version would change in each region.
    """

    made: Ended
    empty: Ended
    firsts: Mapping[str, Ended]
    answers: Mapping[tuple[str, str], Any]
    report: str
    promoted: Any
    after: Mapping[str, tuple[str, Any]]
    rolled_back: Mapping[str, str]
    versions: tuple[str, str]
    upgraded: Mapping[str, list[str]]


@pytest.fixture(scope="module")
def hour(local: Local, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hour]:
    home = tmp_path_factory.mktemp("user")
    wheels = Wheels.build(home / "wheels")
    # The environment of the one who starts a project, and builds its images.
    project = OwnProject(home, wheels.install(home / "tools", "bluegrid[images]"), local)
    try:
        yield live_an_hour(project, wheels)
    finally:
        with ThreadPoolExecutor() as both:
            [*both.map(project.destroy, (HILLS, COAST))]


def live_an_hour(project: OwnProject, wheels: Wheels) -> Hour:
    made, empty = start(project, wheels)
    for service in (LINES, BUSES):
        put_online(project, service)
    project.bluegrid("check")
    project.make_stack(HILLS)
    project.bluegrid("stack", "add", COAST, "--like", HILLS)
    project.make_stack(COAST)
    project.commit("Two services in two regions")
    firsts = dict(zip((HILLS, COAST), at_once(project.up, HILLS, COAST), strict=True))
    answers = {
        (region, service): project.predict(region, service)
        for region in (HILLS, COAST)
        for service in (LINES, BUSES)
    }

    push(project, LINES, "v2", ALPHA)
    project.bluegrid("cluster", "add", LINES, "d2", "--version", "v2", *LIMITS)
    project.commit("A second version stands by")
    at_once(project.up, HILLS, COAST)
    report = propose_a_switch(project)

    regions = ("--regions", f"{HILLS},{COAST}", "--bake", "3s", "--json")
    promoted = project.bluegrid("promote", LINES, "d2", *regions).json()
    project.commit("v2 is live")
    after = {each: (project.live(each, LINES), project.predict(each, LINES)) for each in (HILLS, COAST)}
    project.bluegrid("rollback", LINES, "--up", "--yes", "--stack", HILLS)
    project.commit("Back to v1 in the hills")
    rolled_back = {region: project.live(region, LINES) for region in (HILLS, COAST)}

    before = project.bluegrid("--version").output
    install(project, Wheels.build_next(project.home / "next"))
    versions = before, project.bluegrid("--version").output
    upgraded = dict(zip((HILLS, COAST), at_once(project.planned, HILLS, COAST), strict=True))
    return Hour(made, empty, firsts, answers, report, promoted, after, rolled_back, versions, upgraded)


def start(project: OwnProject, wheels: Wheels) -> tuple[Ended, Ended]:
    """Build images, make the project, and install what it requires."""
    images = {family: project.build_image(family) for family in ("scikit-learn", "lightgbm")}
    made = project.init(HILLS, "--ci", GITLAB, **images)
    install(project, wheels)
    return made, project.bluegrid("check")


def install(project: OwnProject, wheels: Wheels) -> None:
    """Do what `pulumi install` does with an index that has these wheels."""
    wheels.install(project.folder / ".venv", "--requirements", str(project.folder / "requirements.txt"))


def put_online(project: OwnProject, service: str) -> None:
    names = ("--name", service, "--task", "regression", "--type", TYPES[service])
    project.bluegrid("set", "add", SETS[service], *names)
    push(project, service, "v1")
    project.bluegrid("service", "add", service, "--set", SETS[service], "--version", "v1", *LIMITS)


def push(project: OwnProject, service: str, version: str, alpha: float = 1.0) -> None:
    models = write_models(project.home / f"{service}-{version}", TYPES[service], alpha)
    options = ("--set", SETS[service], "--version", version, "--store", project.place.store)
    project.bluegrid("push", str(models), *options)


def propose_a_switch(project: OwnProject) -> str:
    """Do what the pipeline of a merge request does for a switch; return the note that it writes."""
    project.bluegrid("switch", LINES, "d2", "--everywhere")
    with serving(Hosted(GITLAB)) as hosted:
        base = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": "HEAD", "BLUEGRID_STORE": project.place.store}
        request = {**hosted.variables, **base}
        project.bluegrid("ci", "preview", variables=request)
        report = project.bluegrid("ci", "report", variables=request).output
        (project.folder / "comment.md").write_text(report)
        project.bluegrid("ci", "comment", "comment.md", variables=request)
        project.bluegrid("ci", "check", variables=request)
    project.run("git", "checkout", "--quiet", "registry")
    (note,) = hosted.bodies.values()
    return note


def at_once(work: Callable[[str], Result], *regions: str) -> list[Result]:
    with ThreadPoolExecutor() as both:
        return [*both.map(work, regions)]


def test_a_new_project_has_no_mistakes_and_says_what_comes_next(hour: Hour) -> None:
    assert hour.made.output.splitlines()[2] == f"  pulumi stack init {HILLS}"
    assert hour.empty.output == "registry: 0 model sets, 0 services, no mistakes\n"


@pytest.mark.parametrize("region", [HILLS, COAST])
def test_the_first_update_of_a_region_keeps_the_rules_of_the_pack(region: str, hour: Hour) -> None:
    assert "bluegrid@v1.0.0" in hour.firsts[region].output


@pytest.mark.parametrize("region", [HILLS, COAST])
def test_two_services_of_two_frameworks_answer_as_their_models_do(region: str, hour: Hour) -> None:
    booster = lightgbm.Booster(model_str=SAMPLES[TYPES[BUSES]]().decode())
    expected = {LINES: ridge().predict([ROW]), BUSES: booster.predict([ROW])}
    for service, values in expected.items():
        answer = hour.answers[region, service]
        assert (answer["cluster"], answer["version"]) == ("d1", "v1")
        assert answer["predictions"] == pytest.approx([*values])


@pytest.mark.parametrize("region", [HILLS, COAST])
def test_a_merge_request_is_told_what_the_switch_changes(region: str, hour: Hour) -> None:
    changes = f"{len(DEVICES)} models changed, 0 added, 0 removed"
    assert f"| {region} | {LINES} | **switch** d1 (v1) → d2 (v2): {changes}" in hour.report


def test_the_new_version_goes_live_region_by_region(hour: Hour) -> None:
    rows = [(row["region"], row["stage"], row["live"]) for row in hour.promoted["regions"]]
    assert rows == [(HILLS, "live", "d2"), (COAST, "live", "d2")]
    for cluster, answer in hour.after.values():
        assert (cluster, answer["cluster"], answer["version"]) == ("d2", "d2", "v2")
        assert answer["predictions"] == pytest.approx([*ridge(ALPHA).predict([ROW])])


def test_one_region_goes_back_and_the_other_stays(hour: Hour) -> None:
    assert hour.rolled_back == {HILLS: "d1", COAST: "d2"}


@pytest.mark.parametrize("region", [HILLS, COAST])
def test_an_upgrade_of_bluegrid_changes_nothing_in_a_stack(region: str, hour: Hour) -> None:
    assert hour.versions == (f"bluegrid {this_version()}\n", f"bluegrid {next_version()}\n")
    assert hour.upgraded[region] == []
