"""`bluegrid set edit`: changes a set."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid.cli import options, output, set_options
from bluegrid.cli.edits import apply
from bluegrid.cli.tree import command
from bluegrid.project import WholeServices, resolve_place
from bluegrid_registry import ConfigError, TrustedKey, ValueEdit, edit_set, load_set
from bluegrid_registry.registry_files.edits.values import SET, parse_edits

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid_registry import RegistryFile


@command(
    epilog="Examples: `bluegrid set edit g1 --name 'Line loading, 110 kV'`, "
    "`bluegrid set edit g1 accelerate=onnx outputs=y,std`, "
    "`bluegrid set edit g1 --trust own_package.Scaler`, "
    "`bluegrid set edit g1 --trust-key ops-2026=ops-2026.pem.pub`"
)
def edit(
    set_id: options.SetId,
    values: options.SetValues = None,
    name: set_options.Name = None,
    task: set_options.Task = None,
    source: set_options.OfSource = None,
    trust: set_options.Trust = None,
    distrust: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="No longer trust this type or function.")
    ] = None,
    trust_key: Annotated[
        list[str] | None,
        typer.Option(metavar="ID=FILE", help="Trust signatures by this public key, in PEM, under this ID."),
    ] = None,
    distrust_key: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="No longer trust signatures by this key.")
    ] = None,
    kinds: set_options.KindsOption = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    up: options.Up = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    stack: options.Stack = None,
    config_file: options.ConfigFile = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Change SET's keys, or the names and signatures that it trusts.

    KEY=VALUE sets a key such as `update.rollout.to`, KEY- removes it. A set's ID and type never change.
    """
    named = {"name": name, "task": task, "source": source}
    edits = [ValueEdit((key,), str(value)) for key, value in named.items() if value is not None]
    if kinds is not None:
        edits.append(ValueEdit(("kinds",), "mixed" if kinds is set_options.KindsRule.MIXED else None))
    change = partial(
        edit_set,
        set_id=set_id,
        edits=[*edits, *parse_edits(SET, values or ())],
        trust=trust or (),
        distrust=distrust or (),
        keys=[_key(each) for each in trust_key or ()],
        without_keys=distrust_key or (),
    )
    place = resolve_place(stacks, stack, config_file=config_file)
    in_shell = "pulumi up" if place.stack is None else f"pulumi up --stack {place.stack}"
    described = partial(_described, set_id, change, "" if up else f"; apply it with `{in_shell}`")
    apply(
        described,
        registry,
        place,
        changed=WholeServices(_services(registry, set_id)),
        up=up,
        dry_run=dry_run,
        yes=yes,
        as_json=as_json,
        has_advice=True,
    )


def _services(registry: Path, set_id: str) -> tuple[str, ...]:
    """Return the service of a set; without one, a stack has nothing of the set."""
    service = load_set(registry, set_id).service
    return () if service is None else (service.name,)


def _described(
    set_id: str, change: Callable[[Path], RegistryFile | None], advice: str, folder: Path
) -> str | None:
    file = change(folder)
    # What is not online has nothing to apply.
    return None if file is None else f"set {set_id}: changed{advice if file.service else ''}"


def _key(text: str) -> TrustedKey:
    key_id, equals, file = text.partition("=")
    if not equals or not file:
        raise ConfigError(f"--trust-key {text}: expected ID=FILE, such as ops-2026=ops-2026.pem.pub")
    # Imported here, because cryptography takes as long as reading a hundred files.
    from bluegrid_registry import PublicKey

    with output.checked_values():
        return TrustedKey(id=key_id, public=PublicKey.read(key_id, Path(file)).text)
