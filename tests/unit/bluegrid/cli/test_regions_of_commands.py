"""A named stack is its region: that region alone is edited, and without a name nothing is guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.operator import TEXT, bluegrid, output_of, pulumi_that, refused, stack_file

if TYPE_CHECKING:
    from pathlib import Path

BY_REGION = TEXT.replace("live: d1", "live: {default: d1, north: d2}")


@pytest.fixture
def one_stack(file: Path, tmp_path: Path) -> Path:
    file.write_text(TEXT.replace("  regions: [north, east]\n", ""))
    stack_file(tmp_path, "north")
    return file


@pytest.fixture
def two_stacks(one_stack: Path, tmp_path: Path) -> Path:
    stack_file(tmp_path, "east")
    return one_stack


def live(file: Path) -> str:
    (line,) = (line for line in file.read_text().splitlines() if line.startswith("  live: "))
    return line.removeprefix("  live: ").partition("  #")[0]


@pytest.mark.parametrize("option", ["--stack", "-s"])
def test_a_named_stack_is_switched_alone(two_stacks: Path, option: str) -> None:
    assert output_of("switch", "line-loading", "d2", option, "north") == (
        "line-loading in north: d1 -> d2 in registry; apply it with `pulumi up --stack north`\n"
    )
    assert live(two_stacks) == "{default: d1, north: d2}"


def test_the_environment_names_a_stack_like_the_option(
    two_stacks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLUEGRID_STACK", "north")
    output_of("switch", "line-loading", "d2")
    assert live(two_stacks) == "{default: d1, north: d2}"


def test_a_stack_whose_region_has_another_name_switches_that_one(two_stacks: Path, tmp_path: Path) -> None:
    stack_file(tmp_path, "e1", region="far-east")
    output_of("switch", "line-loading", "d2", "--stack", "e1")
    assert live(two_stacks) == "{default: d1, far-east: d2}"


def test_the_only_stack_of_a_project_is_one_word(one_stack: Path) -> None:
    output_of("switch", "line-loading", "d2", "--stack", "north")
    assert live(one_stack) == "d2"
    output_of("switch", "line-loading", "d1")
    assert live(one_stack) == "d1"


def test_one_word_is_switched_for_all_and_the_regions_are_named(two_stacks: Path) -> None:
    assert output_of("switch", "line-loading", "d2") == (
        "line-loading in all regions (east, north): d1 -> d2 in registry; apply it with `pulumi up`\n"
    )
    assert live(two_stacks) == "d2"


@pytest.mark.parametrize("command", [("switch", "line-loading", "d1"), ("rollback", "line-loading")])
def test_regions_that_differ_are_not_guessed(two_stacks: Path, command: tuple[str, ...]) -> None:
    two_stacks.write_text(BY_REGION)
    assert refused(*command) == (
        "line-loading is live by region: default (d1), north (d2); "
        "name one with --stack, or all of them with --everywhere"
    )
    assert two_stacks.read_text() == BY_REGION


def test_everywhere_ends_what_differs_and_a_stack_is_only_updated(two_stacks: Path) -> None:
    two_stacks.write_text(BY_REGION)
    output_of("switch", "line-loading", "d2", "--everywhere", "--stack", "north")
    assert live(two_stacks) == "d2"


def test_a_region_that_follows_makes_it_one_word_again(two_stacks: Path) -> None:
    for stack in ("north", "east"):
        output_of("switch", "line-loading", "d2", "--stack", stack)
    assert live(two_stacks) == "d2"


def test_what_all_name_alike_is_switched_together(two_stacks: Path) -> None:
    """After a regional rollback, `live: {default: d2, south: d2}` stayed so."""
    two_stacks.write_text(BY_REGION.replace("default: d1", "default: d2"))
    output_of("switch", "line-loading", "d1")
    assert live(two_stacks) == "d1"


def test_a_region_shares_its_traffic_alone(two_stacks: Path) -> None:
    shares = ("service", "traffic", "line-loading", "d1=90", "d2=10")
    assert "line-loading in north: d1 90, d2 10" in output_of(*shares, "--stack", "north")
    assert "  traffic: {north: {d1: 90, d2: 10}}\n" in two_stacks.read_text()
    assert "name one with --stack, or all of them with --everywhere" in refused(*shares)
    output_of(*shares, "--everywhere")
    assert "  traffic: {d1: 90, d2: 10}\n" in two_stacks.read_text()


def test_everywhere_and_a_region_contradict_each_other(two_stacks: Path) -> None:
    before = two_stacks.read_text()
    done = bluegrid("switch", "line-loading", "d2", "--everywhere", "--region", "north")
    assert done.exit_code == 2
    assert two_stacks.read_text() == before


def test_another_region_than_the_stacks_is_not_applied(two_stacks: Path) -> None:
    before = two_stacks.read_text()
    command = "switch", "line-loading", "d2", "--stack", "north", "--region", "east"
    assert refused(*command, "--up", "--yes") == (
        "stack north is region north, and the change is of east: --up would not apply it; "
        "name that region's stack"
    )
    assert two_stacks.read_text() == before
    output_of(*command)
    assert live(two_stacks) == "{default: d1, east: d2}"


def test_an_update_finds_the_stack_of_a_service_that_names_one_region(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(TEXT.replace("[north, east]", "[east]"))
    pulumi_that("exit 1", tmp_path, monkeypatch)
    stack_file(tmp_path, "east")
    fault = refused("switch", "line-loading", "d2", "--up")
    assert fault.startswith("this command asks before it changes anything")
    assert (
        "line-loading is in east alone: stack east is updated"
        in bluegrid("switch", "line-loading", "d2", "--up").stderr
    )


@pytest.mark.parametrize("regions", ["", "  regions: [north, east]\n"])
def test_an_update_needs_a_stack_where_the_registry_names_no_single_one(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, regions: str
) -> None:
    file.write_text(TEXT.replace("  regions: [north, east]\n", regions))
    pulumi_that("exit 1", tmp_path, monkeypatch)
    stack_file(tmp_path, "east")
    assert refused("switch", "line-loading", "d2", "--up", "--yes").startswith("no stack is named; ")


def test_a_stack_with_another_ones_platform_has_no_service_that_does_not_name_it(
    one_stack: Path, tmp_path: Path
) -> None:
    stack_file(tmp_path, "north-lines", platform="north")
    assert refused("switch", "line-loading", "d2", "--stack", "north-lines").startswith(
        "north-lines has only services that name it, and line-loading names no regions"
    )
    # And it does not count as a region of such a service.
    assert output_of("switch", "line-loading", "d2").startswith("line-loading: d1 -> d2 in registry")
