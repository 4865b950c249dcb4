"""The compiler in a key of the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.toolchain.errors import ToolchainError
from tools.toolchain.keys import this_platform

if TYPE_CHECKING:
    from pathlib import Path


def test_an_old_compiler_is_refused_in_one_line(go: Path, command: object) -> None:
    script = go.parent / "commands" / "go"
    script.write_text(script.read_text().replace("go1.26.8", "go1.25.3"))
    with pytest.raises(
        ToolchainError, match=r"^go1\.25\.3 is too old: .* Go 1\.26 or later; install it from \S+$"
    ):
        this_platform()
    this_platform.cache_clear()
