"""The commands that remedy refusals of the registry's library."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bluegrid.cli.remedies import COMMANDS, message_of
from bluegrid_registry import (
    BluegridError,
    KeyAlgorithm,
    ModelType,
    PrivateKey,
    PublicKey,
    Registry,
    Remedy,
    Sizes,
    ValueEdit,
    check_regions,
    edit_service,
    export_model_signing,
    models_in_folder,
    open_store,
    push,
    remove_cluster,
    remove_set,
    remove_version,
    require_region,
    share_traffic,
    sign,
    switch,
    verify_signature,
)
from bluegrid_registry.signing.signatures import signature_key
from bluegrid_registry.transfer.kinds import Kinds
from bluegrid_registry.transfer.sources import SourceModel
from bluegrid_registry.transfer.untrusted import Untrusted

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = f"""\
set: {{id: g1, name: n, task: t, type: scikit-learn/skops, source: platform}}
versions:
  - {{id: v1, manifest: "sha256:{"1" * 64}", updated: 2026-11-22T08:00:00Z}}
  - {{id: v2, manifest: "sha256:{"2" * 64}", updated: 2026-11-23T08:00:00Z}}
  - {{id: v3, manifest: "sha256:{"3" * 64}", updated: 2026-11-24T08:00:00Z}}
service:
  name: line-loading
  live: d1
  traffic: {{d1: 90, d2: 10}}
  clusters:
    - {{id: d1, version: v1, cpu: 2, memory: 2Gi}}
    - {{id: d2, version: v2, cpu: 2, memory: 2Gi}}
    - {{id: d3, version: v3, cpu: 2, memory: 2Gi}}
  regions: [nroth]
