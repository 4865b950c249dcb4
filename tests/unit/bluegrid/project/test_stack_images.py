"""Stacks with images by family have one for every set that they serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid.project import check_images
from bluegrid_registry import ConfigError, Registry
from tests.support.regions import FILE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "g1.yaml").write_text(FILE.format("1" * 64, "d1"))
    return Registry.load(tmp_path / "registry")


@pytest.mark.parametrize(
    "settings",
    [
        "bluegrid:image: a@sha256:1",
        "bluegrid:images: {lightgbm: b}\n  bluegrid:image: a",
        "bluegrid:images: {scikit-learn: a}",
        "bluegrid:region: elsewhere\n  bluegrid:images: {scikit-learn: a}",
        "bluegrid:kubeContext: north",
    ],
)
def test_a_stack_with_an_image_for_each_set_passes(tmp_path: Path, registry: Registry, settings: str) -> None:
    (tmp_path / "Pulumi.north.yaml").write_text(f"config:\n  {settings}\n")
    check_images(tmp_path, registry)


def test_a_stack_without_an_image_of_a_set_is_named_with_the_key_to_set(
    tmp_path: Path, registry: Registry
) -> None:
    (tmp_path / "Pulumi.north.yaml").write_text("config:\n  bluegrid:images: {lightgbm: a}\n")
    with pytest.raises(ConfigError) as refused:
        check_images(tmp_path, registry)
    assert str(refused.value) == (
        f"{tmp_path}/Pulumi.north.yaml: bluegrid:images has no scikit-learn, and the region serves "
        "g1 (scikit-learn/skops): pulumi config set --stack north --path bluegrid:images.scikit-learn "
        "REFERENCE@sha256:DIGEST"
    )
