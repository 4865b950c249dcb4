"""Applies the edit of a command to the registry, or to a copy whose preview is shown.

    --up          preview of the edit on a copy ─► question ─► edit ─► `pulumi up`
    --up --yes    edit ─► `pulumi up`
    --dry-run     preview of the edit on a copy
    none          edit

So "no" leaves the registry as it was, and so does an update that ends before it has changed the live route.
"""

from __future__ import annotations

import difflib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from bluegrid.cli import output
from bluegrid.cli.pulumi import StackCommands
from bluegrid.project import WholeServices
from bluegrid.signals import INTERRUPTED, signals_interrupt
from bluegrid_registry import ConfigError, Registry, RegistryError, change_cluster
from bluegrid_registry.files import locked, write_whole
from bluegrid_registry.registry_files.edits.values import value_at
from bluegrid_registry.registry_files.registry import paths_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pydantic import BaseModel

    from bluegrid.cli.route_before import RouteBefore
    from bluegrid.project import Place, Target
    from bluegrid_registry import ValueEdit

    Edit = Callable[[Path], "Edited | str | None"]
    """Changes a folder of registry files; returns its change, or a line for people; None: nothing."""


class Edited(NamedTuple):
    """The change of an edit.

    Attributes:
        text: a line for people.
        data: for machines; None: `text` alone.
        undo: the command that takes it back; empty: no single command does.
    """

    text: str
    data: Any = None
    undo: str = ""


_NOTHING = Edited("nothing to change")


def apply(
    edit: Edit,
    registry: Path,
    place: Place,
    *,
    changed: Target | WholeServices,
    up: bool,
    dry_run: bool,
    yes: bool,
    question: str | None = None,
    variables: Mapping[str, str] | None = None,
    at_once: bool = False,
    as_json: bool = False,
    has_advice: bool = False,
) -> None:
    """Edit the registry and, with `up`, run `pulumi up`; with `dry_run`, only show what both would do.

    Args:
        edit: changes a folder of registry files.
        registry: the folder.
        place: the stack that `pulumi up` updates.
        changed: what the edit changes in the stack, and the update is limited to.
        up: whether to run `pulumi up`, after its preview and a question.
        dry_run: whether to write nothing.
        yes: whether to ask nothing, and to update without a preview.
        question: to ask before the edit, also without `up`; None: `up` alone asks.
        variables: environment variables for the Pulumi program.
        at_once: whether the route does not wait for pods of a cluster that takes over.
        as_json: whether to print the edit's data.
        has_advice: whether the line about the change itself says how to apply it, if it has to be.

    Raises:
        ConfigError: there is no terminal for a question, or the answer is no; nothing is changed.
        RegistryError: the edit is refused.
    """
    if dry_run:
        previewed = None if place.stack is None else StackCommands.of(place, variables)
        sys.exit(_exit_code(show(registry, edit, previewed, changed)))
    stack = StackCommands.of(place, variables) if up else None
    if not yes:
        _ask(edit, registry, stack, question, changed)
    if stack is None:
        edited = _edited(edit, registry)
        hint = f"; apply it with `{_in_shell(place, variables or {})}`"
        text = edited.text if has_advice or edited == _NOTHING else f"{edited.text}{hint}"
        output.emit(as_json=as_json, data=_data(edited), text=text)
        return
    route = None if isinstance(changed, WholeServices) else _route(place, changed)
    before = _texts(registry)
    edited = _edited(edit, registry)
    after = _texts(registry)
    output.emit(as_json=as_json, data=_data(edited), text=edited.text)
    try:
        with signals_interrupt():
            code = stack.up(registry, changed, is_previewed=not yes, at_once=at_once)
    except KeyboardInterrupt:
        # Before Pulumi has begun, or after it; while it runs, Ctrl-C is for Pulumi.
        if route is None:
            raise
        code = INTERRUPTED
    if code != 0 and route is not None:
        files = {file: (old, after[file]) for file, old in before.items() if old != after.get(file)}
        output.refuse(_after_failure(route, edited, registry, files))
    sys.exit(_exit_code(code))


def _exit_code(pulumi: int) -> int:
    """Return the exit code of a command whose `pulumi` has ended; Pulumi has more codes than we promise."""
    return 0 if pulumi == 0 else 1


def _data(edited: Edited) -> Any:
    """Return what `--json` prints of an edit."""
    is_changed = edited != _NOTHING
    return {"changed": is_changed, "text": edited.text} if edited.data is None else edited.data


def _edited(edit: Edit, registry: Path) -> Edited:
    edited = edit(registry)
    if isinstance(edited, str):
        return Edited(edited)
    return edited or _NOTHING


def _ask(
    edit: Edit,
    registry: Path,
    stack: StackCommands | None,
    question: str | None,
    changed: Target | WholeServices,
) -> None:
    """Show what would change, and ask; end the program if the preview fails, refuse if the answer is no."""
    if stack is None and question is None:
        return
    if not sys.stdin.isatty():
        raise ConfigError("this command asks before it changes anything, and there is no terminal: add --yes")
    if stack is not None:
        code = show(registry, edit, stack, changed)
        if code != 0:
            output.refuse("the preview has failed, so nothing is changed")
            sys.exit(_exit_code(code))
        question = question or f"Perform this update of stack {stack.name}?"
    if not typer.confirm(str(question)):
        raise ConfigError("nothing is changed")


