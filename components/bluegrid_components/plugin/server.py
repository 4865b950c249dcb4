"""`pulumi-resource-bluegrid`: Pulumi starts it, and reads a port from its first line."""

from __future__ import annotations

import sys
from importlib.metadata import version

from pulumi.provider import main as serve

from bluegrid_components.plugin.provider import ServicesProvider
from bluegrid_components.sdk import tune_sdk

_DISTRIBUTION = "bluegrid-components"


def main() -> None:
    """Serve the package until Pulumi ends this process."""
    tune_sdk()
    serve(ServicesProvider(version(_DISTRIBUTION)), sys.argv[1:])


if __name__ == "__main__":
    main()
