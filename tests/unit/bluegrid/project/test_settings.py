"""The settings of a stack, and the schema by which editors check its file."""

from __future__ import annotations

import pytest
from jsonschema_rs import Draft202012Validator
from ruamel.yaml import YAML

from bluegrid.project import config_of
from bluegrid.project.settings import declared_settings, stack_schema
from tests.support.checkout import CHECKOUT

NORTH = CHECKOUT / "stacks" / "Pulumi.north.yaml"


def mistakes(config: dict[str, object]) -> list[str]:
    found = Draft202012Validator(dict(stack_schema())).iter_errors({"config": config})
    return [error.message for error in found]


def test_the_settings_are_those_that_this_repository_declares() -> None:
    assert declared_settings() == config_of(CHECKOUT / "Pulumi.yaml")


def test_the_schema_is_valid_and_knows_every_setting() -> None:
    schema = stack_schema()
    Draft202012Validator(dict(schema))
    settings = schema["properties"]["config"]["properties"]
    assert {*settings} == {f"bluegrid:{key}" for key in declared_settings()}


def test_a_stack_s_file_has_no_mistakes() -> None:
    assert mistakes(YAML(typ="safe").load(NORTH)["config"]) == []


@pytest.mark.parametrize(
    "config",
    [
        {"bluegrid:sizeFactor": 0.5, "bluegrid:readyTimeout": 60},
        {"bluegrid:routeKey": {"secure": "v1:abc"}},
        {"aws:region": "eu-central-1", "grid:colour": {"a": 1}},
    ],
)
def test_what_pulumi_takes_is_no_mistake(config: dict[str, object]) -> None:
    assert mistakes(config) == []


@pytest.mark.parametrize(
    "config",
    [
        {"bluegrid:sizefactor": "0.5"},
        {"bluegrid:pods": "none"},
        {"bluegrid:routeKey": "in clear"},
        {"bluegrid:namespace": {"name": "north"}},
    ],
)
def test_what_the_program_refuses_is_a_mistake(config: dict[str, object]) -> None:
    assert len(mistakes(config)) == 1