"""
SKOPS = ModelType.parse("scikit-learn/skops")


def sealed_key(folder: Path) -> Path:
    PrivateKey.generate(KeyAlgorithm.P256).write(folder / "ops.pem", "a passphrase")
    return folder / "ops.pem"


def open_key(folder: Path) -> Path:
    PrivateKey.generate(KeyAlgorithm.P256).write(folder / "ops.pem")
    return folder / "ops.pem"


def check_signed(folder: Path, *, is_damaged: bool) -> None:
    store = open_store(f"file://{folder}")
    digest = push(store, "g1", "v1", [SourceModel("line-1", b"a model")], model_type=SKOPS).manifest
    key = PrivateKey.generate(KeyAlgorithm.ED25519)
    public = key.public("ops")
    if is_damaged:
        sign(store, "g1", "v1", digest, key)
        (folder / signature_key("g1", digest, public)).write_bytes(b"{}")
    verify_signature(store, "g1", "v1", digest, [public])


def export(folder: Path) -> None:
    key = PrivateKey.generate(KeyAlgorithm.ED25519)
    export_model_signing(open_store(f"file://{folder}"), "g1", "v1", "sha256:" + "1" * 64, folder / "x", key)


def share_alone(folder: Path) -> None:
    share_traffic(folder, "line-loading", {"d1": 1})


def without_traffic(folder: Path) -> Path:
    file = folder / "g1.yaml"
    file.write_text(file.read_text().replace("  traffic: {d1: 90, d2: 10}\n", ""))
    return folder


def push_with_stray(folder: Path) -> None:
    (folder / "notes.txt").write_text("no model")
    models_in_folder(folder, SKOPS)


def switch_unnamed(folder: Path) -> None:
    switch(folder, "line-loading", "d3", "nroth")
    switch(folder, "line-loading", "d1")


def check_kinds(_: Path) -> None:
    kinds = Kinds("g1", lambda data: (data.decode(),))
    for uid in ("Ridge", "Lasso"):
        kinds.add(uid, uid.encode(), frozenset({uid}))
    kinds.refuse()


def check_names(_: Path) -> None:
    untrusted = Untrusted("g1")
    untrusted.add("line-1", ["own.Scaler", "own.Model"])
    untrusted.refuse()


def set_value(key: str) -> Callable[[Path], object]:
    return lambda folder: edit_service(folder, "line-loading", [ValueEdit((key,), "d2")])


PROVOKED: dict[Remedy, tuple[Callable[[Path], object], str]] = {
    Remedy.ADD_REGION: (lambda folder: check_regions(folder, ["north"]), "bluegrid stack add REGION"),
    Remedy.EDIT_CLUSTERS: (set_value("clusters"), "cluster set or cluster remove line-loading <cluster>"),
    Remedy.END_SHARING: (
        lambda folder: remove_cluster(folder, "line-loading", "d2"),
        "bluegrid switch line-loading <other cluster>",
    ),
    Remedy.IGNORE_FILES: (push_with_stray, "push --ignore PATTERN"),
    Remedy.MAKE_EXPORT_KEY: (export, "bluegrid key add NAME --out FILE --algorithm p256"),
    Remedy.MAKE_KEY: (lambda _: PublicKey.from_text("ops", "?"), "bluegrid key add"),
    Remedy.MIX_KINDS: (check_kinds, "`bluegrid set edit g1 --kinds mixed`"),
    Remedy.NAME_REGION: (switch_unnamed, "name one with --stack, or all of them with --everywhere"),
    Remedy.OPEN_PLAIN: (
        lambda folder: PrivateKey.read(open_key(folder), "one too many"),
        "unset BLUEGRID_KEY_PASSPHRASE",
    ),
    Remedy.OPEN_ENCRYPTED: (
        lambda folder: PrivateKey.read(sealed_key(folder)),
        "set BLUEGRID_KEY_PASSPHRASE",
    ),
    Remedy.REMOVE_CLUSTER: (
        lambda folder: remove_version(folder, "g1", "v2"),
        "bluegrid cluster remove line-loading d2",
    ),
    Remedy.REMOVE_REPLICAS: (
        lambda folder: Registry.load(folder).offered("nroth", Sizes(Decimal(1), {"line-loading-d9": 3})),
        "pulumi config rm --path bluegrid:replicas.line-loading-d9",
    ),
    Remedy.REMOVE_SERVICE: (
        lambda folder: remove_set(folder, "g1"),
        "bluegrid service remove line-loading --up",
    ),
    Remedy.SHARE: (set_value("traffic"), "bluegrid service traffic line-loading <cluster>=<weight>"),
    Remedy.SHARE_OR_SWITCH: (share_alone, "bluegrid switch line-loading <cluster>"),
    Remedy.SIGN: (
        lambda folder: check_signed(folder, is_damaged=True),
        "`bluegrid version sign g1 v1 --key FILE`",
    ),
    Remedy.SIGN_OR_TRUST: (
        lambda folder: check_signed(folder, is_damaged=False),
        "`bluegrid version sign g1 v1 --key FILE`, or add the key",
    ),
    Remedy.TRUST_NAMES: (check_names, "`bluegrid set edit g1 --trust own.Model --trust own.Scaler`"),
    Remedy.SWITCH: (set_value("live"), "bluegrid switch line-loading <cluster>"),
    Remedy.SWITCH_FIRST: (
        lambda folder: remove_cluster(without_traffic(folder), "line-loading", "d1"),
        "bluegrid switch line-loading <other cluster>",
    ),
}


def test_every_remedy_has_a_command() -> None:
    assert set(COMMANDS) == set(PROVOKED) == set(Remedy)


@pytest.mark.parametrize("remedy", PROVOKED)
def test_the_command_line_says_what_to_type_and_the_library_does_not(remedy: Remedy, tmp_path: Path) -> None:
    (tmp_path / "g1.yaml").write_text(TEXT)
    provoke, command = PROVOKED[remedy]
    with pytest.raises(BluegridError) as refused:
        provoke(tmp_path)
    error = refused.value
    assert error.remedy is remedy
    assert message_of(error) == f"{error.fault}; {COMMANDS[remedy].format_map(error.names)}"
    assert command in message_of(error)
    assert str(error).startswith(f"{error.fault}; ")
    assert not any(word in str(error) for word in ("--", "bluegrid ", "pulumi", "BLUEGRID_"))


def test_each_line_of_a_refusal_has_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "g1.yaml").write_text(TEXT.replace("regions: [nroth]", "regions: [nroth, esat]"))
    with pytest.raises(BluegridError) as refused:
        check_regions(tmp_path, ["north", "east"])
    lines = message_of(refused.value).splitlines()
    assert len(lines) == 2
    assert all("; correct the name, or add a stack: " in line for line in lines)


def test_an_error_without_a_remedy_is_printed_as_it_is() -> None:
    with pytest.raises(BluegridError) as refused:
        Registry.load(Path("nowhere"))
    assert message_of(refused.value) == str(refused.value)


def test_a_region_that_is_typed_wrong_has_the_same_remedy() -> None:
    with pytest.raises(BluegridError) as refused:
        require_region("nroth", ["north"])
    assert refused.value.remedy is Remedy.ADD_REGION
