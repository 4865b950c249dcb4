"""The key `accelerate` of a set: what its pods get, and which image they run."""

from __future__ import annotations

import pytest

from bluegrid_registry.registry_files.model_set_schema import DeclaredSet
from bluegrid_registry.registry_files.server_environment import optional_settings
from bluegrid_registry.registry_files.server_images import family_of_set


@pytest.mark.parametrize(
    ("accelerate", "family", "variables"),
    [
        (None, "xgboost", {}),
        ("none", "xgboost", {"BLUEGRID_ACCELERATE": "none"}),
        ("onnx", "accelerated", {"BLUEGRID_ACCELERATE": "onnx"}),
    ],
)
def test_only_sets_that_ask_for_onnx_run_another_image_and_only_the_key_changes_pods(
    accelerate: str | None, family: str, variables: dict[str, str]
) -> None:
    declared = DeclaredSet.model_validate(
        {
            "id": "g1",
            "name": "Line loading",
            "task": "regression",
            "type": "xgboost/ubj",
            "source": "platform",
            "accelerate": accelerate,
        }
    )
    assert family_of_set(declared) == family
    assert optional_settings(declared) == variables
