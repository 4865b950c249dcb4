"""The floor: a stack of the same objects, declared by a flat loop.

Its state is made from our stack's state: the existing objects with their recorded inputs and outputs, without
components, hooks and dependencies between objects. The benchmark requires an update of it that finds nothing
to change, which shows that both programs declare the same objects.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.demo.workspace import Ran, Workspace

STACK = "floor"
_PROGRAM = Path(__file__).with_name("floor_program")
_SECRET = ("4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270")
"""How Pulumi marks a secret: sdk/go/common/resource/properties.go."""
_KEPT = ("custom", "id", "type", "inputs", "outputs", "created", "modified")


class Floor:
    """The flat program beside a workspace's stack, in the same backend."""

    def __init__(self, work: Workspace) -> None:
        self._work = work
        self._folder = work.state / STACK
        self._objects = work.state / "floor.json"
        # Outside of the checkout, because Pulumi writes the stack's settings beside its program.
        shutil.copytree(_PROGRAM, self._folder)
        (self._folder / ".venv").symlink_to(work.checkout / ".venv")
        self.pulumi("stack", "init").require()

    def pulumi(self, *arguments: str, variables: Sequence[str] = ()) -> Ran:
        """Run `pulumi` on the flat program, with `NAME=VALUE` added to the environment."""
        settings = (f"BLUEGRID_FLOOR={self._objects}", *variables)
        return self._work.run(
            "env", *settings, "pulumi", "--cwd", str(self._folder), *arguments, "--stack", STACK
        )

    def take_over(self) -> int:
        """Declare the present objects of our stack; return their number.

        Raises:
            CommandError: the flat program would change an object: it does not declare the same objects.
        """
        state = self._work.state / "deployment.json"
        export = ("stack", "export", "--show-secrets", "--file", str(state), "--stack", self._work.stack)
        self._work.run("pulumi", "--cwd", str(self._work.state / "project"), *export).require()
        exported = json.loads(state.read_bytes())
        resources = exported["deployment"]["resources"]
        exported["deployment"]["resources"] = flat(resources, self._work.stack)
        state.write_text(json.dumps(exported))
        objects = [inputs_of(each) for each in resources if each["type"].startswith("kubernetes:")]
        provider = {
            "context": self._work.place.context,
            "kubeconfig": str(self._work.place.kubeconfig),
            "enable_secret_mutable": True,
        }
        self._objects.touch(mode=0o600)
        self._objects.write_text(json.dumps({"provider": provider, "objects": objects}))
        self.pulumi("stack", "import", "--file", str(state)).require()
        state.unlink()
        # The first update rewrites Pulumi's records of all objects, and takes as long as creating them.
        update = ("up", "--yes", "--skip-preview", "--expect-no-changes")
        self.pulumi(*update, variables=("PULUMI_SKIP_CHECKPOINTS=true",)).require()
        return len(objects)


def flat(resources: Sequence[Mapping[str, Any]], stack: str) -> list[dict[str, Any]]:
    """Return the stack, its provider and its objects, each with the stack as its only parent."""
    root = f"urn:pulumi:{STACK}::bluegrid::pulumi:pulumi:Stack::bluegrid-{STACK}"
    flat = [{"urn": root, "custom": False, "type": "pulumi:pulumi:Stack"}]
    for each in resources:
        if each["type"].startswith(("kubernetes:", "pulumi:providers:")):
            own = {name: each[name] for name in _KEPT if name in each}
            own |= {"urn": _urn(each["urn"]), "parent": root}
            if "provider" in each:
                own["provider"] = each["provider"].replace(f"urn:pulumi:{stack}::", f"urn:pulumi:{STACK}::")
            flat.append(own)
    return flat


def _urn(urn: str) -> str:
    """Return the URN that an object has without the components around it."""
    _, project, kinds, name = re.fullmatch(r"urn:pulumi:(.+?)::(.+?)::(.+?)::(.+)", urn).groups()  # type: ignore[union-attr]
    return f"urn:pulumi:{STACK}::{project}::{kinds.rpartition('$')[2]}::{name}"


def inputs_of(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object in the flat program's form: type, name, inputs, and names of secret inputs."""
    inputs = {
        name: value
        for name, value in resource["inputs"].items()
        if name not in ("apiVersion", "kind") and not name.startswith("__")
    }
    return {
        "type": resource["type"],
        "name": resource["urn"].rpartition("::")[2],
        "inputs": {_snake(name): _revealed(value) for name, value in inputs.items()},
        "secret": [_snake(name) for name, value in inputs.items() if _revealed(value) != value],
    }


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def _revealed(value: Any) -> Any:
    """Return the value without the marks of secrets."""
    if isinstance(value, dict):
        if value.get(_SECRET[0]) == _SECRET[1]:
            return json.loads(value["plaintext"])
        return {name: _revealed(each) for name, each in value.items()}
    return [_revealed(each) for each in value] if isinstance(value, list) else value
