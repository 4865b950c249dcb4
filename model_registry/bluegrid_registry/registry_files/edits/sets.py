"""Edits of sets: add, change, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.contract import SCHEMA_FILE
from bluegrid_registry.errors import ConfigError, RegistryError
from bluegrid_registry.registry_files.model_set_schema import RegistryFile
from bluegrid_registry.registry_files.registry import checked, open_registry
from bluegrid_registry.registry_files.yaml_edit import in_one_line
from bluegrid_registry.registry_files.yaml_source import read_yaml
from bluegrid_registry.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from bluegrid_registry.names import Source
    from bluegrid_registry.registry_files.model_set_schema import DeclaredSet
    from bluegrid_registry.registry_files.registry import Opened

_EDITORS_LINE = "# yaml-language-server:"


def add_set(folder: Path, declared: DeclaredSet) -> None:
    """Add a set without versions, in a file of its own.

    Raises:
        RegistryError: there is a set with this ID, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file = RegistryFile(set=declared, versions=())
        if opened.path(file) in opened.sources:
            raise RegistryError(f"set {declared.id} is there already, in {opened.path(file)}")
        inline = in_one_line(declared.model_dump(mode="json", exclude_defaults=True))
        opened.write(file, read_yaml(f"{_editors_line(opened)}set: {inline}\nversions: []\n"))


def _editors_line(opened: Opened) -> str:
    """Return the line by which a new file names its schema to editors, as the other files do, or none."""
    firsts = {source.text.split("\n", 1)[0] for source in opened.sources.values()}
    lines = [first.rstrip() for first in firsts if first.startswith(_EDITORS_LINE)]
    if not opened.sources and (opened.folder / SCHEMA_FILE).is_file():
        lines = [f"{_EDITORS_LINE} $schema={SCHEMA_FILE}"]
    return f"{min(lines)}\n" if lines else ""


def edit_set(
    folder: Path,
    set_id: str,
    *,
    name: str | None = None,
    task: str | None = None,
    source: Source | None = None,
    trust: Collection[str] = (),
    is_mixed: bool | None = None,
) -> bool:
    """Change a set's name, task, source or kinds, or add trusted names; return False if nothing changes.

    The ID and the type cannot change: every version and every model depends on them.

    Args:
        folder: the registry.
        set_id: the set.
        name: what people call the set; None, as for each value: it stays as it is.
        task: what its models do.
        source: who defines the set.
        trust: names to trust beside those that the set trusts.
        is_mixed: whether its models may be of different estimators.

    Raises:
        RegistryError: there is no such set, its type does not allow the source, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file = opened.registry.of_set(set_id)
        values: dict[str, object] = {"name": name, "task": task, "source": source}
        if trust:
            values["trust"] = tuple(dict.fromkeys([*file.set.trust, *trust]))
        changes = {key: value for key, value in values.items() if value not in (None, getattr(file.set, key))}
        kinds = "mixed" if is_mixed else None
        if is_mixed is not None and kinds != file.set.kinds:
            changes["kinds"] = kinds
        if changes:
            opened.change(file, set=file.set.model_copy(update=changes))
        return bool(changes)


def remove_set(folder: Path, set_id: str, *, with_versions: bool = False) -> None:
    """Delete a set's file; its objects stay in the store until garbage collection.

    Args:
        folder: the registry.
        set_id: the set.
        with_versions: delete the file even if the set has versions.

    Raises:
        RegistryError: the set has a service, or versions, there is no such set, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file = opened.registry.of_set(set_id)
        if file.service:
            clusters = ", ".join(cluster.id for cluster in file.service.clusters) or "none"
            online = f"set {set_id} is online: service {file.service.name}, clusters {clusters}"
            raise RegistryError(online, Remedy.REMOVE_SERVICE, service=file.service.name)
        if file.versions and not with_versions:
            versions = ", ".join(version.id for version in file.versions)
            raise RegistryError(f"set {set_id} has versions {versions}; remove them too, or keep the set")
        path = opened.path(file)
        checked({other: source for other, source in opened.sources.items() if other != path})
        try:
            path.unlink()
        except OSError as error:
            raise ConfigError(f"{path}: cannot be removed: {error.strerror}") from None
