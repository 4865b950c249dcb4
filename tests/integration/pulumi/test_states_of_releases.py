"""States of earlier releases: this release's program does not change their resources."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid.project import Urns, WholeServices
from bluegrid_registry import Registry, Sizes
from tests.integration.pulumi.elsewhere import Elsewhere
from tests.integration.pulumi.stacks_of_releases import SETTINGS, STACK, STATES, create, import_state

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pulumi.conftest import Engine, Ran

RELEASES = sorted(path.name for path in STATES.iterdir() if (path / "ingress.json").is_file())


def changed(preview: Ran) -> list[Any]:
    """Return the resources that a preview would change, and how."""
    assert preview.exit_code == 0, preview.stdout + preview.stderr
    steps = preview.json()["steps"]
    assert len(steps) > 20
    return [(each["op"], each["urn"], each.get("diffReasons")) for each in steps if each["op"] != "same"]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", SETTINGS)
def test_a_stack_of_an_earlier_release_stays_as_it_is(engine: Engine, name: str, release: str) -> None:
    create(engine, name)
    import_state(engine, STATES / release / f"{name}.json")
    assert changed(engine.preview(STACK, "--json", "--show-sames")) == []


@pytest.mark.parametrize("release", RELEASES)
def test_so_do_an_earlier_release_s_components_in_another_program(
    engine: Engine, tmp_path: Path, release: str
) -> None:
    del engine.environment["KUBECONFIG"]
    folder = tmp_path / "elsewhere"
    elsewhere = Elsewhere(engine, folder, is_up=False)
    import_state(engine, STATES / release / "components.json", "north", folder)
    assert changed(elsewhere.run("preview", "--json", "--show-sames")) == []


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", SETTINGS)
def test_so_does_each_of_its_services_in_an_update_of_that_service_alone(
    engine: Engine, name: str, release: str
) -> None:
    create(engine, name)
    import_state(engine, STATES / release / f"{name}.json")
    resources = engine.require("stack", "export", "--stack", STACK).json()["deployment"]["resources"]
    settings = SETTINGS[name]
    urns = Urns("bluegrid", STACK, with_gateway="gateway" in settings)
    sizes = Sizes(Decimal(settings.get("sizeFactor", "1")))
    offered = Registry.load(STATES / "registry").offered(settings.get("region", STACK), sizes)
    assert offered
    for service, each in offered.items():
        assert {*urns.of_service(each)} == {*urns.made_for_service(service, resources)}
        update = WholeServices((service,)).update(urns, offered, resources)
        engine.environment |= update.variables
        preview = engine.preview(STACK, "--json", "--show-sames", *update.targets)
        assert changed(preview) == []
