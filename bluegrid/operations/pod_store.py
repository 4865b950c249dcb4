"""Checks that the store answers pods, with the pods' account instead of this login's.

Running pods need no store. The next pod that starts does, and the account may have changed since.
"""

from __future__ import annotations

import base64
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bluegrid.operations.api import AT_ONCE, KubernetesError
from bluegrid.operations.diagnosis import Diagnosis
from bluegrid_registry import BluegridError, open_store, read_commit, read_manifest
from bluegrid_registry.counts import counted
from bluegrid_registry.stores import Account
from bluegrid_registry.stores.versions import check_pinned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid.operations.api import Namespace, Object

_WHAT = "store, as pods ask it"
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_CA = "ca.pem"
_REMEDY = (
    "running pods are not affected, but the next pod that starts fails: "
    "`pulumi config set --secret bluegrid:storeSecretKey` (or storeAccessKey), `pulumi up`"
)


@dataclass(frozen=True)
class _Fetch:
    """What a cluster's pods fetch when they start, and the Secret with their account."""

    secret: str | None
    store: str
    set: str
    version: str
    manifest: str

    @classmethod
    def of(cls, deployment: Object) -> _Fetch:
        rows = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
        plain = {row["name"]: row["value"] for row in rows if "value" in row}
        secrets = {
            row["name"]: row["valueFrom"]["secretKeyRef"]["name"] for row in rows if "valueFrom" in row
        }
        named = (plain[f"BLUEGRID_{name}"] for name in ("STORE", "SET", "VERSION", "MANIFEST"))
        return cls(secrets.get(_KEYS[1]), *named)


def check_store_of_pods(namespace: Namespace) -> Iterator[Diagnosis]:
    """Read from the store what each cluster serves, as its pods do when they start.

    Args:
        namespace: of the stack.
    """
    try:
        deployments = namespace.objects("apis/apps/v1/deployments")
    except KubernetesError as error:
        yield _skipped(str(error))
        return
    fetches = dict.fromkeys(_Fetch.of(each) for each in deployments)
    for secret in dict.fromkeys(each.secret for each in fetches):
        yield from _of_a_secret(namespace, secret, [each for each in fetches if each.secret == secret])


def _of_a_secret(namespace: Namespace, secret: str | None, fetches: list[_Fetch]) -> Iterator[Diagnosis]:
    if secret is None:
        yield _skipped("pods have an identity of their own, which only they can use; a preflight proves it")
        return
    try:
        data = namespace.get(f"/api/v1/namespaces/{namespace.name}/secrets/{secret}")["data"]
    except KubernetesError as error:
        if not error.is_forbidden:
            yield Diagnosis(_WHAT, is_well=False, text=f"{error}; `pulumi up --refresh` makes it again")
            return
        may = "an account with the role bluegrid-up may"
        yield _skipped(f"this login may not read Secret {secret}, whose account pods have; {may}")
        return
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as threads:
        account = _account(data, Path(folder, _CA))
        faults = [*filter(None, threads.map(lambda each: _fault(each, account), fetches))]
    for fault in dict.fromkeys(faults):
        refused = f"{fault}; it was asked with the account of Secret {secret}"
        yield Diagnosis(_WHAT, is_well=False, text=f"{refused}; {_REMEDY}" if _KEYS[1] in fault else refused)
    if not faults:
        served = f"the versions of {counted(len(fetches), 'cluster')}"
        yield Diagnosis(_WHAT, is_well=True, text=f"answers the account of Secret {secret} with {served}")


def _account(data: dict[str, Any], ca: Path) -> Account:
    values = {name: base64.b64decode(value) for name, value in data.items()}
    if _CA in values:
        ca.write_bytes(values[_CA])
    access_key, secret_key = (values.get(name, b"").decode() for name in _KEYS)
    return Account(access_key, secret_key, ca if _CA in values else None)


def _fault(fetch: _Fetch, account: Account) -> str | None:
    try:
        store = open_store(fetch.store, account)
        check_pinned(read_commit(store, fetch.set, fetch.version), fetch.manifest)
        read_manifest(store, fetch.set, fetch.version, fetch.manifest)
    except BluegridError as error:
        return str(error)
    return None


def _skipped(why: str) -> Diagnosis:
    return Diagnosis(_WHAT, is_well=True, text=f"not asked: {why}", is_known=False)
