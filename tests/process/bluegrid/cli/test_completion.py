"""A shell completes names of the registry, as bash asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import bluegrid

if TYPE_CHECKING:
    from pathlib import Path

G1 = f"""\
set: {{id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}}
versions:
  - {{id: v1, manifest: "sha256:{"0" * 64}", updated: 2026-11-22T08:00:00Z}}
  - {{id: v2, manifest: "sha256:{"1" * 64}", updated: 2026-11-23T08:00:00Z}}
service:
  name: line-loading
  live: d1
  clusters:
    - {{id: d1, version: v1}}
    - {{id: d2, version: v2}}
"""
G2 = """\
set: {id: g2, name: Voltage, task: regression, type: onnx/onnx, source: platform}
versions: []
"""


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "registry"
    folder.mkdir()
    (folder / "g1.yaml").write_text(G1)
    (folder / "g2.yaml").write_text(G2)
    stacks = tmp_path / "stacks"
    stacks.mkdir()
    for name in ("north", "east"):
        (stacks / f"Pulumi.{name}.yaml").write_text("config: {}\n")
    monkeypatch.chdir(tmp_path)
    return folder


def completed(line: str) -> list[str]:
    """Return what bash would offer at the end of a line; a space there begins a new word."""
    place = str(len(line.split()) - (0 if line.endswith(" ") else 1))
    done = bluegrid(_BLUEGRID_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=place)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("bluegrid sw", ["switch"]),
        ("bluegrid cluster re", ["resize", "remove"]),
        ("bluegrid set show ", ["g1", "g2"]),
        ("bluegrid push models --set ", ["g1", "g2"]),
        ("bluegrid version show g1 ", ["v1", "v2"]),
        ("bluegrid version show g2 ", []),
        ("bluegrid switch li", ["line-loading"]),
        ("bluegrid switch line-loading ", ["d1", "d2"]),
        ("bluegrid cluster add line-loading d3 --version ", ["v1", "v2"]),
        ("bluegrid stop line-loading ", ["d1", "d2"]),
        ("bluegrid switch line-loading d2 --stack ", ["east", "north"]),
        ("bluegrid switch line-loading d2 -s n", ["north"]),
        ("bluegrid gc g", ["g1", "g2"]),
        ("bluegrid service add loads --set ", ["g1", "g2"]),
        ("bluegrid service add loads --set g1 --version ", ["v1", "v2"]),
        ("bluegrid cluster set line-loading d1 autoscaling.m", ["autoscaling.max=", "autoscaling.min="]),
        ("bluegrid service set line-loading ", ["regions=", "standbyReplicas="]),
        ("bluegrid set edit g1 k", ["keys=", "kinds="]),
        ("bluegrid wait line-loading ", ["d1", "d2"]),
    ],
)
def test_a_name_is_completed(line: str, names: list[str]) -> None:
    assert completed(line) == names


def test_the_registry_that_the_line_names_is_read(registry: Path, tmp_path: Path) -> None:
    other = registry.rename(tmp_path / "other")
    assert completed("bluegrid set show ") == []
    assert completed(f"bluegrid set show --registry {other} ") == ["g1", "g2"]


def test_files_that_cannot_be_read_complete_nothing_and_print_nothing(registry: Path) -> None:
    (registry / "g1.yaml").write_bytes(b"\xff: [")
    assert completed("bluegrid switch li") == []
    assert completed("bluegrid version show g1 ") == []
    (registry / "g1.yaml").write_text("service: [nothing")
    assert completed("bluegrid switch li") == []


def test_help_offers_the_installation_of_completion() -> None:
    assert "--install-completion" in bluegrid("--help").stdout
