"""Pod settings of a stack: node placement, user, labels, annotations, access to the store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.program.objects import container_of, pod_of
from tests.program.recorder import run_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]

PODS = {
    "nodeSelector": {"pool": "models"},
    "tolerations": [{"key": "models", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}],
    "priorityClassName": "serving",
    "imagePullSecrets": ["registry"],
    "labels": {"team": "grid"},
    # As `pulumi config set --path` writes what looks like a boolean.
    "annotations": {"example.com/scrape": True},
    "runAsUser": 1500,
}
BOTH = ("Deployment line-loading-d1", "Job line-loading-d1-preflight")
WITHOUT_KEYS = {"storeAccessKey": "", "storeSecretKey": ""}
ROLE = {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/models"}


def test_pods_run_where_and_as_whom_the_stack_says(registry: Write) -> None:
    plan = run_program(registry(), pods=json.dumps(PODS))
    for key in BOTH:
        pod = pod_of(plan, key)
        assert pod["nodeSelector"] == {"pool": "models"}
        assert pod["tolerations"] == PODS["tolerations"]
        assert pod["priorityClassName"] == "serving"
        assert pod["imagePullSecrets"] == [{"name": "registry"}]
        context = pod["securityContext"]
        assert [context[name] for name in ("runAsUser", "runAsGroup", "fsGroup")] == [1500] * 3


def test_pods_are_marked_as_the_stack_says_and_keep_the_programs_own_labels(registry: Write) -> None:
    folder = registry()
    plain, plan = run_program(folder), run_program(folder, pods=json.dumps(PODS))
    for key in BOTH:
        own, marked = (each[key].inputs["spec"]["template"]["metadata"] for each in (plain, plan))
        assert marked["labels"] == own["labels"] | {"team": "grid"}
        assert marked["annotations"] == own.get("annotations", {}) | {"example.com/scrape": "true"}
    # A cluster's selectors never change.
    assert plan[BOTH[0]].inputs["spec"]["selector"] == plain[BOTH[0]].inputs["spec"]["selector"]


def test_what_marks_the_pods_of_a_job_is_no_reason_to_replace_it(registry: Write) -> None:
    plan = run_program(registry(), pods=json.dumps(PODS))
    assert plan["Job line-loading-d1-preflight"].ignored == {
        "spec.template.metadata.annotations",
        'spec.template.metadata.labels["team"]',
        'spec.template.metadata.labels["sidecar.istio.io/inject"]',
    }
    assert plan["Deployment line-loading-d1"].ignored == frozenset()


def test_no_sidecar_keeps_a_job_from_ending_whatever_the_stack_says_of_its_pods(registry: Write) -> None:
    meshed = (
        '{"labels": {"sidecar.istio.io/inject": "true"}, "annotations": {"linkerd.io/inject": "enabled"}}'
    )
    for plan in (run_program(registry()), run_program(registry(), pods=meshed)):
        template = plan["Job line-loading-d1-preflight"].inputs["spec"]["template"]["metadata"]
        assert template["labels"]["sidecar.istio.io/inject"] == "false"
        assert template["annotations"]["linkerd.io/inject"] == "disabled"
    serving = plan["Deployment line-loading-d1"].inputs["spec"]["template"]["metadata"]
    assert serving["labels"]["sidecar.istio.io/inject"] == "true"
    assert serving["annotations"] == {"linkerd.io/inject": "enabled"}


def test_a_namespace_may_give_pods_their_user(registry: Write) -> None:
    plan = run_program(registry(), pods='{"runAsUser": "namespace"}')
    for key in BOTH:
        assert pod_of(plan, key)["securityContext"] == {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        }


def test_a_stack_that_says_nothing_of_pods_has_them_as_before(registry: Write) -> None:
    spec = pod_of(run_program(registry()), "Deployment line-loading-d1")
    assert not spec.keys() & {"nodeSelector", "tolerations", "priorityClassName", "imagePullSecrets"}
    template = run_program(registry())["Deployment line-loading-d1"].inputs["spec"]["template"]
    assert template["metadata"].keys() == {"labels"}


def test_pods_with_an_identity_of_their_own_have_no_keys(registry: Write) -> None:
    folder = registry()
    with_keys = run_program(folder)
    plan = run_program(folder, serviceAccountAnnotations=json.dumps(ROLE), **WITHOUT_KEYS)
    account = plan["ServiceAccount bluegrid-server"].inputs
    assert account["metadata"]["annotations"] == ROLE
    # It is a token of its own that the identity comes by, and not that of Kubernetes' API.
    assert account["automountServiceAccountToken"] is False
    assert with_keys.resources.keys() - plan.resources.keys() == {"Secret bluegrid-store"}
    for key in BOTH:
        assert not [each for each in container_of(plan, key)["env"] if each["name"].startswith("AWS_")]
        assert "valueFrom" not in repr(container_of(plan, key))
    assert "annotations" not in with_keys["ServiceAccount bluegrid-server"].inputs["metadata"]


def test_pods_with_an_identity_may_ask_for_its_credentials(registry: Write) -> None:
    folder = registry()
    before, after = (
        plan["NetworkPolicy platform"].inputs["spec"]["egress"]
        for plan in (run_program(folder), run_program(folder, **WITHOUT_KEYS))
    )
    https = {"ports": [{"protocol": "TCP", "port": 443}]}
    assert (https in before, https in after) == (False, True)


def test_without_keys_the_stores_ca_is_all_that_the_secret_has(registry: Write, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\n")
    plan = run_program(registry(), storeCaBundle=str(bundle), **WITHOUT_KEYS)
    assert plan["Secret bluegrid-store"].inputs["stringData"] == {"ca.pem": bundle.read_text()}
    container = container_of(plan, "Deployment line-loading-d1")
    names = [each["name"] for each in container["env"] if each["name"].startswith("AWS_")]
    assert names == ["AWS_CA_BUNDLE"]
