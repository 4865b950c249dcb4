"""What a promotion would change in a region: a preview on copies of the registry and the stack's file."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from model_registry import ConfigError, Registry, switch
from previews import Plan, read_plan
from promotion.live_route import Target
from promotion.stack_files import copy_with_registry

if TYPE_CHECKING:
    from promotion.stack_files import Stack


def rehearse(registry: Path, service: str, cluster: str, stack: Stack) -> Plan:
    """Preview the switch of one region; neither the registry nor the stack's file is touched.

    Raises:
        ConfigError: there is no `pulumi`.
        BluegridError: the registry refuses the switch, or what Pulumi printed cannot be read.
    """
    with TemporaryDirectory() as folder:
        target = Target.of(Registry.load(registry).service(service), cluster)
        copy, preview = Path(folder) / "registry", Path(folder) / "preview.json"
        shutil.copytree(registry, copy)
        switch(copy, service, cluster, stack.region)
        file = copy_with_registry(stack, copy, Path(folder))
        command = ["pulumi", "preview", "--json", "--show-sames", "--non-interactive"]
        command += [*target.options(stack.name), "--config-file", str(file)]
        try:
            with preview.open("wb") as printed:
                subprocess.run(command, stdout=printed, stderr=subprocess.DEVNULL, check=False)
        except FileNotFoundError:
            raise ConfigError("pulumi is not on PATH; install it, and run this again") from None
        return read_plan(preview)
