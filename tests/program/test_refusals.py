"""Refusals of the program: each is one line with the fault and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pytest

from tests.program.recorder import run_program, run_update

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"store": "file:///models"},
            "bluegrid:store: 'file:///models' is not s3://bucket/prefix?endpoint=URL&region=NAME: "
            "pulumi config set --stack demo bluegrid:store VALUE",
        ),
        (
            {"requestFactor": "2"},
            "bluegrid:requestFactor: '2' is not a number above 0 and at most 1: "
            "pulumi config set --stack demo bluegrid:requestFactor VALUE",
        ),
        (
            {"routeAddress": "10.77.0.2"},
            "bluegrid:routeAddress: '10.77.0.2' is not http://ADDRESS, without a path: "
            "pulumi config set --stack demo bluegrid:routeAddress VALUE",
        ),
        (
            {"kubeconfig": "/nowhere"},
            "bluegrid:kubeconfig: /nowhere is not a file: pulumi config set "
            "--stack demo bluegrid:kubeconfig VALUE",
        ),
        (
            {"pods": "[1,"},
            "bluegrid:pods: '[1,' is not a mapping, as JSON or YAML: "
            "pulumi config set --stack demo --path bluegrid:pods.KEY VALUE",
        ),
        (
            {"images": "7"},
            "bluegrid:images: 7 is not a mapping, as JSON or YAML: "
            "pulumi config set --stack demo --path bluegrid:images.KEY VALUE",
        ),
        (
            {"quotaMemory": "16 GB"},
            "bluegrid:quotaMemory: '16 GB' is not a Kubernetes quantity, such as 16Gi: "
            "pulumi config set --stack demo bluegrid:quotaMemory VALUE",
        ),
        (
            {"quotaPods": "many"},
            "bluegrid:quotaPods: 'many' is not a number above 0: pulumi config set "
            "--stack demo bluegrid:quotaPods VALUE",
        ),
        (
            {"storeCaBundle": "/nowhere/ca.pem"},
            "bluegrid:storeCaBundle: /nowhere/ca.pem is not a file: "
            "pulumi config set --stack demo bluegrid:storeCaBundle VALUE",
        ),
        (
            {"tlsSecret": "models-tls"},
            "bluegrid:tlsSecret: a certificate needs a host name; set bluegrid:host too: "
            "pulumi config set --stack demo bluegrid:tlsSecret VALUE",
        ),
        (
            {"sizeFactor": "0"},
            "bluegrid:sizeFactor: '0' is not a number above 0 and at most 100: "
            "pulumi config set --stack demo bluegrid:sizeFactor VALUE",
        ),
        (
            {"replicas": '{"line-loading-d1": -1}'},
            "bluegrid:replicas.line-loading-d1: -1 is not a number of pods: "
            "pulumi config set --stack demo --path bluegrid:replicas.line-loading-d1 VALUE",
        ),
        (
            {"pods": '{"nodeselector": {}}'},
            "bluegrid:pods.nodeselector is no setting of pods; known: nodeSelector, tolerations, "
            "priorityClassName, imagePullSecrets, labels, annotations, runAsUser: "
            "pulumi config rm --stack demo --path bluegrid:pods.nodeselector",
        ),
        (
            {"pods": '{"tolerations": [{"effect": "Never"}]}'},
            "bluegrid:pods.tolerations[0].effect: Input should be 'NoSchedule', 'PreferNoSchedule' or "
            "'NoExecute': pulumi config set --stack demo --path 'bluegrid:pods.tolerations[0].effect' VALUE",
        ),
        (
            {"pods": '{"runAsUser": 0}'},
            "bluegrid:pods.runAsUser: 0 is neither a number above 0 nor namespace: "
            "pulumi config set --stack demo --path bluegrid:pods.runAsUser VALUE",
        ),
        (
            {"pods": '{"labels": {"bluegrid.io/cluster": "d9"}}'},
            'bluegrid:pods.labels["bluegrid.io/cluster"]: the program finds its pods by this label: '
            "pulumi config rm --stack demo --path 'bluegrid:pods.labels[\"bluegrid.io/cluster\"]'",
        ),
        (
            {"routeAnnotations": '{"pulumi.com/skipAwait": "false"}'},
            'bluegrid:routeAnnotations["pulumi.com/skipAwait"]: annotations of pulumi.com are the program\'s '
            "own: pulumi config rm --stack demo --path 'bluegrid:routeAnnotations[\"pulumi.com/skipAwait\"]'",
        ),
        (
            {"serviceAccountAnnotations": '{"role arn": "x"}'},
            "bluegrid:serviceAccountAnnotations[\"role arn\"]: 'role arn' is not a key such as "
            "example.com/name: pulumi config rm "
            "--stack demo --path 'bluegrid:serviceAccountAnnotations[\"role arn\"]'",
        ),
        (
            {"routeAnnotations": '{"example.com/list": [1]}'},
            'bluegrid:routeAnnotations["example.com/list"]: Input should be a valid string: pulumi config '
            "set --stack demo --path 'bluegrid:routeAnnotations[\"example.com/list\"]' VALUE",
        ),
        (
            {"pods": '{"labels": {"team": "a b"}}'},
            "bluegrid:pods.labels.team: 'a b' is not a label's value: at most 63 letters, digits, '-', '_' "
            "and '.': pulumi config set --stack demo --path bluegrid:pods.labels.team VALUE",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_setting_that_makes_no_sense(registry: Write, changed: dict[str, str], message: str) -> None:
    with pytest.raises(pulumi.RunError) as refusal:
        run_program(registry(), **changed)
    assert str(refusal.value) == message


@pytest.mark.parametrize("missing", ["storeAccessKey", "storeSecretKey"])
def test_half_an_account_of_the_store(registry: Write, missing: str) -> None:
    (there,) = {"storeAccessKey", "storeSecretKey"} - {missing}
    with pytest.raises(pulumi.RunError) as refusal:
        run_program(registry(), **{missing: ""})
    assert str(refusal.value) == (
        f"bluegrid:{missing} is not set, and bluegrid:{there} is set; set both, or neither where pods have "
        f"an identity of their own: pulumi config set --stack demo --secret bluegrid:{missing} VALUE"
    )


def test_a_secret_that_is_not_encrypted_is_refused_and_not_repeated(registry: Write) -> None:
    with pytest.raises(pulumi.RunError) as refusal:
        run_update(registry(), in_clear=["storeSecretKey"])
    assert str(refusal.value) == (
        "bluegrid:storeSecretKey is a secret and not encrypted: "
        "pulumi config set --stack demo --secret bluegrid:storeSecretKey VALUE"
    )


def test_a_misspelt_setting_is_named_with_those_that_exist(registry: Write) -> None:
    with pytest.raises(pulumi.RunError) as refusal:
        run_program(registry(), readyTimeOut="60")
    assert str(refusal.value).startswith(
        "bluegrid:readyTimeOut is no key of this project; known: registry, region, "
    )
    assert str(refusal.value).endswith(": pulumi config rm --stack demo bluegrid:readyTimeOut")


def test_all_mistakes_are_told_at_once(registry: Write) -> None:
    with pytest.raises(pulumi.RunError) as refusal:
        run_program(registry(), requestFactor="0", readyTimeout="0", namespace="No Name")
    assert len(str(refusal.value).splitlines()) == 3


def test_a_registry_with_mistakes_plans_nothing(registry: Write) -> None:
    folder = registry(live="d3")
    with pytest.raises(pulumi.RunError) as refusal:
        run_program(folder)
    assert str(refusal.value) == (
        f"{folder}/g1.yaml:7: service.live: d3 is not a cluster of line-loading; declared: d1, d2"
    )


def test_a_registry_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(pulumi.RunError, match="no such folder"):
        run_program(tmp_path / "nowhere")


ONLINE = {"urls": {"line-loading": "http://10.77.0.2/modelService/line-loading"}}


def test_a_folder_without_registry_files_is_refused_where_services_run(tmp_path: Path) -> None:
    (tmp_path / "README.md").touch()
    with pytest.raises(pulumi.RunError) as refusal:
        run_update(tmp_path, last=ONLINE)
    assert str(refusal.value) == (
        f"bluegrid:registry: {tmp_path} has no registry files, and line-loading would be deleted; name "
        "the folder of the <set>.yaml files: pulumi config set "
        "--stack demo bluegrid:registry FOLDER; to take all down, "
        "with the files as they were: pulumi destroy --run-program"
    )


def test_a_new_stack_may_begin_without_registry_files(tmp_path: Path) -> None:
    assert "Namespace platform" in run_program(tmp_path).resources
