"""Finds the services of a stack that a change of the project's files concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bluegrid.previews.scope import (
    Declared,
    PreviewScope,
    concerned_services,
    is_read,
    is_same_content,
    needs_all_files,
    shared_settings,
)
from bluegrid.project import REGISTRY, Project
from bluegrid.project.stack_files import PREFIX, sizes_of
from bluegrid_registry import BluegridError, RegistryFile
from bluegrid_registry.registry_files.yaml_source import read_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from bluegrid.project.git_changes import BaseCommit, ChangedFile

_YAML = ".yaml"
_BESIDE_STACKS = ("schema.json", ".gitkeep")
"""Files in the folder of the stacks that no program reads."""


class _MistakeError(Exception):
    """A file of the change has a mistake."""


class _Place(NamedTuple):
    """Where a stack's files are: absolute paths, and the document of its settings in the working tree."""

    project: Path
    stack_file: Path
    registry: Path
    settings: Mapping[str, Any]


def scope_of(project: Project, stack: str, base: BaseCommit) -> PreviewScope:
    """Return which services of a stack are concerned by the files that differ from a commit.

    A registry or a stack's file with mistakes concerns all services: a preview of all says what is wrong.

    Args:
        project: its files, in the working tree.
        stack: name of the stack.
        base: the commit before the change.

    Raises:
        ConfigError: git fails, or the project and its registry are not in one clone.
    """
    try:
        place = _place(project, stack)
        # Previews and other files that a workflow has written are no part of the program.
        edited = [place.stack_file.parent, place.registry]
        changed = base.changed_files([place.project, *edited], edited)
        before = _settings_before(place, changed)
        if reasons := _reasons(place, changed, before):
            return PreviewScope(reasons=reasons)
        return _of_services(stack, place, base, changed, before)
    except _MistakeError as error:
        return PreviewScope(reasons=(str(error),))


def registry_of_stack(project: Project, stack: str) -> Path:
    """Return the folder of a stack's registry files, as its settings name it."""
    return _place(project, stack).registry


def registry_files_of(folder: Path, services: Collection[str]) -> Iterator[tuple[Path, RegistryFile]]:
    """Yield the registry files that declare some services; files with mistakes declare none."""
    for path in sorted(folder.glob(f"*{_YAML}")):
        text = path.read_bytes()
        # Hundreds of files need not be parsed: a service's file has its name.
        if path.name[0] != "." and any(name.encode() in text for name in services):
            file = _parsed(text)
            if file is not None and file.service is not None and file.service.name in services:
                yield path.resolve(), file


def _place(project: Project, stack: str) -> _Place:
    folder = project.folder.resolve()
    file = project.stacks.resolve() / f"Pulumi.{stack}{_YAML}"
    settings = _document(file, file.read_bytes() if file.is_file() else b"")
    registry = (settings.get("config") or {}).get(f"{PREFIX}registry") or REGISTRY
    return _Place(folder, file, (folder / str(registry)).resolve(), settings)


def _settings_before(place: _Place, changed: Sequence[ChangedFile]) -> Mapping[str, Any]:
    own = next((each for each in changed if each.path == place.stack_file), None)
    return place.settings if own is None else _document(own.path, own.before or b"")


def _reasons(place: _Place, changed: Sequence[ChangedFile], before: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the changed files and settings that all services have in common."""
    names = {each.path: _name(place, each.path) for each in changed if not _is_of_one(place, each.path)}
    files = [
        names[each.path]
        for each in changed
        if each.path in names
        and is_read(names[each.path])
        and not is_same_content(names[each.path], each.before, each.after)
    ]
    settings = shared_settings(before, place.settings)
    return (*files, *(f"{_name(place, place.stack_file)}: {key}" for key in settings))


def _of_services(
    stack: str, place: _Place, base: BaseCommit, changed: Sequence[ChangedFile], before: Mapping[str, Any]
) -> PreviewScope:
    """Return the services whose own declarations differ."""
    are_all = needs_all_files(before, place.settings)
    if are_all:
        old: Mapping[str, bytes] = base.files_in(place.registry)
        new: Mapping[str, bytes] = {path.name: path.read_bytes() for path in place.registry.glob(f"*{_YAML}")}
    else:
        own = [each for each in changed if each.path.parent == place.registry]
        old = {each.path.name: each.before for each in own if each.before is not None}
        new = {each.path.name: each.after for each in own if each.after is not None}
    # What a file with mistakes declared before is not known; with mistakes now, all is refused.
    old_files = [each for each in map(_parsed, _registry_files(old).values()) if each]
    new_files = []
    for name, text in _registry_files(new).items():
        if (file := _parsed(text)) is None:
            raise _MistakeError(f"{name} has mistakes")
        new_files.append(file)
    region = str((place.settings.get("config") or {}).get(f"{PREFIX}region") or stack)
    try:
        was, now = _declared(old_files, before, place), _declared(new_files, place.settings, place)
        if are_all:
            if_named = now.has_only_named
            declared = (each.service for each in now.files if each.service)
            now.sizes.check(each for each in declared if each.is_in(region, if_named=if_named))
        services = concerned_services(region, was, now)
    except BluegridError as error:
        raise _MistakeError(str(error)) from None
    return PreviewScope(services=services)


def _declared(files: Sequence[RegistryFile], settings: Mapping[str, Any], place: _Place) -> Declared:
    return Declared(files, settings, sizes_of(settings.get("config") or {}, place.stack_file))


def _is_of_one(place: _Place, path: Path) -> bool:
    """Whether a file is of one stack or one set, or is read by editors alone."""
    if path.parent == place.stack_file.parent and (
        path.match(f"Pulumi.*{_YAML}") or path.name in _BESIDE_STACKS
    ):
        return True
    return path.parent == place.registry


def _name(place: _Place, path: Path) -> str:
    return path.relative_to(place.project).as_posix() if path.is_relative_to(place.project) else str(path)


def _document(file: Path, text: bytes) -> Mapping[str, Any]:
    """Return the document of a stack's file; empty if there is none."""
    try:
        document = YAML(typ="safe").load(text)
    except (YAMLError, UnicodeDecodeError):
        document = text
    if document is None:
        return {}
    if not isinstance(document, dict) or not isinstance(document.get("config") or {}, dict):
        raise _MistakeError(f"{file.name} has mistakes")
    return document


def _registry_files(texts: Mapping[str, bytes]) -> Mapping[str, bytes]:
    return {name: text for name, text in texts.items() if name.endswith(_YAML) and name[0] != "."}


def _parsed(text: bytes) -> RegistryFile | None:
    """Return what a registry file says; None: it has mistakes."""
    try:
        source = read_yaml(text.decode())
        return None if source.mistakes else RegistryFile.model_validate(source.data)
    except (UnicodeDecodeError, ValidationError):
        return None
