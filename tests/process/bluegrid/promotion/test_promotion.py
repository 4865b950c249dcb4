"""The state that a promotion leaves behind, whatever happens in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from bluegrid.promotion import Promotion, PromotionStopped, Stage
from bluegrid_registry import BluegridError
from tests.support.command import BLUEGRID, bluegrid

if TYPE_CHECKING:
    from tests.support.regions import Regions


def promote(regions: Regions, *, seconds: float = 0, all_back: bool = False) -> dict[str, Stage]:
    """Promote d2 in north, then in east; return the stage of each."""
    promotion = Promotion(regions.registry, "line-loading", "d2", regions.folder, ["north", "east"])
    promotion.check()
    outcomes = promotion.run(seconds, 0.01, lambda *_: None, all_back=all_back)
    return {each.region: each.stage for each in outcomes}


def stopped(regions: Regions, *, seconds: float = 0, all_back: bool = False) -> tuple[str, dict[str, Stage]]:
    """Run a promotion that fails; return the message, and the stage of each region."""
    with pytest.raises(PromotionStopped) as error:
        promote(regions, seconds=seconds, all_back=all_back)
    assert "\n" not in str(error.value)
    return str(error.value), {each.region: each.stage for each in error.value.outcomes}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bluegrid.promotion.bake.POLL_SECONDS", 0.05)


def test_one_word_of_yaml_stays_one_word(regions: Regions) -> None:
    before = regions.text
    assert promote(regions) == {"north": Stage.LIVE, "east": Stage.LIVE}
    assert regions.text == before.replace("live: d1", "live: d2")
    assert regions.calls == ["north", "east"]


def test_what_was_live_by_region_stays_so(regions: Regions) -> None:
    regions.declare("{default: d1, north: d1}")
    promote(regions)
    assert regions.live == "{default: d1, north: d2, east: d2}"


def test_a_region_in_which_it_is_live_is_left_alone_and_yaml_says_so(regions: Regions) -> None:
    regions.set("north", live="d2")
    regions.pulumi("east", "fails")
    assert stopped(regions)[1] == {"north": Stage.LIVE_ALREADY, "east": Stage.BACK}
    assert regions.live == "{default: d1, north: d2, east: d1}"
    assert regions.calls == ["east"]


@pytest.mark.parametrize(
    ("goes_wrong", "why", "calls"),
    [
        ("fails", "pulumi up: the stack is locked", ["north", "east"]),
        # The route has changed there, so Pulumi has to change it back.
        ("is not proven", "pulumi up: the proxy did not answer", ["north", "east", "east"]),
    ],
)
def test_where_pulumi_fails_yaml_says_what_is_true(
    regions: Regions, goes_wrong: str, why: str, calls: list[str]
) -> None:
    regions.pulumi("east", goes_wrong)
    message, stages = stopped(regions)
    assert message == f"east: {why}; now live: d2 in north, d1 in east"
    assert stages == {"north": Stage.LIVE, "east": Stage.BACK}
    assert regions.live == "{default: d1, north: d2, east: d1}"
    assert regions.routed() == ("d2", "d1")
    assert regions.calls == calls


def test_a_region_that_cannot_go_back_is_told_with_what_to_do_and_yaml_says_so(regions: Regions) -> None:
    regions.pulumi("north", "is not proven", "fails")
    message, stages = stopped(regions)
    assert stages == {"north": Stage.NOT_BACK, "east": Stage.WAITING}
    assert regions.live == "{default: d1, north: d2}"
    assert regions.routed() == ("d2", "d1")
    assert message.endswith("bluegrid switch line-loading d1 --stack north --up")


def test_a_bake_with_errors_goes_back_and_no_further_region_is_touched(regions: Regions) -> None:
    regions.failing["bluegrid-north"] = 10
    message, stages = stopped(regions, seconds=60)
    assert "of 110 requests failed, more than 1.00%; now live: d1 in north, d1 in east" in message
    assert stages == {"north": Stage.BACK, "east": Stage.WAITING}
    assert regions.live == "d1"
    assert regions.calls == ["north", "north"]


def test_regions_before_it_stay_or_go_back_as_is_asked_for(regions: Regions) -> None:
    regions.failing["bluegrid-east"] = 10
    assert stopped(regions, seconds=0.2)[1] == {"north": Stage.LIVE, "east": Stage.BACK}
    regions.set("north", live="d1")
    regions.declare("d1")
    assert stopped(regions, seconds=0.2, all_back=True)[1] == {"north": Stage.BACK, "east": Stage.BACK}
    assert (regions.live, regions.routed()) == ("d1", ("d1", "d1"))


ROUTE, AUTOSCALER = (
    "line-loading ModelService, line-loading Route, line-loading Ingress",
    "line-loading-d2 HorizontalPodAutoscaler",
)


def test_a_cluster_that_was_brought_up_for_the_switch_has_its_min_again_after_the_bake(
    regions: Regions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bluegrid.promotion.region.LOAD_MEASURED_SECONDS", 0.1)
    regions.autoscale()
    regions.set("north", held=3)
    assert promote(regions, seconds=0.2) == {"north": Stage.LIVE, "east": Stage.LIVE}
    # In east as many pods answered as its min: nothing was raised.
    assert regions.updates == [f"{ROUTE}, {AUTOSCALER}", AUTOSCALER, f"{ROUTE}, {AUTOSCALER}"]
    assert regions.calls == ["north", "north", "east"]


def test_before_its_autoscaler_sees_the_requests_it_keeps_its_pods_and_that_is_told(
    regions: Regions, caplog: pytest.LogCaptureFixture
) -> None:
    regions.autoscale()
    regions.set("north", held=3)
    promote(regions, seconds=0.2)
    assert regions.calls == ["north", "east"]
    assert caplog.messages == [
        "north: the autoscaler of d2 keeps 3 pods or more since the switch; in some minutes "
        "`pulumi up --stack north` gives it back its min"
    ]


def test_a_way_back_waits_for_no_pods_and_lowers_what_was_raised(regions: Regions) -> None:
    regions.autoscale()
    regions.set("north", held=3)
    regions.failing["bluegrid-north"] = 50
    assert stopped(regions, seconds=0.5)[1]["north"] is Stage.BACK
    assert regions.updates == [f"{ROUTE}, {AUTOSCALER}", f"{ROUTE} at once", AUTOSCALER]


def test_what_was_raised_for_a_switch_that_was_refused_is_lowered(regions: Regions) -> None:
    regions.autoscale()
    regions.set("north", held=3)
    regions.pulumi("north", "fails")
    assert stopped(regions)[1]["north"] is Stage.BACK
    assert regions.updates == [f"{ROUTE}, {AUTOSCALER}", AUTOSCALER]


def test_a_min_that_is_not_given_back_is_told_with_the_remedy_and_nothing_goes_back(
    regions: Regions, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bluegrid.promotion.region.LOAD_MEASURED_SECONDS", 0.1)
    regions.autoscale()
    regions.set("north", held=3)
    regions.pulumi("north", "", "fails")
    assert promote(regions, seconds=0.2) == {"north": Stage.LIVE, "east": Stage.LIVE}
    assert caplog.messages == [
        "north: the autoscaler of d2 keeps 3 pods or more since the switch; pulumi up: the stack is locked; "
        "`pulumi up --stack north`"
    ]


def test_a_bake_that_is_well_is_passed(regions: Regions) -> None:
    assert promote(regions, seconds=0.3) == {"north": Stage.LIVE, "east": Stage.LIVE}


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"ready": 0}, "0 of 1 pods of d2 are ready; `pulumi up --refresh --stack east` first"),
        ({"live": "d1", "version": "v9"}, "d2 serves v9 there, and v2 in YAML"),
    ],
)
def test_what_cannot_take_over_is_refused_before_anything_changes(
    regions: Regions, values: dict[str, object], fault: str
) -> None:
    regions.set("east", **values)
    with pytest.raises(BluegridError) as refusal:
        promote(regions)
    assert str(refusal.value).startswith(f"east: {fault}")
    assert regions.live == "d1"
    assert not (regions.folder / "calls").exists()


def test_a_stack_that_reads_another_registry_is_found_out(regions: Regions) -> None:
    regions.pulumi("north", "changes nothing")
    message, stages = stopped(regions)
    assert message.startswith("north: pulumi up succeeded and d1 is live; does ")
    assert stages == {"north": Stage.BACK, "east": Stage.WAITING}
    assert regions.live == "d1"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--regions", "north", "--bake", "soon"], "'soon' is not a time; expected 90s, 10m or 1h"),
        (["--regions", ","], "names no region"),
    ],
)
def test_what_is_no_time_or_no_region_is_wrong_usage(arguments: list[str], fault: str) -> None:
    refused = bluegrid("promote", "line-loading", "d2", *arguments)
    assert refused.returncode == 2
    assert fault in refused.stderr


@pytest.mark.parametrize(
    ("number", "back", "why"),
    [
        (signal.SIGINT, "works", "interrupted"),
        (
            signal.SIGTERM,
            "is not proven",
            "interrupted; going back: pulumi up: the proxy did not answer",
        ),
    ],
)
def test_who_interrupts_it_lets_pulumi_end_and_has_the_region_go_back(
    regions: Regions, number: signal.Signals, back: str, why: str
) -> None:
    regions.pulumi("east", "waits", back)
    options = ["--regions", "north,east", "--bake", "0", "--json"]
    options += ["--registry", str(regions.registry), "--stacks", str(regions.folder)]
    command = [str(BLUEGRID), "promote", "line-loading", "d2", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        deadline = time.monotonic() + 60
        while not (regions.folder / "waiting").exists():
            assert time.monotonic() < deadline, "pulumi was not started"
            time.sleep(0.05)
        # Like a terminal: the signal goes to every process of the group.
        os.killpg(running.pid, number)
        printed, message = running.communicate(timeout=60)
    assert running.returncode == 1
    assert message.splitlines()[-1] == "error: east: interrupted; now live: d2 in north, d1 in east"
    north, east = json.loads(printed)["regions"]
    assert (north["live"], north["stage"]) == ("d2", "live")
    assert (east["live"], east["stage"], east["why"]) == ("d1", "back", why)
    assert regions.live == "{default: d1, north: d2, east: d1}"
    assert regions.calls == ["north", "east", "east"]
    # A second signal would have made Pulumi abort.
    assert (regions.folder / "interrupts").read_text().split() == ["east"]
