"""The rules, by Prometheus' own tool: they are valid, and each alert fires when it should."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.support.checkout import CHECKOUT
from tools import toolchain

RULES = CHECKOUT / "bluegrid" / "observability" / "files" / "rules.yaml"
CASES = Path(__file__).with_name("rules_test.yaml")


@pytest.fixture(scope="module")
def promtool() -> Path:
    return toolchain.obtain(["promtool"])["promtool"]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The rule file in the manifest."""
    rules = tmp_path / "rules.yaml"
    with rules.open("w") as out:
        YAML().dump(YAML(typ="safe").load(RULES)["spec"], out)
    return rules


def run(promtool: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)


def test_the_rules_are_valid(promtool: Path, rules: Path) -> None:
    done = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", rules)
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_fire_when_they_should_and_not_otherwise(promtool: Path, rules: Path) -> None:
    cases = shutil.copy(CASES, rules.parent)
    done = run(promtool, "test", "rules", cases)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_changed_threshold_fails_the_cases(promtool: Path, rules: Path) -> None:
    text = rules.read_text()
    assert "p99_5m > 0.25" in text
    rules.write_text(text.replace("p99_5m > 0.25", "p99_5m > 5"))
    cases = shutil.copy(CASES, rules.parent)
    done = run(promtool, "test", "rules", cases)
    assert done.returncode == 1
    assert "BluegridSlow" in done.stderr


def test_every_alert_has_a_case() -> None:
    groups = YAML(typ="safe").load(RULES)["spec"]["groups"]
    alerts = [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]
    cases = CASES.read_text()
    assert len(alerts) > 15
    assert [alert for alert in alerts if alert not in cases] == []
