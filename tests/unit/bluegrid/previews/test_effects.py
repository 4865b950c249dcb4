"""Effects of a plan beside those on services: changes have words, and changes without words are counted."""

from __future__ import annotations

from typing import Any

from tests.unit.bluegrid.previews.effects import changed, report
from tests.unit.bluegrid.previews.stacks import (
    NEW_IMAGE,
    Stack,
    cluster,
    http_route,
    live_route,
    plan_between,
    quota,
    stack,
    with_spec,
)


def test_a_plan_that_changes_nothing_says_so() -> None:
    assert changed(stack()) == ["| | nothing changes; services: 1 |"]


def test_an_image_of_all_clusters_is_one_of_the_stack() -> None:
    assert changed(stack(image=NEW_IMAGE)) == [
        "| | **image** of the whole stack: sha256:111111111111 → sha256:222222222222"
        "<br>preflights run again, then every pod is replaced, one by one |"
    ]


def test_an_image_of_one_cluster_is_told_at_its_service() -> None:
    assert changed(stack() | cluster(2, image="other/server:3")) == [
        "| line-loading | image of d2: registry.example/model-server@sha256:111111111111 → other/server:3"
        "<br>pods of d2 are replaced one by one, after a preflight |"
    ]


def test_a_digest_that_changes_under_the_id_of_a_live_version_is_a_risk() -> None:
    manifest = "sha256:" + "9" * 64
    assert changed(stack() | cluster(1, manifest=manifest)) == [
        " · line-loading**: d1 is live, and its version v1 gets another manifest, sha256:111111111111 → "
        "sha256:999999999999: clients get other models under its name; give them a version of their own, and "
        "switch",
        "| line-loading | **d1 gets another v1** (manifest sha256:111111111111 → sha256:999999999999): a "
        "rolling update of its pods<br>d2 stays warm |",
    ]
    standby = changed(stack() | cluster(2, manifest=manifest))
    assert not any("is live" in line for line in standby)
    assert "**d2 gets another v2**" in standby[0]


def test_a_setting_of_the_pods_is_told_with_both_values() -> None:
    assert changed(stack() | cluster(1, BLUEGRID_TIME_LIMIT="60", BLUEGRID_TRUST="x|y")) == [
        "| line-loading | settings of d1: BLUEGRID_TIME_LIMIT 30 → 60, BLUEGRID_TRUST none → x\\|y"
        "<br>pods of d1 are replaced one by one, after a preflight |"
    ]


def test_another_store_is_told_once() -> None:
    assert changed(stack(BLUEGRID_STORE="s3://others"))[0].startswith(
        "| | **store** of the whole stack: s3://models → s3://others<br>"
    )


def test_another_set_is_told_and_a_risk() -> None:
    after = stack(set_id="g2") | {"Ingress line-loading": live_route("line-loading-d1", set_id="g2")}
    assert changed(after) == [
        " · line-loading**: its URL answers with models of set g2 instead of g1; give another set a service "
        "of its own",
        "| | preflights run again, then every pod is replaced, one by one |",
        "| line-loading | **serves set g2 instead of g1**<br>d2 stays warm |",
    ]


def test_a_host_that_changes_takes_the_url_away() -> None:
    before = stack() | {"Ingress line-loading": live_route("line-loading-d1", host="a.example")}
    after = stack() | {"Ingress line-loading": live_route("line-loading-d1", host="b.example", tls="b")}
    assert report(plan_between(before, after)) == [
        " · line-loading**: its URL goes: clients of a.example get 404 from then on; move them to "
        "b.example first",
        "| line-loading | **host** a.example → b.example<br>**certificate** none → b |",
    ]
    assert report(plan_between(after, before))[1] == (
        " · line-loading**: its certificate goes: clients that use https are refused from then on"
    )
    assert changed(before)[0] == (
        " · line-loading**: its URL goes for every host but a.example: clients of others get 404"
    )
    assert report(plan_between(before, stack())) == ["| line-loading | **host** a.example → any host |"]


