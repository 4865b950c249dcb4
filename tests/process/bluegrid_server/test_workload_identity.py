"""A pod without keys reads the store with the identity that its cloud gives it, by a projected token."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import open_store
from tests.support.cloud import ROLE, Cloud, cloud
from tests.support.pods import environment_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bluegrid_server.settings import Settings

OWN = ("AWS_", "HOME", "XDG_")
"""Beginnings of the variables that a pod does not get from the machine of the tests."""


@pytest.fixture
def there(settings: Settings, tmp_path: Path) -> Iterator[Cloud]:
    """A cloud with the version of `settings` in its bucket."""
    with cloud(tmp_path / "store") as running:
        yield running


@pytest.fixture
def token(tmp_path: Path, there: Cloud) -> Path:
    """The token that a cluster projects into its pods."""
    file = tmp_path / "token"
    file.write_text(there.trusted)
    return file


def preflight(settings: Settings, there: Cloud, identity: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run what a preflight's pod runs, in a home that is not there and in a folder that it cannot use."""
    machine = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    pod = environment_of(settings) | {"BLUEGRID_STORE": there.store, "HOME": "/nowhere"}
    # Else the SDK looks for the metadata service of a machine of EC2.
    alone = {"AWS_EC2_METADATA_DISABLED": "true"}
    return subprocess.run(
        [sys.executable, "-m", "bluegrid_server", "preflight"],
        env=machine | pod | alone | identity,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_version_is_fetched_with_the_role_that_the_token_stands_for(
    settings: Settings, there: Cloud, token: Path
) -> None:
    ran = preflight(settings, there, there.pod(token))
    assert ran.returncode == 0, ran.stderr
    assert "3 models fetched, verified and loaded" in ran.stdout
    assert there.tokens == [there.trusted]
    assert there.reads > 0


def test_a_session_that_ends_is_renewed_with_the_token_of_that_time(
    there: Cloud, token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (there.bucket / "note").write_bytes(b"kept")
    for name, value in there.pod(token).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    there.lasts = timedelta(minutes=5)
    store = open_store(there.store)
    assert store.get("note") == b"kept"
    # A kubelet writes a new token before the old one ends.
    there.trusted = "the next one"
    token.write_text(there.trusted)
    assert store.get("note") == b"kept"
    assert there.tokens[0] == "from the cluster"
    assert there.tokens[-1] == "the next one"


def test_a_role_that_does_not_trust_the_pod_is_named(settings: Settings, there: Cloud, token: Path) -> None:
    there.trusted = "of another cluster"
    ran = preflight(settings, there, there.pod(token))
    assert ran.returncode == 3
    assert _reason(ran) == (
        f"{there.store_name}: role {ROLE}: refused (AccessDenied: Not authorized to perform "
        "sts:AssumeRoleWithWebIdentity); check that its trust policy names the cluster's identity "
        "provider and the ServiceAccount"
    )


def test_a_role_that_may_not_read_the_store_is_named(settings: Settings, there: Cloud, token: Path) -> None:
    there.lets_read = False
    ran = preflight(settings, there, there.pod(token))
    assert ran.returncode == 3
    assert _reason(ran).endswith(f"refused (AccessDenied); check the rights of role {ROLE}")


def test_a_token_that_is_not_there_is_named(settings: Settings, there: Cloud, tmp_path: Path) -> None:
    ran = preflight(settings, there, there.pod(tmp_path / "absent"))
    assert ran.returncode == 3
    assert _reason(ran) == (
        f"{there.store_name}: no credentials: AWS_WEB_IDENTITY_TOKEN_FILE {tmp_path}/absent cannot be read: "
        "No such file or directory; restart the pod, or look at the webhook that gives pods their token"
    )


def test_a_pod_with_neither_keys_nor_an_identity_says_so(settings: Settings, there: Cloud) -> None:
    ran = preflight(settings, there, {})
    assert ran.returncode == 3
    assert _reason(ran) == (
        f"{there.store_name}: no credentials; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the "
        "identity that the cloud gives this process (AWS_ROLE_ARN is not set); pods have them from the "
        "stack: `pulumi config set --secret bluegrid:storeSecretKey` (an identity: "
        "bluegrid:serviceAccountAnnotations), `pulumi up`"
    )


def _reason(ran: subprocess.CompletedProcess[str]) -> str:
    """Return the last line, which Kubernetes shows of a pod that has failed."""
    return ran.stderr.splitlines()[-1]
