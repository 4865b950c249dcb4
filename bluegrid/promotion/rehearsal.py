"""Rehearsal of a promotion in a region: a preview on copies of the registry and the stack's file."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bluegrid.previews import read_plan, sentences_of
from bluegrid.project import Project, Target, Urns, copy_with_registry, pulumi_environment
from bluegrid.states import changes_between, states_of_objects
from bluegrid_registry import ConfigError, Registry, switch

if TYPE_CHECKING:
    from bluegrid.project import Stack


@dataclass(frozen=True)
class Rehearsal:
    """The effects of a switch in one region.

    Attributes:
        changes: of the service, each a sentence.
        steps: of Pulumi, each a line.
        errors: why Pulumi would refuse.
    """

    changes: tuple[str, ...]
    steps: tuple[str, ...]
    errors: tuple[str, ...]


def rehearse(
    registry: Path, service: str, cluster: str, stack: Stack, program: Path | None = None
) -> Rehearsal:
    """Preview the switch of one region; neither the registry nor the stack's file is touched.

    Args:
        registry: the folder of YAML.
        service: the service to switch.
        cluster: the cluster that would be live.
        stack: of the region.
        program: folder of the Pulumi program; None: the working directory.

    Raises:
        ConfigError: there is no `pulumi`.
        BluegridError: the registry refuses the switch, or Pulumi's output cannot be read.
    """
    with TemporaryDirectory() as folder:
        target = Target.of(Registry.load(registry).service(service), cluster)
        copy, preview = Path(folder) / "registry", Path(folder) / "preview.json"
        shutil.copytree(registry, copy)
        switch(copy, service, cluster, stack.region)
        file = copy_with_registry(stack, copy, Path(folder))
        command = ["pulumi", "preview", "--json", "--show-sames", "--non-interactive"]
        update = target.update(Urns(Project.find(program).name, stack.name, stack.with_gateway))
        command += ["--stack", stack.name, *update.targets, "--config-file", str(file)]
        try:
            with preview.open("wb") as printed, pulumi_environment(update.variables) as environment:
                subprocess.run(
                    command,
                    stdout=printed,
                    stderr=subprocess.DEVNULL,
                    cwd=program,
                    env=environment,
                    check=False,
                )
        except FileNotFoundError:
            raise ConfigError("pulumi is not on PATH; install it, and run this again") from None
        plan = read_plan(preview)
    before, after = (states_of_objects(each) for each in (plan.objects_before(), plan.objects_after()))
    changes = changes_between(before, after)
    return Rehearsal(
        # Without the Markdown emphasis of the report.
        changes=tuple(
            line.replace("**", "") for each in changes if each.name == service for line in sentences_of(each)
        ),
        steps=tuple(plan.listed().splitlines()),
        errors=tuple(plan.errors),
    )
