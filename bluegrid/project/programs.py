"""Programs that a project needs on PATH."""

from __future__ import annotations

from bluegrid_registry import ConfigError


def not_on_path(program: str) -> ConfigError:
    """Return the error to raise if a program is not found."""
    return ConfigError(f"{program} is not on PATH; install it, and run this again")
