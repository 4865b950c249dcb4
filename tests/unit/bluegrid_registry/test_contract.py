"""Names of objects in Kubernetes."""

from __future__ import annotations

import hashlib
import hmac

from bluegrid_registry import contract


def test_a_short_preflight_name_says_it_all() -> None:
    assert contract.preflight_name("line-loading", "d1") == "line-loading-d1-preflight"


def test_a_long_preflight_name_is_cut_and_still_its_own() -> None:
    names = {contract.preflight_name("s" * 58, cluster) for cluster in ("d1", "d2", "d3")}
    assert len(names) == 3
    for name in names:
        assert len(name) <= 63
        assert name.endswith("-preflight")


def test_the_longest_name_that_fits_is_not_cut() -> None:
    service = "s" * (63 - len("-d1-preflight"))
    assert contract.preflight_name(service, "d1") == f"{service}-d1-preflight"
    assert "-d1-" not in contract.preflight_name(service + "s", "d1")


def test_a_standing_host_is_a_hash_with_the_stacks_key() -> None:
    digest = hmac.new(b"key", b"line-loading-d1", hashlib.sha256).hexdigest()
    host = contract.standing_host("key", "line-loading", "d1", "standing.invalid")
    assert host == f"{digest[:40]}.standing.invalid"


def test_a_switch_changes_no_label_of_the_live_route() -> None:
    labels = contract.service_labels("line-loading", "g1")
    assert not {"app", "bluegrid.io/cluster", "bluegrid.io/version"} & labels.keys()
