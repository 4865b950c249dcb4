"""The command `bluegrid`, and what it does.

    cli/          the commands
    updates/      the update server and its page: updates by request and on a schedule
    promotion/    a switch region by region, watched, and undone if it fails
    tour/         a tour on one machine, and the models that it and the demo train
    local/        a version on this machine, by the server of the pods
    observability/  rules, monitors and a dashboard, as files
    operations/   what runs, read from Kubernetes and the pods
    policy/       the rules of previews as a policy pack
    project/      a user's project, its stacks, and runs of Pulumi
    previews/     a report on a plan of Pulumi, and rules for it

Each imports only what stands below it, and the registry (`bluegrid_registry`).
"""

from __future__ import annotations

__version__: str


def __getattr__(name: str) -> object:
    """Read the version of the installed distribution, only when it is used: reading takes milliseconds."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("bluegrid")
