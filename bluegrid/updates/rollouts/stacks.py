"""Updates the server's stacks by Pulumi's Automation API.

Stack files are copied, with the server's registry in place of the registry that they name. The program, the
stacks and their states are the same that people use.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from bluegrid.project import (
    AT_ONCE,
    Project,
    UpFailed,
    Urns,
    WholeServices,
    copy_with_registry,
    exported_resources,
    find_stack,
    pulumi_environment,
    reason_of,
    stack_names,
    update_of_clusters,
)
from bluegrid.updates.registry_source.source import snapshot
from bluegrid_registry import ConfigError, contract

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pulumi import automation

    from bluegrid.project import PartialUpdate, Stack, Target
    from bluegrid.updates.registry_source.source import RegistrySource
    from bluegrid_registry import OfferedService, Service

LOCKED_SECONDS = 600.0
"""How long an update waits for somebody else's update of the same stack, in seconds."""
LOCK_RETRY_SECONDS = 2.0
_LOCKED_BY = re.compile(r"created by \S+@(?P<host>\S+) \(pid (?P<pid>\d+)\)")

log = structlog.get_logger()


@dataclass(frozen=True)
class Stacks:
    """Stacks of one program.

    Attributes:
        program: folder of the Pulumi program.
        files: folder of the stacks' files.
        names: the stacks to update, in order.
        folder: for the copies of stack files and of the registry.
        source: the registry.
    """

    program: Path
    files: Path
    names: tuple[str, ...]
    folder: Path
    source: RegistrySource

    @property
    def project(self) -> str:
        """The name of the program's project.

        Raises:
            ConfigError: the program is not in a project.
        """
        return Project.find(self.program).name

    def of(self, service: Service) -> list[Stack]:
        """Copy all stacks' files, and return the stacks that have the service, in order.

        Raises:
            ConfigError: a stack has no file, or it does not say where its region runs.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for name in {*stack_names(self.files), *self.names}:
            copy_with_registry(find_stack(self.files, name), self.folder / "registry", self.folder)
        stacks = [find_stack(self.folder, name) for name in self.names]
        return [stack for stack in stacks if stack.has(service)]

    def declared(self) -> list[Stack]:
        """Return the stacks, by their own files, in order.

        Raises:
            ConfigError: a stack has no file, or it does not say where its region runs.
        """
        return [find_stack(self.files, name) for name in self.names]

    def up_target(self, stack: Stack, target: Target, *, at_once: bool = False) -> None:
        """Make clusters live.

        Args:
            stack: the stack, by a copy of its file.
            target: the resources.
            at_once: whether routes do not wait for the pods of a cluster that takes over.

        Raises:
            UpFailed: the update failed, or the stack stayed locked.
        """
        self._up(stack, target.update(self._urns(stack)), AT_ONCE if at_once else {})

    def up_clusters(self, stack: Stack, service: str, clusters: Sequence[str]) -> None:
        """Make, change or delete clusters of a service, as the registry declares them; its live route stays.

        Raises:
            UpFailed: the update failed, or the stack stayed locked.
            ConfigError: the stack's state cannot be read.
        """
        declared = self._offered(stack)[service].clusters
        update = update_of_clusters(
            self._urns(stack), service, clusters, declared, self._resources_made(stack)
        )
        self._up(stack, update, {})

    def up_service(self, stack: Stack, service: str) -> None:
        """Make a service, or delete one that the registry does not declare any more.

        Raises:
            UpFailed: the update failed, or the stack stayed locked.
            ConfigError: the stack's state cannot be read.
        """
        offered = self._offered(stack)
        update = WholeServices((service,)).update(self._urns(stack), offered, self._resources_made(stack))
        self._up(stack, update, {} if service in offered else {contract.ALLOW_DELETE: service})

    def _urns(self, stack: Stack) -> Urns:
        return Urns(self.project, stack.name, stack.with_gateway)

    def _offered(self, stack: Stack) -> Mapping[str, OfferedService]:
        return stack.offered(self.source.valid().registry)

    def _resources_made(self, stack: Stack) -> Sequence[dict[str, Any]]:
        return exported_resources(stack.name, self.program) or []

    def _up(self, stack: Stack, update: PartialUpdate, more: Mapping[str, str]) -> None:
        """Refresh and update resources of a stack: an earlier update may have been interrupted."""
        # Imported here, because loading it takes half a second.
        from pulumi import automation

        # A copy, because other threads of the server change the registry meanwhile.
        snapshot(self.source, self.folder)
        deadline = time.monotonic() + LOCKED_SECONDS
        variables = {**update.variables, **more}
        while True:
            printed: list[str] = []
            try:
                self._up_once(stack, update.urns, variables, printed.append)
            except automation.ConcurrentUpdateError as error:
                if time.monotonic() > deadline:
                    raise UpFailed(
                        f"pulumi up: {stack.name} is locked by somebody else's update; if there is none, "
                        f"`pulumi cancel --stack {stack.name}`"
                    ) from None
                if _is_left_behind(str(error)):
                    log.warning("the lock of an update that has died is taken away", stack=stack.name)
                    self._select(stack).cancel()
                time.sleep(LOCK_RETRY_SECONDS)
            except automation.CommandError as error:
                lines = [line for text in printed for line in text.splitlines()]
                raise UpFailed(f"pulumi up: {reason_of(lines) or str(error).splitlines()[0]}") from None
            except FileNotFoundError:
                raise ConfigError("pulumi is not on PATH; install it, and start the server again") from None
            else:
                log.info("pulumi up", stack=stack.name, seconds=_seconds(printed))
                return

    def services_made(self, stack: Stack) -> frozenset[str]:
        """Return the services of which a stack's state has resources; empty: there is no such stack yet.

        Raises:
            ConfigError: the state cannot be read.
        """
        resources = self._resources_made(stack)
        labels = ((each.get("inputs") or {}).get("metadata") or {} for each in resources)
        found = (
            each.get("labels", {}).get(f"{contract.LABEL}/service")
            for each in labels
            if isinstance(each, dict)
        )
        return frozenset(str(name) for name in found if name)

    def _up_once(
        self,
        stack: Stack,
        targets: Sequence[str],
        variables: Mapping[str, str],
        on_output: Callable[[str], object],
    ) -> None:
        with pulumi_environment(variables) as environment:
            self._select(stack, environment).up(
                target=[*targets],
                refresh=True,
                run_program=True,
                config_file=str(stack.file),
                color="never",
                show_secrets=False,
                on_output=on_output,
                on_error=on_output,
            )

    def _select(self, stack: Stack, variables: Mapping[str, str] | None = None) -> automation.Stack:
        from pulumi import automation

        # The server never updates a whole stack, so resources that are not declared any more stay.
        commit = self.source.health.commit
        # Noted in the stack, so that an older checkout does not undo this update.
        noted = {contract.REGISTRY_COPY: f"{commit} {self.source.registry.absolute()}"} if commit else {}
        options = automation.LocalWorkspaceOptions(env_vars={**noted, **(variables or {})})
        return automation.select_stack(stack.name, work_dir=str(self.program), opts=options)


def _is_left_behind(message: str) -> bool:
    """Whether all holders of a stack's lock were processes of this machine that have ended."""
    holders = [match.groupdict() for match in _LOCKED_BY.finditer(message)]
    return bool(holders) and all(
        each["host"] == socket.gethostname() and not _lives(int(each["pid"])) for each in holders
    )


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # A process of another user.
        return True
    return True


def _seconds(printed: Sequence[str]) -> str:
    """Return the duration that Pulumi printed."""
    return next((line.split()[-1] for line in reversed(printed) if "Duration:" in line), "")
