"""Images of the model server: one for all sets of a stack, or one for each family of frameworks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pulumi
import pytest

from tests.program.objects import container_of
from tests.program.recorder import SETTINGS, Plan, run_program
from tests.program.test_changes import changes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]

BOOSTED = """\
set: {{id: g2, name: Transformer losses, task: regression, type: lightgbm/txt, source: user{more}}}
versions:
  - {{id: v1, manifest: "sha256:{digits}", updated: 2026-11-21T08:00:00Z}}
service:
  name: losses
  live: d1
  clusters:
    - {{id: d1, version: v1, replicas: 1, cpu: 1, gpu: 0, memory: 1Gi}}
"""
SKLEARN, LIGHTGBM, NEWER = (f"localhost/server@sha256:{digit * 64}" for digit in "123")


@pytest.fixture
def two_families(registry: Write) -> Path:
    """A registry with a set of scikit-learn (g1) and one of LightGBM (g2)."""
    folder = registry()
    (folder / "g2.yaml").write_text(BOOSTED.format(digits="3" * 64, more=""))
    return folder


def images(folder: Path, image: str = "", **by_family: str) -> dict[str, str]:
    """Return the image of each object with pods, for these settings."""
    written = json.dumps({family.replace("_", "-"): each for family, each in by_family.items()})
    plan = run_program(folder, image=image, images=written)
    return {
        key: container_of(plan, key)["image"]
        for key in plan.resources
        if key.startswith(("Deployment", "Job"))
    }


def refusal(folder: Path, image: str = "", **by_family: str) -> str:
    with pytest.raises(pulumi.RunError) as refused:
        images(folder, image, **by_family)
    return str(refused.value)


def test_each_set_runs_the_image_of_its_family(two_families: Path) -> None:
    assert images(two_families, scikit_learn=SKLEARN, lightgbm=LIGHTGBM) == {
        "Job line-loading-d1-preflight": SKLEARN,
        "Deployment line-loading-d1": SKLEARN,
        "Job line-loading-d2-preflight": SKLEARN,
        "Deployment line-loading-d2": SKLEARN,
        "Job losses-d1-preflight": LIGHTGBM,
        "Deployment losses-d1": LIGHTGBM,
    }


def test_the_one_image_is_for_sets_of_families_without_their_own(two_families: Path) -> None:
    found = images(two_families, image=SKLEARN, lightgbm=LIGHTGBM)
    assert found["Deployment line-loading-d1"] == SKLEARN
    assert found["Deployment losses-d1"] == LIGHTGBM


def test_the_upgrade_of_a_family_changes_pods_of_its_sets_alone(two_families: Path) -> None:
    def plan(lightgbm: str) -> Plan:
        return run_program(
            two_families, image="", images=json.dumps({"scikit-learn": SKLEARN, "lightgbm": lightgbm})
        )

    path = "spec.template.spec.containers[0].image"
    assert changes(plan(LIGHTGBM), plan(NEWER)) == [
        ("Deployment losses-d1", path),
        ("Job losses-d1-preflight", path),
    ]


def test_a_stack_that_moves_from_one_image_to_the_same_by_family_changes_nothing(registry: Write) -> None:
    folder = registry()
    before = run_program(folder)
    after = run_program(folder, image="", images=json.dumps({"scikit-learn": SETTINGS["image"]}))
    assert changes(before, after) == []


def test_models_that_are_compiled_run_the_image_with_the_compilers(registry: Write, tmp_path: Path) -> None:
    folder = registry()
    (folder / "g1.yaml").unlink()
    (folder / "g2.yaml").write_text(BOOSTED.format(digits="3" * 64, more=", accelerate: onnx"))
    assert set(images(folder, lightgbm=LIGHTGBM, accelerated=NEWER).values()) == {NEWER}


def test_every_family_without_an_image_is_named_before_anything_is_planned(two_families: Path) -> None:
    (two_families / "g3.yaml").write_text(
        BOOSTED.format(digits="4" * 64, more="").replace("g2", "g3").replace("name: losses", "name: sags")
    )
    assert refusal(two_families, scikit_learn=SKLEARN) == (
        "bluegrid:images.lightgbm is not set, and demo serves g2 (lightgbm/txt), g3 (lightgbm/txt): "
        "pulumi config set --stack demo --path bluegrid:images.lightgbm VALUE, "
        "or pulumi config set --stack demo bluegrid:image VALUE for all others"
    )


def test_a_family_is_needed_only_where_its_sets_are_served(two_families: Path) -> None:
    file = two_families / "g2.yaml"
    file.write_text(f"{file.read_text()}  regions: [north]\n")
    assert set(images(two_families, scikit_learn=SKLEARN).values()) == {SKLEARN}


def test_an_unknown_family_is_refused_with_those_that_there_are(two_families: Path) -> None:
    assert refusal(two_families, scikit_learn=SKLEARN, torch=LIGHTGBM) == (
        "bluegrid:images.torch: no model type has this family; families: accelerated, catboost, lightgbm, "
        "onnx, safetensors, scikit-learn, spark, tensorflow, xgboost; bluegrid:image is for all others: "
        "pulumi config rm --stack demo --path bluegrid:images.torch"
    )


def test_a_stack_without_any_image_is_refused(registry: Write) -> None:
    assert refusal(registry()) == (
        "bluegrid:image is not set; set it, or bluegrid:images by family of frameworks: "
        "pulumi config set --stack demo bluegrid:image VALUE"
    )
