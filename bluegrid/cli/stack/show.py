"""`bluegrid stack show`: shows the settings of a stack."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bluegrid.cli import completion, options, output
from bluegrid.cli.tree import command
from bluegrid.project import config_of
from bluegrid.project.settings import declared_settings
from bluegrid.project.stack_files import PREFIX, file_of

_SECRET = "[secret]"  # noqa: S105 - what is printed in place of one, as by `pulumi config`


@command(epilog="Example: `bluegrid stack show north --json`")
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The stack, e.g. north.", autocompletion=completion.stacks)
    ],
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Show what the file of a stack says, and the defaults of everything else.

    Secrets are not shown.
    """
    config = config_of(file_of(stacks, name))
    stated = {
        key.removeprefix(PREFIX): _shown(value) for key, value in config.items() if key.startswith(PREFIX)
    }
    defaults = {
        key: declared["default"]
        for key, declared in declared_settings().items()
        if key not in stated and declared.get("default") not in (None, "", {})
    }
    lines = [f"{key}: {output.cell(value)}" for key, value in stated.items()]
    lines += [f"{key}: {output.cell(value)} (default)" for key, value in defaults.items()]
    output.emit(as_json=as_json, data={"settings": stated, "defaults": defaults}, text="\n".join(lines))


def _shown(value: Any) -> Any:
    """Return a setting without secrets: Pulumi keeps each of them as `secure: <text>`, also in a mapping."""
    if isinstance(value, dict):
        return _SECRET if value.keys() == {"secure"} else {key: _shown(each) for key, each in value.items()}
    return [_shown(each) for each in value] if isinstance(value, list) else value
