"""Other projects: with another name, which cannot declare our settings, or with their own program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_kubernetes as kubernetes
from pydantic import SecretStr

from bluegrid_components import ModelServices, ModelServicesArgs, run
from tests.program.recorder import SECRETS, SETTINGS, run_program, run_update

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.program.recorder import Plan

    Write = Callable[..., Path]


def objects(plan: Plan) -> list[tuple[str, object]]:
    return sorted((each.key, each.inputs) for each in plan.objects())


def arguments(registry: Path) -> ModelServicesArgs:
    """The settings of `run_program`, written down in a program."""
    return ModelServicesArgs(
        registry=registry,
        region="demo",
        kube_context=SETTINGS["kubeContext"],
        store=SETTINGS["store"],
        store_access_key=SecretStr(SECRETS["storeAccessKey"]),
        store_secret_key=SecretStr(SECRETS["storeSecretKey"]),
        image=SETTINGS["image"],
        ingress_class=SETTINGS["ingressClass"],
        route_key=SecretStr(SECRETS["routeKey"]),
        route_address=SETTINGS["routeAddress"],
    )


def test_a_project_of_another_name_makes_the_same_objects(registry: Write) -> None:
    folder = registry()
    elsewhere = run_update(folder, project="grid-models")
    assert objects(elsewhere) == objects(run_update(folder))
    assert all("::grid-models::" in each.urn for each in elsewhere.objects())


def test_a_program_of_another_project_may_say_itself_what_its_services_are_made_of(registry: Write) -> None:
    folder = registry()

    def program() -> None:
        run(lambda: {"urls": ModelServices("platform", arguments(folder)).urls})

    theirs, ours = run_update(folder, project="grid", program=program), run_program(folder)
    assert theirs.outputs == ours.outputs
    assert theirs.resources.keys() == ours.resources.keys()
    for key in ours.resources:
        assert (theirs[key].inputs, theirs[key].secrets) == (ours[key].inputs, ours[key].secrets)


def test_it_may_give_a_provider_and_a_name_of_its_own(registry: Write) -> None:
    folder = registry()

    def program() -> None:
        provider = kubernetes.Provider("manifests", render_yaml_to_directory="manifests")
        opts = pulumi.ResourceOptions(provider=provider)
        run(lambda: {"urls": ModelServices("models", arguments(folder), opts).urls})

    made = run_update(folder, project="grid", program=program).resources
    assert {"kubernetes manifests", "Platform models", "ModelService line-loading"} <= made.keys()
    assert "kubernetes kubernetes" not in made


def test_a_secret_in_the_arguments_is_in_no_text_of_them(registry: Write) -> None:
    args = arguments(registry())
    for secret in SECRETS.values():
        assert secret not in f"{args} {args!r}"
