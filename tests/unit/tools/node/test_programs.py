from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tools.node.__main__ import main
from tools.node.errors import NodeError
from tools.node.programs import BUILT, complete, in_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_programs_that_are_missing_are_named_all_at_once(tmp_path: Path) -> None:
    built = {name: tmp_path / name for name in BUILT if name not in ("etcd", "contour")}

    with pytest.raises(NodeError, match="programs are missing: etcd, contour; "):
        complete(built)


def test_a_folders_own_program_goes_before_the_one_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("ours", "path"):
        (tmp_path / folder).mkdir()
        for name in ("etcd", "kubectl"):
            (tmp_path / folder / name).touch(mode=0o755)
    (tmp_path / "ours" / "kubectl").unlink()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))

    found = in_folder(tmp_path / "ours")

    assert found["etcd"] == tmp_path / "ours" / "etcd"
    assert found["kubectl"] == tmp_path / "path" / "kubectl"


def test_without_root_a_node_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert main(["up", "--state", str(tmp_path / "node")]) == 1

    refusal = "error: a node needs root: it makes namespaces and cgroups; run it with sudo\n"
    assert capsys.readouterr().err == refusal
    assert not (tmp_path / "node").exists()
