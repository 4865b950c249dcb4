"""Edits of model sets: a set is one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_registry.errors import ConfigError, RegistryError
from model_registry.registry_files import yaml_edit
from model_registry.registry_files.registry import open_registry, parse
from model_registry.registry_files.schema import RegistryFile

if TYPE_CHECKING:
    from pathlib import Path

    from model_registry.registry_files.schema import DeclaredSet, Source

_EDITORS_LINE = "# yaml-language-server:"


def add_set(folder: Path, declared: DeclaredSet) -> None:
    """Add a set without versions, as a file of its own.

    Raises:
        RegistryError: there is a set with this ID, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file = RegistryFile(set=declared, versions=())
        if opened.path(file) in opened.texts:
            raise RegistryError(f"set {declared.id} is there already, in {opened.path(file)}")
        rows = {"id": declared.id, "name": declared.name, "task": declared.task}
        rows |= {"type": str(declared.type), "source": declared.source}
        inline = ", ".join(f"{key}: {yaml_edit.word(value)}" for key, value in rows.items())
        # What tells editors the schema, as the other files have it.
        heads = {text.split("\n", 1)[0] for text in opened.texts.values() if text.startswith(_EDITORS_LINE)}
        head = f"{min(heads).rstrip()}\n" if heads else ""
        opened.write(file, f"{head}set: {{{inline}}}\nversions: []\n")


def edit_set(
    folder: Path,
    set_id: str,
    *,
    name: str | None = None,
    task: str | None = None,
    source: Source | None = None,
) -> bool:
    """Change what people call a set, what its models do, or who defined it; False: it was so already.

    Its ID and type stay: every version and every model is of them.

    Raises:
        RegistryError: there is no such set, its type does not allow the source, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file = opened.registry.of_set(set_id)
        wanted = {"name": name, "task": task, "source": source}
        changes = {key: value for key, value in wanted.items() if value not in (None, getattr(file.set, key))}
        text = opened.text(file)
        for key, value in changes.items():
            text = yaml_edit.replace_word(text, ("set", key), str(value))
        if changes:
            opened.write(file.model_copy(update={"set": file.set.model_copy(update=changes)}), text)
        return bool(changes)


def remove_set(folder: Path, set_id: str, *, with_versions: bool = False) -> None:
    """Delete a set's file; its objects stay in the store until garbage collection.

    Args:
        folder: the registry.
        set_id: the set.
        with_versions: also if it has versions.

    Raises:
        RegistryError: it has a service, or versions, there is no such set, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file = opened.registry.of_set(set_id)
        if file.service:
            clusters = ", ".join(cluster.id for cluster in file.service.clusters) or "none"
            online = f"set {set_id} is online: service {file.service.name}, clusters {clusters}"
            raise RegistryError(f"{online}; first take `service` out of {opened.path(file)} and `pulumi up`")
        if file.versions and not with_versions:
            versions = ", ".join(version.id for version in file.versions)
            raise RegistryError(f"set {set_id} has versions {versions}; --with-versions removes them too")
        path = opened.path(file)
        parse({other: text for other, text in opened.texts.items() if other != path})
        try:
            path.unlink()
        except OSError as error:
            raise ConfigError(f"{path}: cannot be removed: {error.strerror}") from None
