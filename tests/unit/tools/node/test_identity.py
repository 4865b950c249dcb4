from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from tools.node.errors import NodeError
from tools.node.identity import POOL, Identity, pick_link


def test_a_node_has_the_same_names_at_every_start() -> None:
    assert Identity.of(Path("/a/.bluegrid/node")) == Identity.of(Path("/a/.bluegrid/../.bluegrid/node"))


def test_two_checkouts_share_no_name_and_no_address() -> None:
    first, second = Identity.of(Path("/a/.bluegrid/node")), Identity.of(Path("/b/.bluegrid/node"))

    assert first.interface != second.interface
    assert first.cgroup != second.cgroup
    assert first.context != second.context
    assert pick_link(first, []) != pick_link(second, [])


def test_linux_accepts_the_name_of_the_interface() -> None:
    assert len(Identity.of(Path("/a")).interface) <= 15


@pytest.mark.parametrize("id_", ["00000000", "00003fff", "ffffffff", "12345678"])
def test_both_ends_of_the_link_are_in_one_small_network_of_the_pool(id_: str) -> None:
    link = pick_link(Identity(id_), [])

    host, node = IPv4Network(f"{link.host}/{link.prefix}", strict=False).hosts()
    assert (str(host), str(node)) == (link.host, link.node)
    assert host in POOL


def test_a_network_that_is_taken_is_stepped_over() -> None:
    identity = Identity("00003fff")
    usual = pick_link(identity, [])

    other = pick_link(identity, [IPv4Network(f"{usual.node}/32")])

    assert other.node == "10.77.0.2"  # the next address, starting at the pool's start again


@pytest.mark.parametrize("wide", ["0.0.0.0/0", "10.0.0.0/8", "10.77.0.0/16"])
def test_a_wide_route_is_no_obstacle(wide: str) -> None:
    identity = Identity("12345678")

    assert pick_link(identity, [IPv4Network(wide)]) == pick_link(identity, [])


def test_a_machine_that_has_taken_the_whole_pool_is_told_so() -> None:
    with pytest.raises(NodeError, match=r"no free network in 10\.77\.0\.0/16"):
        pick_link(Identity("12345678"), list(POOL.subnets(new_prefix=17)))
