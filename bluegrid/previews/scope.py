"""The services of a stack that a change concerns: compares what its program is made from, before and after.

    registry files ─────────► services as the region runs them ─┐
    settings of the stack ──► image and sizes of each service ──┴─► the services that differ
                          └─► any other setting ─┐
    other files of the project ──────────────────┴─► all services

Contents are compared, not bytes: a comment, the order of keys, or a version that no cluster serves concerns
no service.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bluegrid_registry import ConfigError, Sizes
from bluegrid_registry.contract import SETTINGS, cluster_name
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.registry_files.offered import offered
from bluegrid_registry.registry_files.server_images import family_of_set

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bluegrid_registry import OfferedService, RegistryFile

_CONFIG = "config"
_OF_SERVICES = tuple(f"{SETTINGS}:{key}" for key in ("image", "images", "replicas", "sizeFactor"))
"""Settings of which each service, or each cluster, has a value of its own."""
_UNREAD = (
    "*.md",
    "*.example",
    "LICENSE*",
    "Makefile",
    ".editorconfig",
    ".git*",
    ".pre-commit-config.yaml",
    "docs/*",
    "observability/*",
    "tests/*",
)
"""Files of a project that its program does not read; `*` stands for slashes too."""


class PreviewScope(Frozen):
    """The services of a stack that a preview covers.

    Attributes:
        services: their names; those that a change adds or removes are among them.
        reasons: why all services are covered, such as `requirements.txt`; empty: only `services` are.
    """

    services: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether all services are covered."""
        return bool(self.reasons)


@dataclass(frozen=True)
class Declared:
    """What a stack's services are made from, at one time.

    Attributes:
        files: registry files; those that are the same at both times may be left out if `needs_all_files` says
            so.
        settings: the document of the stack's file.
        sizes: numbers of pods in the settings.
    """

    files: Sequence[RegistryFile]
    settings: Mapping[str, Any]
    sizes: Sizes

    @property
    def has_only_named(self) -> bool:
        """Whether the stack has only services that name its region: it uses another stack's platform."""
        return bool((self.settings.get(_CONFIG) or {}).get(f"{SETTINGS}:platform"))


def shared_settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the keys of a stack's file that differ and that all services have in common."""
    return [key for key in _different(before, after) if key not in _OF_SERVICES]


def needs_all_files(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether a setting of single services differs, so that any service can be concerned."""
    return any(key in _OF_SERVICES for key in _different(before, after))


def concerned_services(region: str, before: Declared, after: Declared) -> tuple[str, ...]:
    """Return the services that a region runs differently, or at one of two times only, by name.

    Args:
        region: name of the region.
        before: without the change.
        after: with the change.

    Raises:
        ConfigError: `bluegrid:images` is not a mapping.
    """
    old, new = (_as_run(region, each) for each in (before, after))
    return tuple(sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)))


def is_read(path: str) -> bool:
    """Return whether a project's program may read a file; `path` is relative to the project's folder."""
    return not any(fnmatchcase(path, pattern) for pattern in _UNREAD)


def is_same_content(path: str, before: bytes | None, after: bytes | None) -> bool:
    """Return whether two texts of a file mean the same: comments and layout of YAML and Python do not count.

    Args:
        path: with the suffix that says what the texts are.
        before: None: there was no such file.
        after: None: there is no such file any more.
    """
    if before is None or after is None:
        return False
    parse = _PARSERS.get(path.rpartition(".")[2])
    if before == after or parse is None:
        return before == after
    try:
        return parse(before) == parse(after)
    except (YAMLError, SyntaxError, ValueError, TypeError):
        return False


def _different(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the keys that differ: settings, and what else the stack's file has, such as its salt."""
    old, new = (_flat(each) for each in (before, after))
    return sorted(key for key in old.keys() | new.keys() if _exact(old.get(key)) != _exact(new.get(key)))


def _exact(content: Any) -> str:
    """Return content as text: in Python 1, 1.0 and true are equal."""
    return json.dumps(content, sort_keys=True, default=str)


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in document.items() if key != _CONFIG}
    return {**rest, **(document.get(_CONFIG) or {})}


def _as_run(region: str, declared: Declared) -> dict[str, tuple[OfferedService, Any]]:
    """Return each service as the region runs it, with its image."""
    config = declared.settings.get(_CONFIG) or {}
    images = config.get(f"{SETTINGS}:images") or {}
    if not isinstance(images, dict):
        raise ConfigError(f"{SETTINGS}:images is not a mapping")
    return {
        name: (service, images.get(family_of_set(service.set)) or config.get(f"{SETTINGS}:image"))
        for name, service in offered(
            declared.files, region, _of_files(declared), if_named=declared.has_only_named
        ).items()
    }


def _of_files(declared: Declared) -> Sizes:
    """Return the sizes without clusters that none of the files has."""
    names = {
        cluster_name(file.service.name, cluster.id)
        for file in declared.files
        if file.service
        for cluster in file.service.clusters
    }
    sizes = declared.sizes
    return Sizes(sizes.factor, {name: sizes.replicas[name] for name in names & sizes.replicas.keys()})


def _yaml(text: bytes) -> str:
    return _exact(YAML(typ="safe").load(text))


_PARSERS: Mapping[str, Callable[[bytes], str]] = {
    "yaml": _yaml,
    "yml": _yaml,
    "py": lambda text: ast.dump(ast.parse(text)),
}
