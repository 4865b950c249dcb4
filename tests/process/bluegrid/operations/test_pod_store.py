"""`bluegrid doctor` reads the store as pods do: with the account in their Secret."""

from __future__ import annotations

import base64
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest

from bluegrid.operations import check_store_of_pods
from bluegrid_registry import ModelSet, ModelType, Registry, models_in_folder
from tests.support.api_server import ApiServer
from tests.support.skops_files import skops_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bluegrid.operations import Diagnosis
    from tests.support.api_server import Connect

SET = "set: {id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}\n"
CODES = {403: "InvalidAccessKeyId", 404: "NoSuchKey"}


@pytest.fixture
def pushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a registry and a store of v1; the environment has an unknown account."""
    for name in ("registry", "store", "models"):
        (tmp_path / name).mkdir()
    (tmp_path / "registry" / "g1.yaml").write_text(SET + "versions: []\n")
    (tmp_path / "models" / "line-1.skops").write_bytes(skops_file("v1"))
    models = models_in_folder(tmp_path / "models", ModelType.parse("scikit-learn/skops"))
    ModelSet.open("g1", tmp_path / "registry", f"file://{tmp_path}/store").push("v1", models)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-login")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    return tmp_path


@contextmanager
def s3(folder: Path, account: str) -> Iterator[str]:
    """Serve the objects of a folder to one account; yield the store's URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            file = folder / unquote(urlsplit(self.path).path).removeprefix("/models/")
            knows = f"Credential={account}/" in self.headers["Authorization"]
            status = 200 if knows and file.is_file() else 404 if knows else 403
            refused = f"<Error><Code>{CODES.get(status)}</Code></Error>"
            body = file.read_bytes() if status == 200 else refused.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"s3://models?endpoint=http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def kinds(place: Path, store: str, account: str = "reader") -> dict[str, list[dict[str, Any]]]:
    """Return a Deployment that serves v1, and the Secret with its account."""
    (version,) = Registry.load(place / "registry").files[0].versions
    pinned = {"STORE": store, "SET": "g1", "VERSION": "v1", "MANIFEST": version.manifest}
    env: list[dict[str, Any]] = [
        {"name": f"BLUEGRID_{name}", "value": value} for name, value in pinned.items()
    ]
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    if account:
        env += [{"name": key, "valueFrom": {"secretKeyRef": {"name": "bluegrid-store"}}} for key in keys]
    labels = {"app.kubernetes.io/managed-by": "bluegrid"}
    spec = {"template": {"spec": {"containers": [{"env": env}]}}}
    data = dict.fromkeys(keys, base64.b64encode(account.encode()).decode())
    return {
        "deployments": [{"metadata": {"name": "loading-d1", "labels": labels}, "spec": spec}],
        "secrets": [{"metadata": {"name": "bluegrid-store"}, "data": data}],
    }


def found(api: ApiServer, connect: Connect) -> Diagnosis:
    (finding,) = check_store_of_pods(connect(api))
    assert finding.what == "store, as pods ask it"
    return finding


def test_a_store_that_answers_the_pods_account_is_well_whatever_this_login_has(
    pushed: Path, connect: Connect
) -> None:
    with s3(pushed / "store", "reader") as store, ApiServer(kinds(pushed, store)) as api:
        finding = found(api, connect)
    assert (finding.is_well, finding.is_known) == (True, True)
    assert finding.text == "answers the account of Secret bluegrid-store with the versions of 1 cluster"


def test_an_account_that_the_store_does_not_know_any_more_is_a_fault_before_a_pod_starts(
    pushed: Path, connect: Connect
) -> None:
    with s3(pushed / "store", "of-the-login") as store, ApiServer(kinds(pushed, store)) as api:
        finding = found(api, connect)
    assert not finding.is_well
    assert "refused (InvalidAccessKeyId)" in finding.text
    assert finding.text.endswith(
        "it was asked with the account of Secret bluegrid-store; running pods are not affected, but the next "
        "pod that starts fails: `pulumi config set --secret bluegrid:storeSecretKey` (or storeAccessKey), "
        "`pulumi up`"
    )


def test_a_version_that_is_gone_is_a_fault_without_a_word_of_the_account(
    pushed: Path, connect: Connect
) -> None:
    with s3(pushed / "registry", "reader") as store, ApiServer(kinds(pushed, store)) as api:
        finding = found(api, connect)
    assert not finding.is_well
    assert "storeSecretKey" not in finding.text


def test_a_login_that_may_not_read_the_secret_says_that_pods_were_not_asked_for(
    pushed: Path, connect: Connect
) -> None:
    with ApiServer(kinds(pushed, "s3://models"), forbidden=("get secrets",)) as api:
        finding = found(api, connect)
    assert not finding.is_known
    assert finding.text == (
        "not asked: this login may not read Secret bluegrid-store, whose account pods have; an account with "
        "the role bluegrid-up may"
    )


def test_a_secret_that_is_gone_is_a_fault(pushed: Path, connect: Connect) -> None:
    with ApiServer(kinds(pushed, "s3://models") | {"secrets": []}) as api:
        finding = found(api, connect)
    assert not finding.is_well
    assert finding.text.endswith('secrets "bluegrid-store" not found; `pulumi up --refresh` makes it again')


def test_pods_with_an_identity_are_not_asked_for(pushed: Path, connect: Connect) -> None:
    with ApiServer(kinds(pushed, "s3://models", account="")) as api:
        finding = found(api, connect)
    assert not finding.is_known
    assert "an identity of their own" in finding.text


def test_where_nothing_runs_nothing_is_said(connect: Connect) -> None:
    with ApiServer({"deployments": []}) as api:
        assert [*check_store_of_pods(connect(api))] == []
