"""`bluegrid --help` imports no command, and a command only what it needs."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = [
    *("awscrt", "boto3", "botocore", "cryptography", "fastapi", "kubernetes", "msgspec", "numpy", "pulumi"),
    *("ruamel", "structlog", "urllib3", "yaml"),
]
FILE = f"""\
set: {{id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}}
versions:
  - {{id: v1, manifest: "sha256:{"1" * 64}", updated: 2026-11-22T08:00:00Z}}
service: {{name: loads, live: d1, clusters: [{{id: d1, version: v1, cpu: 1, memory: 1Gi}}]}}
"""


def imported(names: list[str], *arguments: str) -> str:
    """Run a command, and return which of these packages its process has imported."""
    code = (
        "import sys; from bluegrid.cli.main import run; run(sys.argv[1:]);"
        f"print('imported:', *sorted({{*sys.modules}} & {{*{names!r}}}))"
    )
    command = [sys.executable, "-c", code, *arguments]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return shown.splitlines()[-1].removeprefix("imported:").strip()


@pytest.mark.parametrize("arguments", [["--help"], ["cluster", "--help"], ["--version"]], ids=" ".join)
def test_help_imports_neither_a_command_nor_a_heavy_library(arguments: list[str]) -> None:
    names = [*HEAVY, "bluegrid.cli.push", "bluegrid.cli.cluster.scale", "bluegrid.operations"]
    assert imported(names, *arguments) == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["set", "list"],
        ["set", "edit", "g1", "accelerate=onnx"],
        ["version", "list", "g1"],
        ["service", "list"],
        ["service", "show", "loads"],
        ["service", "set", "loads", "standbyReplicas=0"],
        ["cluster", "list"],
        ["cluster", "show", "loads", "d1"],
        ["cluster", "set", "loads", "d1", "load=lazy"],
    ],
    ids=" ".join,
)
def test_what_reads_only_the_registry_imports_no_store_and_no_client(
    arguments: list[str], tmp_path: Path
) -> None:
    (tmp_path / "g1.yaml").write_text(FILE)
    names = sorted({*HEAVY} - {"ruamel", "yaml"})
    assert imported(names, *arguments, "--registry", str(tmp_path)) == ""
