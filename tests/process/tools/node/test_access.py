from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tools.node.access import Secrets, write_access
from tools.node.errors import NodeError
from tools.node.identity import Identity, Link
from tools.node.layout import Layout
from tools.node.plan import Plan


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "node")
    layout.make()
    return layout


def plan(address: str = "10.77.0.2") -> Plan:
    return Plan(Identity("12345678"), Link("10.77.0.1", address), {"openssl": Path("/usr/bin/openssl")})


def test_the_kubeconfig_has_one_context_and_no_current_one(layout: Layout) -> None:
    write_access(layout, plan())

    config = json.loads(layout.kubeconfig.read_text())
    assert [context["name"] for context in config["contexts"]] == ["bluegrid-12345678"]
    assert "current-context" not in config


def test_only_the_owner_reads_what_grants_access(layout: Layout) -> None:
    write_access(layout, plan())

    for path in (layout.kubeconfig, layout.secrets, layout.key("10.77.0.2"), layout.service_account_key):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_copy_of_the_kubeconfig_works_after_a_restart(layout: Layout) -> None:
    write_access(layout, plan())
    before = layout.kubeconfig.read_text()

    write_access(layout, plan())

    assert layout.kubeconfig.read_text() == before


def test_another_address_gets_a_certificate_of_its_own(layout: Layout) -> None:
    write_access(layout, plan())
    before = layout.kubeconfig.read_text()

    write_access(layout, plan(address="10.77.0.6"))

    assert layout.certificate("10.77.0.6").exists()
    assert layout.kubeconfig.read_text() != before


def test_a_node_that_never_was_has_no_accounts(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="there is no node in"):
        Secrets.read(Layout(tmp_path))