def test_a_gateway_in_the_place_of_an_ingress_class_is_one_sentence() -> None:
    kept = {name: inputs for name, inputs in stack().items() if not name.startswith("Ingress")}
    routes = {
        "HTTPRoute line-loading": http_route("line-loading", "line-loading-d1"),
        **{
            f"HTTPRoute line-loading-{each}": http_route(f"line-loading-{each}", cluster=each)
            for each in ("d1", "d2")
        },
    }
    assert changed(kept | routes) == [
        " · line-loading**: Gateway infra/public answers for its URL instead of Ingress class contour; see "
        "that DNS leads there first",
        "| line-loading | **route** by Gateway infra/public instead of Ingress class contour |",
    ]


def test_a_wrong_ingress_class_is_told() -> None:
    after = stack() | {"Ingress line-loading": live_route("line-loading-d1", ingress_class="nginx")}
    for name in ("Ingress line-loading-d1", "Ingress line-loading-d2"):
        after[name] = with_spec(after[name], ingressClassName="nginx")
    assert (
        changed(after)[-1]
        == "| line-loading | **route** by Ingress class nginx instead of Ingress class contour |"
    )


def test_a_secret_that_changes_is_told_though_nobody_sees_it() -> None:
    risk, row = changed(stack(), touched=(("Secret bluegrid-store", 'stringData["AWS_SECRET_ACCESS_KEY"]'),))
    assert risk.startswith(
        "**: credentials in Secret bluegrid-store change: pods read them when they start next"
    )
    assert row == "| | **credentials** change: Secret bluegrid-store |"


def account(name: str) -> Stack:
    """Return a stack whose pods get the store's keys from the Secret with this name."""
    resources = {key: inputs for key, inputs in stack().items() if not key.startswith("Secret")}
    resources[f"Secret {name}"] = {"metadata": {"name": name, "namespace": "bluegrid"}}
    key = {"name": "AWS_ACCESS_KEY_ID", "valueFrom": {"secretKeyRef": {"name": name, "key": "key"}}}
    for workload in ("Deployment line-loading-d{}", "Job line-loading-d{}-preflight"):
        for inputs in (resources[workload.format(number)] for number in (1, 2)):
            (container,) = inputs["spec"]["template"]["spec"]["containers"]
            container["env"].append(key)
    return resources


def test_credentials_in_a_secret_of_another_name_are_proven_and_no_risk() -> None:
    assert report(plan_between(account("bluegrid-store"), account("bluegrid-store-2"))) == [
        "| | **credentials** by Secret bluegrid-store → bluegrid-store-2"
        "<br>preflights run again, then every pod is replaced, one by one |"
    ]


