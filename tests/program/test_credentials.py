"""New store credentials get a new Secret, which preflights prove before pods use it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from tests.program.cluster import api_server, kubeconfig
from tests.program.recorder import SECRETS, Plan, run_program, run_update
from tests.program.test_changes import changes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]

NEW = {"storeSecretKey": "rotated"}


def secret_of(plan: Plan) -> str:
    """The name of the one Secret with the store's credentials."""
    (secret,) = (each for each in plan.objects() if each.key.startswith("Secret "))
    name = secret.inputs["metadata"]["name"]
    assert secret.name == name
    return str(name)


def named_by_pods(plan: Plan) -> set[str]:
    """The Secrets that the pods of Jobs and Deployments take their credentials from."""
    found = set()
    for kind in ("Job", "Deployment"):
        for cluster in ("d1", "d2"):
            name = f"line-loading-{cluster}-preflight" if kind == "Job" else f"line-loading-{cluster}"
            spec: Any = plan[f"{kind} {name}"].inputs["spec"]["template"]["spec"]
            found |= {
                each["valueFrom"]["secretKeyRef"]["name"]
                for each in spec["containers"][0]["env"]
                if "valueFrom" in each
            }
    return found


def test_the_first_credentials_are_where_earlier_releases_have_them(registry: Write) -> None:
    first = run_program(registry())
    again = run_update(registry(), last=first.outputs)
    assert secret_of(first) == "bluegrid-store"
    assert named_by_pods(first) == {"bluegrid-store"}
    assert changes(first, again) == []


def test_other_credentials_are_in_another_secret_which_all_pods_are_given(registry: Write) -> None:
    first = run_program(registry())
    second = run_update(registry(), NEW, last=first.outputs)
    name = secret_of(second)
    assert name.startswith("bluegrid-store-")
    assert named_by_pods(second) == {name}
    # Once more, and nothing changes.
    assert changes(second, run_update(registry(), NEW, last=second.outputs)) == []


def test_pods_are_given_other_credentials_once_their_preflight_has_proven_them(registry: Write) -> None:
    second = run_update(registry(), NEW, last=run_program(registry()).outputs)
    assert "Job line-loading-d1-preflight" in second.before("Deployment line-loading-d1")
    # Waited for, without a dependency in the state.
    order = [*second.resources]
    assert order.index(f"Secret {secret_of(second)}") < order.index("Job line-loading-d1-preflight")


def test_back_to_the_first_credentials_is_back_to_the_first_secret(registry: Write) -> None:
    first = run_program(registry())
    second = run_update(registry(), NEW, last=first.outputs)
    assert changes(first, run_update(registry(), last=second.outputs)) == []


def test_each_credential_and_the_ca_count(registry: Write, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("-----BEGIN CERTIFICATE-----")
    last = run_program(registry()).outputs
    changed = ({"storeAccessKey": "other"}, {"storeSecretKey": "other"}, {"storeCaBundle": str(ca)})
    names = {secret_of(run_update(registry(), each, last=last)) for each in changed}
    assert len(names - {"bluegrid-store"}) == len(changed)


def test_nothing_of_the_credentials_can_be_tried_out_on_the_name(registry: Write) -> None:
    last = run_program(registry()).outputs
    one = secret_of(run_update(registry(), NEW, last=last))
    other = secret_of(run_update(registry(), {**NEW, "routeKey": "of another stack"}, last=last))
    assert one != other


@pytest.mark.parametrize("given", [{}, NEW], ids=["the same keys", "other keys"])
def test_the_first_update_by_this_release_knows_what_an_earlier_one_has_made(
    registry: Write, tmp_path: Path, given: dict[str, str]
) -> None:
    keys = {
        "AWS_ACCESS_KEY_ID": SECRETS["storeAccessKey"],
        "AWS_SECRET_ACCESS_KEY": SECRETS["storeSecretKey"],
    }
    data = {name: base64.b64encode(value.encode()).decode() for name, value in keys.items()}
    there = {"/api/v1/namespaces/bluegrid/secrets/bluegrid-store": {"data": data}}
    with api_server(objects=there) as url:
        settings = {"kubeconfig": str(kubeconfig(tmp_path / "config", url, "kind")), **given}
        first = run_update(registry(), settings)
        again = run_update(registry(), settings, last=first.outputs)
    assert named_by_pods(first) == {secret_of(first)}
    assert (secret_of(first) == "bluegrid-store") == (not given)
    assert changes(first, again) == []
    # Back to the keys that were there is back to their Secret.
    assert secret_of(run_update(registry(), last=first.outputs)) == "bluegrid-store"
