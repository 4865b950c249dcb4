"""Program of `pulumi up`: reads the stack's settings, makes the registry's services, returns their URLs."""

from __future__ import annotations

from bluegrid_components import ModelServices, read_config, run


def main() -> dict[str, object]:
    """Make the services of the stack's region; return the stack's outputs."""
    return {"urls": ModelServices("platform", read_config()).urls}


run(main)
