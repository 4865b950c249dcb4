"""Which files of tokens are accepted, and over which connections tokens may be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid.updates.api.token_file import Tokens
from bluegrid.updates.serve import Listening
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("- {name: a, scopes: [fly], sha256: " + "a" * 64 + "}", "0.scopes"),
        ("- {name: a, scopes: [read], sha256: secret}", "0.sha256"),
        (("- {name: a, scopes: [read], sha256: " + "a" * 64 + "}\n") * 2, "a is there twice"),
        ("{", "cannot be read"),
    ],
)
def test_a_file_of_tokens_with_a_mistake_is_refused(tmp_path: Path, rows: str, reason: str) -> None:
    file = tmp_path / "tokens.yaml"
    file.write_text(rows)
    with pytest.raises(ConfigError) as refused:
        Tokens(file)
    assert str(refused.value).startswith(f"{file}: {reason}")
    assert "\n" not in str(refused.value)


def test_tokens_never_travel_in_clear_over_a_network() -> None:
    with pytest.raises(ConfigError, match="--tls-cert"):
        Listening("0.0.0.0", 0).check()
    Listening("127.0.0.1", 0).check()


@pytest.mark.parametrize(
    ("content", "fault"),
    [(None, "No such file or directory"), ("x", "not a certificate and its key, as PEM files")],
)
def test_tls_files_that_cannot_be_used_are_named(tmp_path: Path, content: str | None, fault: str) -> None:
    cert, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    for file in (cert, key) if content else ():
        file.write_text(content or "")
    with pytest.raises(ConfigError) as refused:
        Listening("127.0.0.1", 0, cert, key).check()
    assert str(refused.value) == f"--tls-cert {cert}, --tls-key {key}: cannot be used: {fault}"
