"""Each account does its work with the documented role, and with no other rights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tools.demo import steps
from tools.demo.prepare import CHECKOUT, EXAMPLE
from tools.demo.workspace import SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.conftest import Local
    from tools.demo.workspace import Ran, Workspace

ACCOUNTS = "accounts"
"""Namespace of the accounts, so that they outlive the stack's namespace."""


@dataclass(frozen=True)
class Accounts:
    """A stack whose namespace existed before, and accounts with one role each."""

    work: Workspace
    folder: Path

    def kubectl(self, *arguments: str) -> str:
        return self.work.run("kubectl", "--context", self.work.place.context, *arguments).require().output

    def kubeconfig(self, role: str) -> Path:
        """Return the kubeconfig of an account with this role in the stack's namespace."""
        file = self.folder / f"{role}.json"
        if not file.exists():
            where = ("--namespace", ACCOUNTS)
            self.kubectl("create", "serviceaccount", role, *where)
            bound = ("--clusterrole", f"bluegrid-{role}", f"--serviceaccount={ACCOUNTS}:{role}")
            self.kubectl("create", "rolebinding", role, "--namespace", self.work.namespace, *bound)
            config = json.loads(self.work.place.kubeconfig.read_text())
            config["users"][0]["user"] = {"token": self.kubectl("create", "token", role, *where).strip()}
            file.write_text(json.dumps(config))
        return file

    def pulumi(self, role: str, *arguments: str) -> Ran:
        """Run Pulumi as an account."""
        self.work.pulumi("config", "set", "bluegrid:kubeconfig", str(self.kubeconfig(role))).require()
        return self.work.pulumi(*arguments)

    def bluegrid(self, role: str, *arguments: str) -> Ran:
        """Run one of our commands as an account."""
        # The stack has a kubeconfig of its own, which $KUBECONFIG does not replace.
        return self.work.run("env", f"BLUEGRID_KUBECONFIG={self.kubeconfig(role)}", "bluegrid", *arguments)

    def up(self, role: str = "up") -> Ran:
        return self.pulumi(role, "up", "--yes", "--skip-preview")


@pytest.fixture(scope="module")
def accounts(local: Local, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    work = local.workspace("rights", host="rights.test")
    accounts = Accounts(work, tmp_path_factory.mktemp("accounts"))
    for name in (ACCOUNTS, work.namespace):
        accounts.kubectl("create", "namespace", name)
    accounts.kubectl("apply", "--filename", str(CHECKOUT / "docs" / "operations" / "rbac"))
    work.pulumi("config", "set", "bluegrid:quotaPods", "20").require()
    steps.declare_set(work, EXAMPLE)
    for version in ("v1", "v2"):
        steps.push(work, local.prepared.models / version, version)
    steps.declare_service(work)
    accounts.up().require()
    yield accounts
    name = "namespaces"
    account = f"--serviceaccount={ACCOUNTS}:up"
    accounts.kubectl("create", "clusterrolebinding", name, f"--clusterrole=bluegrid-{name}", account)
    accounts.pulumi("up", "destroy", "--yes", "--skip-preview", "--run-program").require()
    accounts.kubectl("delete", "clusterrolebinding", name)
    accounts.kubectl("delete", "namespace", ACCOUNTS)


def test_an_update_makes_changes_and_deletes_with_its_role(accounts: Accounts) -> None:
    work = accounts.work
    steps.add_cluster(work, "d2", "v2")
    accounts.up().require()
    work.bluegrid("switch", SERVICE, "d2").require()
    work.bluegrid("cluster", "remove", SERVICE, "d1").require()
    accounts.up().require()
    work.bluegrid("cluster", "add", SERVICE, "d1", "--version", "v1").require()
    work.bluegrid("switch", SERVICE, "d1").require()
    accounts.up().require()
    checked = accounts.bluegrid("up", "doctor").output
    assert "ok    rights to change: all" in checked
    assert "ok    store, as pods ask it: answers the account of Secret bluegrid-store with the" in checked


def test_wrong_keys_of_the_store_touch_no_pod_and_right_ones_replace_all(accounts: Accounts) -> None:
    work, key = accounts.work, ("config", "set", "--secret", "bluegrid:storeSecretKey")
    before = pods(accounts)
    work.pulumi(*key, "rotated but wrong").require()
    refused = accounts.up()
    assert refused.exit_code != 0
    assert "pods have them from the stack: `pulumi config set --secret bluegrid:store" in refused.output
    assert pods(accounts) == before
    # Other keys of the same store, which are valid too.
    work.pulumi(*key[:-1], "bluegrid:storeAccessKey", work.place.writer.access_key).require()
    work.pulumi(*key, work.place.writer.secret_key).require()
    accounts.up().require()
    where = ("--namespace", work.namespace)
    accounts.kubectl("wait", "--for=delete", "--timeout=90s", *where, *before)
    (secret,) = secrets(accounts)
    assert secret != "secret/bluegrid-store"
    work.pulumi(*key[:-1], "bluegrid:storeAccessKey", work.place.reader.access_key).require()
    work.pulumi(*key, work.place.reader.secret_key).require()
    accounts.up().require()
    assert secrets(accounts) == {"secret/bluegrid-store"}


def test_a_preview_only_looks(accounts: Accounts) -> None:
    work = accounts.work
    work.pulumi("config", "set", "bluegrid:quotaPods", "21").require()
    work.bluegrid("cluster", "resize", SERVICE, "d1", "--cpu", "1").require()
    previewed = accounts.pulumi("preview", "preview", "--json").require().json()
    assert not [each for each in previewed.get("diagnostics", ()) if each["severity"] == "error"]
    changed = {each["urn"].rpartition("::")[2] for each in previewed["steps"] if each["op"] != "same"}
    assert {"platform", f"{SERVICE}-d1", f"{SERVICE}-d1-preflight"} <= changed
    refused = accounts.up("preview")
    assert refused.exit_code != 0
    assert "forbidden" in refused.output


def test_an_operator_looks_and_asks_and_changes_nothing(accounts: Accounts) -> None:
    instances = json.dumps([[0.0] * 8])
    for command in (
        ("status",),
        ("status", SERVICE, "d1"),
        ("logs", SERVICE, "d1"),
    ):
        ran = accounts.bluegrid("operator", *command).require()
        assert "forbidden" not in ran.output
    asked = accounts.bluegrid("operator", "predict", SERVICE, "--model", "line-0", "--instances", instances)
    assert "forbidden" not in asked.output
    checked = accounts.bluegrid("operator", "doctor").output
    assert "ok    rights to look: all" in checked
    assert "FAULT rights to change: may not get secrets" in checked
    assert "SKIP  store, as pods ask it: not asked: this login may not read Secret bluegrid-store" in checked


def pods(accounts: Accounts) -> set[str]:
    """Return the running pods of clusters."""
    where = ("--namespace", accounts.work.namespace)
    return {
        name
        for name in accounts.kubectl("get", "pods", *where, "--output", "name").split()
        if "preflight" not in name
    }


def secrets(accounts: Accounts) -> set[str]:
    where = ("--namespace", accounts.work.namespace)
    return {*accounts.kubectl("get", "secrets", *where, "--output", "name").split()}
