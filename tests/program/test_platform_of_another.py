"""A stack with the platform of another one makes nothing of it, and is refused where it would not fit."""

from __future__ import annotations

import base64
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from bluegrid_components.checks.platform_of_another import _as_in_kubernetes
from bluegrid_components.pods import network_policy
from tests.program.cluster import api_server, kubeconfig
from tests.program.recorder import ENGINE, SECRETS, SETTINGS, Plan, run_program, run_update
from tests.program.test_changes import differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Write = Callable[..., Path]

USES = {"platform": "north", "namespace": "grid"}
NAMED = "  regions: [demo]"
KEYS = {"AWS_ACCESS_KEY_ID": SECRETS["storeAccessKey"], "AWS_SECRET_ACCESS_KEY": SECRETS["storeSecretKey"]}
POLICY = "/apis/networking.k8s.io/v1/namespaces/grid/networkpolicies/bluegrid"
SECRET = "/api/v1/namespaces/grid/secrets/bluegrid-store"
ACCOUNTS = "/api/v1/namespaces/grid/serviceaccounts"
URL = "http://10.77.0.2/modelService/line-loading"


def objects(keys: Mapping[str, str] = KEYS, store: str = SETTINGS["store"]) -> dict[str, object]:
    """Return the platform's objects, by path."""
    policy = _as_in_kubernetes(network_policy.policy(store))
    data = {key: base64.b64encode(value.encode()).decode() for key, value in keys.items()}
    return {POLICY: {"spec": policy}, SECRET: {"data": data}, ACCOUNTS: {"items": []}}


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Makes the platform of `north` be there, in the namespace that the stacks deploy to."""

    @contextmanager
    def serve(missing: tuple[str, ...] = ("bluegrid-store-",), **of: Any) -> Iterator[None]:
        folder = tmp_path / "kube"
        folder.mkdir(exist_ok=True)
        with api_server(missing=missing, objects=objects(**of)) as server:
            monkeypatch.setenv("KUBECONFIG", str(kubeconfig(folder / "config", server, "kind")))
            yield

    return serve


def refusal(folder: Path, **changed: str) -> str:
    with pytest.raises(pulumi.RunError) as refused:
        run_update(folder, USES | changed)
    return str(refused.value)


def of_services(plan: Plan) -> dict[str, Mapping[str, Any]]:
    return {key: each.inputs for key, each in plan.resources.items() if "line-loading" in each.name}


def test_it_makes_a_mark_and_the_same_services(registry: Write, there: Callable[..., Any]) -> None:
    folder = registry(more=NAMED)
    own = run_program(folder, namespace="grid")
    with there():
        plan = run_update(folder, USES)
    assert of_services(plan).keys() == of_services(own).keys()
    assert [*differences(of_services(own), of_services(plan))] == []
    others = sorted(plan.resources.keys() - of_services(plan).keys())
    assert others == [
        "ServiceAccount bluegrid-stack-demo",
        "SharedPlatform platform",
        "kubernetes kubernetes",
    ]
    mark = plan["ServiceAccount bluegrid-stack-demo"].inputs
    assert mark["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "bluegrid",
        "bluegrid.io/stack": "demo",
    }
    assert mark["automountServiceAccountToken"] is False
    # The mark goes last.
    assert all(
        "ServiceAccount bluegrid-stack-demo" in plan.before(key)
        for key in of_services(plan)
        if " " in key and not key.startswith(("Model", "Route"))
    )


def test_it_has_only_services_that_name_it(registry: Write, there: Callable[..., Any]) -> None:
    with there():
        plan = run_update(registry(), USES)
    assert of_services(plan) == {}


def test_an_update_is_refused_before_there_is_a_platform(
    registry: Write, there: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, ENGINE.name)
    folder = registry(more=NAMED)
    with there(missing=("networkpolicies", "bluegrid-store")):
        assert refusal(folder) == (
            "bluegrid:platform: namespace grid has no platform of stack north: `pulumi up --stack north` "
            "makes it; if it is in another namespace, set bluegrid:namespace as there"
        )
        plan = run_update(folder, USES, preview=True)
    assert "Deployment line-loading-d1" in plan.resources
    assert any("has no platform of stack north" in each for each in caplog.messages)


def test_another_store_is_refused(registry: Write, there: Callable[..., Any]) -> None:
    with there():
        text = refusal(registry(more=NAMED), store="s3://models?endpoint=https://10.0.0.2")
    assert text.startswith(
        "bluegrid:store: s3://models?endpoint=https://10.0.0.2: the network policy of namespace"
    )
    assert text.endswith("update that first: pulumi up --stack north")


@pytest.mark.parametrize("key", ["storeSecretKey", "storeAccessKey"])
def test_other_keys_are_refused(registry: Write, there: Callable[..., Any], key: str) -> None:
    with there():
        text = refusal(registry(more=NAMED), **{key: "another"})
    assert "namespace grid has no Secret with these keys" in text
    assert "pulumi config cp bluegrid:storeAccessKey --stack north --dest demo" in text


def test_keys_that_were_renewed_are_in_the_secret_of_the_platform(
    registry: Write, there: Callable[..., Any]
) -> None:
    folder = registry(more=NAMED)
    with there(missing=(), keys=dict.fromkeys(KEYS, "old")):
        plan = run_update(folder, USES)
    env = plan["Deployment line-loading-d1"].inputs["spec"]["template"]["spec"]["containers"][0]["env"]
    names = {each["valueFrom"]["secretKeyRef"]["name"] for each in env if "valueFrom" in each}
    (name,) = names
    assert name.startswith("bluegrid-store-")
    # Where it cannot be read again, the name holds.
    with there(missing=("networkpolicies", "bluegrid-store")):
        again = run_update(folder, USES, last=plan.outputs, preview=True)
    assert [*differences(of_services(plan), of_services(again))] == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("quotaCpu", "8"),
        ("quotaMemory", "8Gi"),
        ("quotaPods", "8"),
        ("proxyNamespace", "contour"),
        ("serviceAccountAnnotations", '{"eks.amazonaws.com/role-arn": "r"}'),
    ],
)
def test_settings_of_the_platform_are_those_of_its_stack(registry: Write, key: str, value: str) -> None:
    assert refusal(registry(), **{key: value}) == (
        f"bluegrid:{key}: the platform is that of stack north, whose settings say this: pulumi config rm "
        f"--stack demo bluegrid:{key}"
    )


def test_a_stack_does_not_use_its_own_platform(registry: Write) -> None:
    assert refusal(registry(), platform="demo").startswith("bluegrid:platform: demo is this stack; ")


def test_a_stack_that_has_made_a_platform_keeps_it(registry: Write, there: Callable[..., Any]) -> None:
    folder = registry(more=NAMED)
    with there(), pytest.raises(pulumi.RunError) as refused:
        run_update(folder, USES, made=["bluegrid:serving:Platform::platform"])
    assert str(refused.value).startswith("bluegrid:platform: stack demo has made namespace grid itself")


SERVICE = "bluegrid:serving:ModelService::"


def test_a_service_that_has_left_by_the_states_is_not_missed(
    registry: Write, there: Callable[..., Any]
) -> None:
    folder = registry(more=NAMED)
    last = {"urls": {"line-loading": URL, "line-load": URL}}
    with there():
        plan = run_update(folder, USES, last=last, made=[f"{SERVICE}line-loading"])
    assert plan.outputs["urls"] == {"line-loading": URL}


def test_a_service_that_has_come_by_the_states_is_not_deleted(
    registry: Write, there: Callable[..., Any]
) -> None:
    folder = registry(more="  regions: [north]")
    with there(), pytest.raises(pulumi.RunError) as refused:
        run_update(folder, USES, made=[f"{SERVICE}line-loading"])
    assert "line-loading is live and would be deleted" in str(refused.value)
    assert "move it to the stack that declares it: bluegrid stack move line-loading" in str(refused.value)


def test_only_where_there_are_other_stacks_a_new_service_is_looked_for(
    registry: Write, there: Callable[..., Any]
) -> None:
    folder = registry(more=NAMED)
    assert "before_create" not in run_program(folder)["ModelService line-loading"].hooks
    with there():
        user = run_update(folder, USES)
    assert user["ModelService line-loading"].hooks["before_create"] == ("bluegrid-own-service",)
