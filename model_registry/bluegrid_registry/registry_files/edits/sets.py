"""Edits of sets: add, change, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.contract import SCHEMA_FILE
from bluegrid_registry.errors import ConfigError, RegistryError
from bluegrid_registry.registry_files.edits.opened import open_registry
from bluegrid_registry.registry_files.edits.values import ValueEdit, edited
from bluegrid_registry.registry_files.lookup import pick
from bluegrid_registry.registry_files.model_set_schema import RegistryFile
from bluegrid_registry.registry_files.registry import checked, plain_data
from bluegrid_registry.registry_files.yaml_edit import in_one_line
from bluegrid_registry.registry_files.yaml_source import read_yaml
from bluegrid_registry.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from bluegrid_registry.registry_files.edits.opened import Opened
    from bluegrid_registry.registry_files.model_set_schema import DeclaredSet
    from bluegrid_registry.signing.trusted_key import TrustedKey

_FIXED = ("id", "type")
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
    edits: Iterable[ValueEdit] = (),
    *,
    trust: Collection[str] = (),
    distrust: Collection[str] = (),
    keys: Collection[TrustedKey] = (),
    without_keys: Collection[str] = (),
) -> RegistryFile | None:
    """Change or remove values of a set, trusted names or keys; return its file, or None if nothing changes.

    The ID and the type cannot change: every version and every model depends on them.

    Args:
        folder: the registry.
        set_id: the set.
        edits: of its values, such as `name` or `update.rollout.to`.
        trust: names to trust beside those that the set trusts.
        distrust: names to trust no longer.
        keys: keys to trust beside those of the set; a key with the ID of another one replaces it.
        without_keys: IDs of keys to trust no longer.

    Raises:
        RegistryError: there is no such set, an edit changes its ID or type, there is no such name or key to
            remove, a value is invalid, or the registry has mistakes.
    """
    edits = [*edits]
    with open_registry(folder) as opened:
        file = opened.of_set(set_id)
        for edit in edits:
            if edit.path[0] in _FIXED:
                raise RegistryError(
                    f"the {edit.path[0]} of set {set_id} never changes: every version and model depends on "
                    "it; add another set"
                )
        data = plain_data(file)
        row = edited(data["set"], edits)
        if trust or distrust:
            names = _without(file.set.trust, distrust, f"set {set_id} does not trust")
            row = edited(row, [ValueEdit(("trust",), [*dict.fromkeys([*names, *trust])] or None)])
        if keys or without_keys:
            known = {key.id: key for key in file.set.keys}
            left = _without(known, without_keys, f"set {set_id} has no key")
            rows = {key.id: key.model_dump() for key in (*(known[each] for each in left), *keys)}
            row = edited(row, [ValueEdit(("keys",), [*rows.values()] or None)])
        if row == data["set"]:
            return None
        return opened.change_data(file, {**data, "set": row})


def _without(names: Collection[str], removed: Collection[str], otherwise: str) -> list[str]:
    for name in removed:
        pick(dict.fromkeys(names), name, f"{otherwise} {name}")
    return [name for name in names if name not in removed]


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
        file = opened.of_set(set_id)
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
