"""A state folder with everything that the demo's commands share, and the commands that run in it.

<state>/registry/       copies of the example's registry files: what `bluegrid` edits and Pulumi reads
<state>/pulumi/         the Pulumi backend
<state>/Pulumi.*.yaml   settings of the stack, or of several stacks that share this folder
<state>/passphrase      generated; encrypts the stack's secrets
<state>/env.sh          the environment, to be sourced by people
<state>/temporary/      what the commands leave, such as the kubeconfigs of Pulumi's provider
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from bluegrid_registry import BluegridError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tools.demo.place import Place

STACK = "demo"
SERVICE = "line-loading"
SET = "g1"

NOISE = re.compile(r"^\s*$|^@ |ing \(\d+s\)|using pulumi-[a-z-]+ from \$PATH")
"""Lines of `pulumi` that the demo does not print: the progress of each resource before its end."""


class CommandError(BluegridError):
    """A command of the demo ended with an exit code other than 0."""


@dataclass(frozen=True)
class Ran:
    """One command that ended: what it printed and how long it took."""

    command: str
    exit_code: int
    output: str
    seconds: float

    def json(self) -> Any:
        """Return its output, parsed as JSON."""
        return json.loads(self.output)

    def require(self) -> Ran:
        """Return this result if the command succeeded.

        Raises:
            CommandError: the command failed; the message ends with its output.
        """
        if self.exit_code != 0:
            raise CommandError(
                f"`{self.command}` ended with exit code {self.exit_code}:\n{self.output[-4000:]}"
            )
        return self


def end_leftovers(stack_file: Path) -> None:
    """End the `pulumi` of a demo that was killed; otherwise it would continue to change the cluster."""
    leftovers = [
        each
        for each in psutil.process_iter(["name", "cmdline"])
        # By name too: an editor may have the file open.
        if each.info["name"] == "pulumi" and str(stack_file) in (each.info["cmdline"] or ())
    ]
    for process in leftovers:
        process.send_signal(signal.SIGINT)
    _, stubborn = psutil.wait_procs(leftovers, timeout=20)
    for process in stubborn:
        process.kill()


class Workspace:
    """One state folder and the environment that its commands run in."""

    def __init__(
        self,
        checkout: Path,
        state: Path,
        place: Place,
        programs: Path,
        echo: Callable[[str], None],
        stack: str = STACK,
        host: str | None = None,
        backend: str | None = None,
    ) -> None:
        self.checkout, self.state, self.place, self.echo = checkout, state, place, echo
        self.stack, self.host = stack, host
        self.namespace = f"bluegrid-{stack}"
        self.registry = state / "registry"
        self.stack_file = state / f"Pulumi.{stack}.yaml"
        self.programs, self._backend = programs, backend or f"file://{state / 'pulumi'}"

    def create(self) -> None:
        """Lay out a new workspace with an empty stack; end and replace what an earlier run left."""
        end_leftovers(self.stack_file)
        shutil.rmtree(self.state, ignore_errors=True)
        for folder in (self.registry, self.state / "pulumi", self._project):
            folder.mkdir(parents=True)
        # `stack init` has no --config-file: in the checkout it would write into stacks/.
        (self._project / "Pulumi.yaml").write_text("{name: bluegrid, runtime: python}")
        passphrase = self.state / "passphrase"
        passphrase.touch(mode=0o600)
        passphrase.write_text(secrets.token_urlsafe(32))
        env = self.state / "env.sh"
        env.touch(mode=0o600)
        env.write_text(
            "".join(f"export {name}={shlex.quote(value)}\n" for name, value in self.environment.items())
        )
        self.add_stack()

    def add_stack(self) -> None:
        """Make the stack, empty; in a workspace of another stack, both share everything."""
        kubectl = ("kubectl", "--context", self.place.context)
        self.run(*kubectl, "delete", "namespace", self.namespace, "--ignore-not-found").require()
        self.run("pulumi", "--cwd", str(self._project), "stack", "init", self.stack).require()
        plain, secret = self._stack_config()
        options = [f"--plaintext=bluegrid:{key}={value}" for key, value in plain.items()]
        options += [f"--secret=bluegrid:{key}={value}" for key, value in secret.items()]
        self.pulumi("config", "set-all", *options).require()

    @property
    def _project(self) -> Path:
        return self.state / "project"

    def pulumi(self, *arguments: str) -> Ran:
        """Run the literal `pulumi` in the checkout, on this workspace's stack."""
        return self.run(*self.pulumi_command(*arguments))

    def pulumi_command(self, *arguments: str) -> list[str]:
        """Return the command that `pulumi` runs."""
        return ["pulumi", *arguments, "--stack", self.stack, "--config-file", str(self.stack_file)]

    def bluegrid(self, *arguments: str) -> Ran:
        """Run the command `bluegrid` as a user would."""
        return self.run("bluegrid", *arguments)

    def run(self, *command: str) -> Ran:
        """Run a command with the workspace's environment; keep its output and echo it line by line.

        Output for machines (`--json`) is not echoed, and is kept without standard error.
        """
        shown = shlex.join(each for each in command if not each.startswith("--secret"))
        self.echo(f"$ {shown}")
        machine = "--json" in command
        started = time.monotonic()
        lines = []
        with self.start(*command, errors=not machine) as process:
            for line in process.stdout or ():
                lines.append(line)
                if not machine and not NOISE.search(line):
                    self.echo(f"  {line.rstrip()}")
        return Ran(shown, process.returncode, "".join(lines), time.monotonic() - started)

    def start(self, *command: str, errors: bool = True) -> subprocess.Popen[str]:
        """Start a command with the workspace's environment; the caller reads its output."""
        temporary = self.state / "temporary"
        temporary.mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            command,
            cwd=self.checkout,
            env=os.environ | self.environment | {"TMPDIR": str(temporary)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if errors else subprocess.DEVNULL,
            text=True,
        )

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that its commands run with."""
        venv = os.path.dirname(sys.executable)  # noqa: PTH120  not resolved: a venv's python is a link
        return {
            "PATH": f"{self.programs}:{venv}:{os.environ['PATH']}",
            "KUBECONFIG": str(self.place.kubeconfig),
            "PULUMI_HOME": str(self.state / "pulumi-home"),
            "PULUMI_BACKEND_URL": self._backend,
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.state / "passphrase"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "BLUEGRID_REGISTRY": str(self.registry),
            "BLUEGRID_STORE": self.place.store,
            "BLUEGRID_STACK": self.stack,
            "BLUEGRID_STACKS": str(self.state),
            "BLUEGRID_KUBE_CONTEXT": self.place.context,
            "BLUEGRID_NAMESPACE": self.namespace,
            "BLUEGRID_ROUTE_ADDRESS": self.place.route_url,
            "AWS_ACCESS_KEY_ID": self.place.writer.access_key,
            "AWS_SECRET_ACCESS_KEY": self.place.writer.secret_key,
        }

    def _stack_config(self) -> tuple[dict[str, str], dict[str, str]]:
        plain = {
            "registry": str(self.registry),
            "kubeContext": self.place.context,
            "kubeconfig": str(self.place.kubeconfig),
            "namespace": self.namespace,
            "store": self.place.store,
            "image": self.place.image,
            "ingressClass": self.place.ingress_class,
            "routeAddress": self.place.route_url,
            "requestFactor": "0.05",
            "readyTimeout": "120",
            "host": self.host or "",
        }
        secret = {
            "storeAccessKey": self.place.reader.access_key,
            "storeSecretKey": self.place.reader.secret_key,
            "routeKey": secrets.token_urlsafe(32),
        }
        return plain, secret
