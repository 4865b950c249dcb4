"""What a local server is told: the names and settings of the set, as a pod is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bluegrid.local import LocalVersion, service_name
from bluegrid_registry import DeclaredSet, ModelType, Source, Version

VERSION = Version(id="v1", manifest="sha256:" + "1" * 64, updated=datetime(2026, 11, 29, tzinfo=UTC))


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("models", "models"),
        ("Line loading_2", "line-loading-2"),
        ("2026-winter", "models-2026-winter"),
        ("线路", "models"),
        ("x" * 70, "x" * 50),
        ("a" * 49 + "-b", "a" * 49),
    ],
    ids=["as it is", "spaces", "digit first", "no letter of ASCII", "long", "cut at a hyphen"],
)
def test_the_name_of_a_service_is_made_from_the_name_of_a_folder_or_set(name: str, service: str) -> None:
    assert service_name(name) == service


def test_the_environment_has_the_settings_of_the_set() -> None:
    declared = DeclaredSet(
        id="g1",
        name="Lines",
        task="regression",
        type=ModelType.parse("scikit-learn/skops"),
        source=Source.USER,
        outputs=("probability",),
        trust=("own.Scaler",),
    )
    assert LocalVersion("file:///srv/store", declared, VERSION, "lines").environment == {
        "BLUEGRID_STORE": "file:///srv/store",
        "BLUEGRID_SET": "g1",
        "BLUEGRID_VERSION": "v1",
        "BLUEGRID_MANIFEST": VERSION.manifest,
        "BLUEGRID_TYPE": "scikit-learn/skops",
        "BLUEGRID_SERVICE": "lines",
        "BLUEGRID_CLUSTER": "local",
        "BLUEGRID_OUTPUTS": '["probability"]',
        "BLUEGRID_TRUST": '["own.Scaler"]',
        "BLUEGRID_SOURCE": "user",
    }
