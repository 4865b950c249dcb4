"""`bluegrid ci report`: the comment of a pull request or merge request."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid.cli import options
from bluegrid.cli.ci.forges import change_request
from bluegrid.cli.ci.preview import PREVIEWS, Base, Previews
from bluegrid.cli.preview.report import write
from bluegrid.cli.tree import command
from bluegrid.project import region_of, stack_names
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator


@command(epilog="Example: `bluegrid ci report --base-commit origin/main > comment.md`")
def report(
    base: Base = None,
    previews: Previews = PREVIEWS,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    store: options.StoreOfReport = None,
) -> None:
    """Print the comment of a request: what changes, risks first.

    It says of each stack what its preview does or, without a preview, how the registry files differ from
    those of the commit before the change.
    """
    files = {name: previews / f"{name}.json" for name in stack_names(stacks)}
    there = [path for path in files.values() if path.is_file()]
    missing = [name for name, path in files.items() if not path.is_file()]
    if not missing:
        write(there, None, (), registry, store)
        return
    request = change_request()
    commit = base or (request.base if request else "")
    if not commit:
        raise ConfigError(
            f"no preview of {', '.join(missing)} in {previews}; name a commit, --base-commit origin/main"
        )
    with _registry_of(commit, registry) as before:
        regions = [(name, *region_of(stacks, name)) for name in missing]
        write(there, before, regions, registry, store)


@contextmanager
def _registry_of(commit: str, registry: Path) -> Iterator[Path]:
    """Yield a folder with the registry files of a commit; empty if it had none."""
    git = ("git", "-C", str(registry))
    commit_there = [*git, "cat-file", "-e", f"{commit}^{{commit}}"]
    if subprocess.run(commit_there, capture_output=True, check=False).returncode != 0:
        raise ConfigError(
            f"{commit} is not a commit of this clone; fetch the whole history (`fetch-depth: 0`)"
        )
    # In a folder, git archives that folder, and fails if the commit does not have it.
    archive = subprocess.run([*git, "archive", "--format=tar", commit], capture_output=True, check=False)
    with tempfile.TemporaryDirectory() as folder:
        if archive.returncode == 0:
            with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
                tar.extractall(folder, filter="data")
        yield Path(folder)
