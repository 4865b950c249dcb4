"""The state of a stack, and copies of it with some of the stack's services, for previews.

Pulumi copies and reports every resource of a stack, also those that a preview does not concern
(docs/adr/0047-previews-of-what-changed.md). So a preview of some services runs in a copy of the stack without
the others, in a folder that is removed afterwards.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from bluegrid.project.runner import exported_state
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from bluegrid.project.project import Project

_STACK = "pulumi:pulumi:Stack"
_SERVICE = "bluegrid:serving:ModelService"
_URLS, _COMMIT = "urls", "commit"
"""Outputs of a stack: bluegrid_components/checks."""
_FOLDER = "file://"
"""Begins the URL of a backend in a folder."""
_SELF_CONTAINED = ("passphrase", "cloud")
"""Kinds of secrets providers that decrypt without Pulumi Cloud:
https://www.pulumi.com/docs/iac/concepts/secrets/#available-encryption-providers"""


@dataclass(frozen=True)
class StackState:
    """The state of a stack; its secrets stay encrypted.

    Attributes:
        version: of the format.
        deployment: the resources, and what encrypts their secrets.
    """

    version: int
    deployment: Mapping[str, Any]

    @classmethod
    def read(cls, stack: str, project: Project) -> StackState | None:
        """Return the state of a stack; None: there is no such stack, or it cannot be read.

        `pulumi stack export` decodes and encodes all resources, 3.6 s of CPU for 500 services. A state in a
        folder is read from its file, in a tenth of that.

        Args:
            stack: name of the stack.
            project: of the stack.
        """
        return cls._of_file(stack, project) or cls._exported(stack, project)

    @classmethod
    def _of_file(cls, stack: str, project: Project) -> StackState | None:
        """Return the state of a stack whose backend is a folder; None: it is not, or has another layout."""
        url = os.environ.get("PULUMI_BACKEND_URL", "")
        if not url.startswith(_FOLDER):
            return None
        backend = Path(url.removeprefix(_FOLDER).partition("?")[0]).expanduser()
        try:
            content = from_json(_file_in(backend, project.name, stack).read_bytes())
            return cls(content["version"], content["checkpoint"]["latest"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @classmethod
    def _exported(cls, stack: str, project: Project) -> StackState | None:
        try:
            exported = exported_state(stack, project.folder)
        except ConfigError:
            return None
        return None if exported is None else cls(exported["version"], exported["deployment"])

    @property
    def resources(self) -> Sequence[Mapping[str, Any]]:
        """Its resources, parents before their children."""
        resources: Sequence[Mapping[str, Any]] = self.deployment.get("resources") or ()
        return resources

    @property
    def can_be_copied(self) -> bool:
        """Whether it has resources, and a copy in a folder can decrypt their secrets."""
        provider = (self.deployment.get("secrets_providers") or {}).get("type")
        return bool(self.resources) and provider in _SELF_CONTAINED

    @property
    def applied_commit(self) -> str | None:
        """The commit of the registry that was applied last; None: it is not known."""
        outputs = (each.get("outputs") or {} for each in self.resources if each["type"] == _STACK)
        commit = next(outputs, {}).get(_COMMIT)
        return commit if isinstance(commit, str) else None

    def of_others(self, services: Collection[str]) -> Iterator[Mapping[str, Any]]:
        """Yield the resources of other services than these."""
        service_of: dict[str, str | None] = {}
        for each in self.resources:
            inherited = service_of.get(each.get("parent", ""))
            own = each["urn"].rpartition("::")[2] if each["type"] == _SERVICE else inherited
            service_of[each["urn"]] = own
            if own is not None and own not in services:
                yield each

    def with_services(self, services: Collection[str]) -> StackState:
        """Return the state without the resources of other services than these, and without URLs."""
        others = {each["urn"] for each in self.of_others(services)}
        kept = [_without_urls(each) for each in self.resources if each["urn"] not in others]
        operations = [
            each
            for each in self.deployment.get("pending_operations") or ()
            if each["resource"]["urn"] not in others
        ]
        return StackState(
            self.version, {**self.deployment, "resources": kept, "pending_operations": operations}
        )

    def write(self, backend: Path, project: str, stack: str) -> None:
        """Write the state as that of a stack into a folder that becomes a backend: `file://<folder>`.

        Args:
            backend: an empty folder.
            project: name of the project.
            stack: name of the stack.
        """
        file = _file_in(backend, project, stack)
        file.parent.mkdir(parents=True)
        (backend / ".pulumi" / "meta.yaml").write_text("version: 1\n")
        checkpoint = {"stack": f"organization/{project}/{stack}", "latest": self.deployment}
        content = {"version": self.version, "checkpoint": checkpoint}
        file.write_text(json.dumps(content))


def _file_in(backend: Path, project: str, stack: str) -> Path:
    """Return the file of a stack's state in a folder that is a backend.

    https://github.com/pulumi/pulumi/blob/master/pkg/backend/diy/store.go
    """
    return backend / ".pulumi" / "stacks" / project / f"{stack}.json"


def _without_urls(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a resource; the stack's own without the URLs, by which programs refuse to delete services.

    Whether a preview deletes a live service is checked on its plan, by `live-service-stays`.
    """
    outputs = resource.get("outputs") or {}
    if resource["type"] != _STACK or _URLS not in outputs:
        return resource
    return {**resource, "outputs": {key: value for key, value in outputs.items() if key != _URLS}}
