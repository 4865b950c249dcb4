"""`pulumi up` of one service's live route, and of no clusters but those that it is to lead to.

Another cluster of the stack that cannot start must not hold up a switch. Where standbys have fewer pods,
those of the new cluster come first; an autoscaled one is brought to as many as the old one has, by its
autoscaler (bluegrid_components/takeover.py). What the old one gives up is left to the next whole update:
until then going back takes no start of pods.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid_registry import BluegridError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bluegrid_registry import Service

PARTIAL: Mapping[str, str] = {"BLUEGRID_PARTIAL_UPDATE": "1"}
"""Tells the program, in bluegrid_components/applied_commit.py, that an update is of named targets: going back
needs no newest checkout."""
AT_ONCE: Mapping[str, str] = {"BLUEGRID_AT_ONCE": "1"}
"""Tells the program, in bluegrid_components/takeover.py, that the route waits for no pods."""
_ROUTE = "urn:pulumi:{stack}::bluegrid::**::{service}"
_PODS = "urn:pulumi:{stack}::bluegrid::**$kubernetes:apps/v1:Deployment::{service}-{cluster}"
_AUTOSCALER = (
    "urn:pulumi:{stack}::bluegrid::**$kubernetes:autoscaling/v2:HorizontalPodAutoscaler::{service}-{cluster}"
)
_ERROR = "error: "
_NO_NEWS = f"{_ERROR}update failed"
_NEVER_UP = re.compile(
    r"depends on 'urn:pulumi:(?P<stack>[^:]+)::.*::(?P<name>[^:']+)' which .*not specified in --target list"
)


class UpFailed(BluegridError):  # noqa: N818 - named after what happened
    """`pulumi up` ended with another exit code than 0; the message is its own, on one line."""


@dataclass(frozen=True)
class Target:
    """What an update touches that makes clusters live.

    Attributes:
        service: name of the service.
        clusters: their IDs; behind an Ingress it is one.
        are_scaled: whether clusters have more pods when they are live.
        autoscaled: those of the clusters that have an autoscaler.
        with_route: whether the live route is touched.
    """

    service: str
    clusters: tuple[str, ...]
    are_scaled: bool
    autoscaled: tuple[str, ...] = ()
    with_route: bool = True

    @classmethod
    def of(cls, service: Service, *clusters: str) -> Target:
        """Return what makes declared clusters of the service live."""
        autoscaled = tuple(each for each in clusters if service.cluster(each).autoscaling)
        return cls(service.name, clusters, service.standby_replicas is not None, autoscaled)

    @classmethod
    def autoscaler_of(cls, service: Service, cluster: str) -> Target:
        """Return a cluster's autoscaler alone."""
        return cls(service.name, (cluster,), are_scaled=False, autoscaled=(cluster,), with_route=False)

    def options(self, stack: str) -> list[str]:
        """Return the options by which `pulumi` touches nothing else."""
        return ["--stack", stack, *(f"--target={urn}" for urn in self.urns(stack))]

    def urns(self, stack: str) -> list[str]:
        """Return patterns of the resources' URNs in a stack."""
        urns = [_ROUTE.format(stack=stack, service=self.service)] if self.with_route else []
        for pattern, clusters in (
            (_PODS, self.clusters if self.are_scaled else ()),
            (_AUTOSCALER, self.autoscaled),
        ):
            urns += [pattern.format(stack=stack, service=self.service, cluster=each) for each in clusters]
        return urns


def up_command(target: Target, stack: str, config_file: Path | str | None) -> list[str]:
    """Return the command; without a file, Pulumi finds the stack's own.

    It reads the route anew: after an update that was interrupted in the gate, the state has the old backend
    and Kubernetes the new one, and without a look Pulumi would find nothing to do.
    """
    more = [] if config_file is None else ["--config-file", str(config_file)]
    return ["pulumi", "up", "--yes", "--skip-preview", "--refresh", *target.options(stack), *more]


def up(target: Target, stack: str, config_file: Path, *, at_once: bool = False) -> None:
    """Run it, and wait for it.

    Args:
        target: what is touched.
        stack: its name.
        config_file: of the stack.
        at_once: whether the route waits for no pods of a cluster that takes over.

    Raises:
        UpFailed: it did not succeed.
        KeyboardInterrupt: we were interrupted; Pulumi was told so, and has ended in good order.
        ConfigError: there is no `pulumi`.
    """
    variables = {**PARTIAL, **(AT_ONCE if at_once else {})}
    command = [*up_command(target, stack, config_file), "--non-interactive"]
    with _running(command, variables) as pulumi:
        told, _ = pulumi.communicate()
    if pulumi.returncode != 0:
        raise UpFailed(f"pulumi up: {reason_of(told.splitlines()) or f'exit code {pulumi.returncode}'}")


@contextmanager
def _running(command: Sequence[str], variables: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a program that is interrupted by us, and never killed: a killed Pulumi leaves its stack locked."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **variables},
            # Else the terminal's Ctrl-C would reach it beside ours, and two make it drop all it does.
            process_group=0,
        )
    except FileNotFoundError:
        raise ConfigError(f"{command[0]} is not on PATH; install it, and run this again") from None
    try:
        yield process
    except KeyboardInterrupt:
        _interrupt(process)
        raise


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Have it end, as Ctrl-C would: the first time when its current step is done, the second at once."""
    while True:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate()
        except KeyboardInterrupt:
            continue
        return


def reason_of(lines: Sequence[str]) -> str:
    """Return the errors among what Pulumi prints, each once."""
    errors = [line.strip() for line in lines if line.strip().startswith(_ERROR)]
    told = dict.fromkeys(_plain(error.removeprefix(_ERROR)) for error in errors if error != _NO_NEWS)
    return "; ".join(told) or next((line.strip() for line in reversed(lines) if line.strip()), "")


def _plain(error: str) -> str:
    """Return an error of Pulumi's; where it speaks of targets, which people have not given, what to do."""
    if found := _NEVER_UP.search(error):
        stack = found["stack"]
        return f"stack {stack} has no {found['name']} yet; bring it up once: `pulumi up --stack {stack}`"
    return error
