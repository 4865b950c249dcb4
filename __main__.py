"""The program behind `pulumi up`: the stack's settings -> the registry's services -> their URLs."""

from __future__ import annotations

from bluegrid_components import ModelServices, read_config, run


def main() -> dict[str, object]:
    """Make the services of the stack's region."""
    return {"urls": ModelServices("platform", read_config()).urls}


run(main)