def test_an_identity_of_the_pods_is_told() -> None:
    before, after = (
        stack() | {"ServiceAccount server": {"metadata": {"name": "server", "annotations": annotations}}}
        for annotations in ({}, {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/models"})
    )
    assert report(plan_between(before, after)) == [
        "| | **identity** of the pods: eks.amazonaws.com/role-arn none → arn:aws:iam::1:role/models |"
    ]


def test_annotations_of_routes_are_told_but_for_pulumi_s_own() -> None:
    def annotated(**annotations: str) -> Stack:
        resources = stack()
        for name in [name for name in resources if name.startswith("Ingress")]:
            metadata = resources[name]["metadata"] | {"annotations": annotations}
            resources[name] = resources[name] | {"metadata": metadata}
        return resources

    before, after = annotated(timeout="30s"), annotated(timeout="90s", retries="2")
    assert report(plan_between(before, after)) == [
        "| line-loading | annotation of its route: retries none → 2<br>"
        "annotation of its route: timeout 30s → 90s |"
    ]
    own = annotated(timeout="30s", **{"pulumi.com/skipAwait": "true"})
    (row,) = report(plan_between(before, own))
    assert row.startswith("| | other changes: 3 update (Ingress line-loading, ")


def test_pods_that_change_without_their_preflight_are_told_so() -> None:
    after = stack()
    for name in ("Deployment line-loading-d1", "Deployment line-loading-d2"):
        template = after[name]["spec"]["template"]
        metadata = template["metadata"] | {"annotations": {"team": "grid"}}
        after[name] = with_spec(after[name], template=template | {"metadata": metadata})
    assert changed(after) == [
        "| | **other properties of pods** of the whole stack: metadata.annotations none → "
        '{"team": "grid"}<br>every pod is replaced, one by one |'
    ]
    after["Deployment line-loading-d1"] = stack()["Deployment line-loading-d1"]
    assert changed(after)[0].endswith("<br>pods of d2 are replaced one by one |")


def test_another_namespace_is_told_with_all_that_is_made_again() -> None:
    moved = stack(namespace="acme") | {"Namespace platform": {"metadata": {"name": "acme"}}}
    for name in ("Secret bluegrid-store", "Ingress line-loading"):
        moved[name] = moved[name] | {"metadata": moved[name]["metadata"] | {"namespace": "acme"}}
    everything = tuple(name for name in moved if not name.startswith("Provider"))
    risk, row = changed(moved, replaced=everything)
    assert risk.startswith("**: namespace bluegrid → acme: Secrets and quotas that others have made")
    assert row == (
        "| | **replace** namespace bluegrid → acme: 11 resources are made there, and deleted here |"
    )


def test_another_kube_context_is_told() -> None:
    after = stack() | {"Provider kubernetes": {"context": "nroth", "version": "4.24.1"}}
    risk, row = changed(after)
    assert risk.startswith(
        "**: kube context north → nroth: if that is another cluster, nothing is made there"
    )
    assert row == "| | **kube context north → nroth** |"


def test_another_release_of_the_provider_is_told_and_no_risk() -> None:
    after = stack() | {"Provider kubernetes": {"context": "north", "version": "5.0.0"}}
    assert changed(after) == ["| | provider kubernetes: version 4.24.1 → 5.0.0 |"]


def test_a_quota_is_told_when_it_comes_changes_and_goes() -> None:
    small, large = ({"ResourceQuota platform": quota(pods=pods)} for pods in ("5", "8"))
    assert changed(stack() | small) == ["| | create quota: pods 5 |"]
    assert report(plan_between(stack() | small, stack() | large)) == ["| | quota: pods 5 → 8 |"]
    assert report(plan_between(stack() | large, stack())) == ["| | delete quota: pods 8 |"]


def test_a_new_stack_is_told_with_its_namespace_and_its_access() -> None:
    assert report(plan_between({}, stack())) == [
        "| | **create** the stack's access by kube context north"
        "<br>**create** namespace bluegrid with what its pods need there |",
        "| line-loading | **create** the service; live is d1 (v1)<br>create d2 (v2), 1 pod |",
    ]


def test_a_deployment_that_is_replaced_is_a_risk_for_its_service() -> None:
    risk, row = changed(stack() | cluster(1, replicas=3), replaced=("Deployment line-loading-d1",))[:2]
    assert risk == (
        " · line-loading**: Deployment line-loading-d1 is replaced, not updated: as long as its name stays, "
        "Pulumi deletes it first"
    )
    assert row == "| | **replace** Deployment line-loading-d1 (spec.replicas): it is deleted and made again |"


def test_a_preflight_that_failed_runs_again() -> None:
    again = changed(stack(), replaced=("Job line-loading-d2-preflight",))
    assert again == ["| line-loading | preflight of d2 runs again |"]


def autoscaler(cluster: int, least: int, **annotations: str) -> dict[str, Any]:
    inputs: dict[str, Any] = stack()[f"Deployment line-loading-d{cluster}"]
    metric = {"resource": {"name": "cpu", "target": {"averageUtilization": 70}}}
    metadata = inputs["metadata"] | {"annotations": annotations}
    return {
        "metadata": metadata,
        "spec": {"minReplicas": least, "maxReplicas": 9, "metrics": [metric]},
    }


def test_an_autoscaler_that_keeps_more_pods_for_a_switch_has_words_and_so_has_its_end() -> None:
    name = "HorizontalPodAutoscaler line-loading-d2"
    before = stack() | {name: autoscaler(2, 2)}
    after = stack() | {
        "Ingress line-loading": live_route("line-loading-d2"),
        name: autoscaler(2, 8, **{"bluegrid.io/declared-min": "2"}),
    }
    (row,) = report(plan_between(before, after))
    assert "**switch** d1 (v1) → d2 (v2)<br>bring d2 to 8 pods before requests come to it" in row
    (row,) = report(plan_between(after, after | {name: autoscaler(2, 2)}))
    assert "leave the pods of d2 to its autoscaler again, 2..9 pods at 70 % CPU" in row