def _route(place: Place, target: Target) -> RouteBefore:
    # Imported here, because edits without an update do not need the libraries of Kubernetes.
    from bluegrid.cli.route_before import RouteBefore

    return RouteBefore.read(place, target)


def _in_shell(place: Place, variables: Mapping[str, str]) -> str:
    """Return the `pulumi up` that applies an edit."""
    stack = [] if place.stack is None else ["--stack", place.stack]
    return " ".join([*(f"{name}={value}" for name, value in variables.items()), "pulumi", "up", *stack])


def _texts(registry: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in sorted(registry.glob("*.yaml"))}


def _after_failure(
    route: RouteBefore, edited: Edited, registry: Path, changed: Mapping[Path, tuple[bytes, bytes]]
) -> str:
    """Take the edit back if the live route is as before the update; return what is live, and what to do.

    Args:
        route: read before the update.
        edited: the edit.
        registry: the folder.
        changed: the files that the edit changed, with their bytes before and after.
    """
    files = ", ".join(str(file) for file in changed)
    status = f"see `bluegrid status {route.service}`"
    live = route.live_now()
    if live is None or not changed:
        undo = f"; if the route is as before, `{edited.undo}`" if edited.undo else ""
        return f"the update has failed, and {files or registry} has the new value: {status}{undo}"
    if live == route.live and not route.is_wanted(live):
        with locked(registry):
            for file, (old, new) in changed.items():
                # Another command may have changed the file meanwhile.
                if file.read_bytes() == new:
                    write_whole(file, old)
        return f"the update has failed: {' and '.join(live)} is live as before, and {files} says so again"
    return f"the update has failed, and {' and '.join(live)} is live, as {files} says: {status}"


def changed_cluster(service: str, cluster: str, values: Mapping[str, int | str], folder: Path) -> Edited:
    """Change fields of a cluster's row; return the old and new values."""
    old, new = change_cluster(folder, service, cluster, **values)
    changes = {key: (getattr(old, key), getattr(new, key)) for key in values}
    return _changed(f"{service} {cluster}", changes, is_changed=old != new)


def _changed(subject: str, changes: Mapping[str, tuple[Any, Any]], *, is_changed: bool = True) -> Edited:
    """Return the change of some keys from old to new values."""
    words = [f"{key} {output.cell(old)} -> {output.cell(new)}" for key, (old, new) in changes.items()]
    text = f"{subject}: {', '.join(words)}"
    values = {key: {"old": old, "new": new} for key, (old, new) in changes.items()}
    return Edited(text, {"changed": is_changed, "text": text, "values": values})


def in_words(subject: str, edits: Sequence[ValueEdit], old: BaseModel, new: BaseModel) -> Edited | None:
    """Return the old and new values of keys, of a row before and after; None: it is the same."""
    if old == new:
        return None
    before, after = (row.model_dump(mode="json") for row in (old, new))
    changes = {edit.key: (value_at(before, edit.path), value_at(after, edit.path)) for edit in edits}
    return _changed(subject, changes)


def show(
    registry: Path,
    edit: Callable[[Path], object],
    stack: StackCommands | None,
    changed: Target | WholeServices,
) -> int:
    """Print the changes of an edit in YAML, and the preview of `pulumi up`; return Pulumi's exit code.

    Args:
        registry: the folder, which is not changed.
        edit: changes a copy of the folder.
        stack: the stack of the preview; None: only the edit is shown.
        changed: what the edit changes in the stack.
    """
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        copy = Path(folder) / "registry"
        copy.mkdir()
        # An edit replaces files, and never writes into one.
        for file in paths_in(registry):
            (copy / file.name).symlink_to(file.resolve())
        try:
            edit(copy)
        except RegistryError:
            # Mistakes that were there before have their places in the registry, not in its copy.
            Registry.load(registry)
            raise
        typer.echo("".join(_difference(registry, copy)) or "nothing changes\n", nl=False)
        if stack is None:
            typer.echo("nothing is written; with --stack <name> the preview is shown too")
            return 0
        return stack.preview(copy, changed)


def _memory() -> str | None:
    """Return a folder in memory, where 500 links take 2 ms of CPU (on a disk, 0.2 s); None: there is none."""
    memory = "/dev/shm"  # noqa: S108 - TemporaryDirectory makes an unguessable folder in it
    return memory if os.access(memory, os.W_OK) else None


def _difference(before: Path, after: Path) -> Iterator[str]:
    for file in sorted(before.glob("*.yaml")):
        edited = after / file.name
        if edited.is_symlink():
            continue
        old, new = (
            path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
            for path in (file, edited)
        )
        yield from difflib.unified_diff(old, new, str(file), str(file), n=1)
