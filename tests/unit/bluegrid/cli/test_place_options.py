"""What names a place: the command line before the environment, a single option before the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from bluegrid.cli import options
from bluegrid.cli.commands import COMMANDS
from bluegrid.cli.main import app
from bluegrid.project import resolve_place

if TYPE_CHECKING:
    from pathlib import Path

OWNED = {
    "--stack": options.Stack,
    "--stacks": options.Stacks,
    "--config-file": options.ConfigFile,
    "--region": options.Region,
    "--context": options.Context,
    "--kubeconfig": options.Kubeconfig,
    "--namespace": options.Namespace,
    "--registry": options.RegistryFolder,
    "--route-address": options.RouteAddress,
    "--store": options.Store,
    "--everywhere": options.Everywhere,
    "--up": options.Up,
    "--at-once": options.AtOnce,
    "--dry-run": options.DryRun,
    "--yes": options.Yes,
}
"""The options that name a place or apply an edit, and their only declarations."""
WITHOUT_A_PLACE = {"init", "preview report", "ci report"}
"""`init` writes these values into the first stack's file; reports are made of previews of several stacks."""
EXCEPTIONS = {
    # They take several, of several regions.
    ("store gc", "--registry"),
    ("server start", "--stack"),
    # Every region that is named is previewed, and no edit is shown.
    ("promote", "--dry-run"),
    # What it would push is listed; no edit is shown, and no stack is previewed.
    ("import mlflow", "--dry-run"),
}

probe = typer.Typer()


@probe.command()
def show(
    stack: options.Stack = None,
    context: options.Context = None,
    namespace: options.Namespace = None,
    store: options.Store = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
) -> None:
    """Print the place."""
    place = resolve_place(stacks, stack, context=context, namespace=namespace, store=store)
    typer.echo(f"{place.stack} {place.context} {place.namespace} {place.store} {registry}")


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name in ("north", "east"):
        file = tmp_path / "stacks" / f"Pulumi.{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        settings = {"kubeContext": f"{name}-1", "namespace": name, "store": f"s3://{name}", "registry": name}
        file.write_text(
            "config:\n" + "".join(f"  bluegrid:{key}: {value}\n" for key, value in settings.items())
        )
    (tmp_path / "Pulumi.yaml").write_text("{name: grid, runtime: python}")
    (tmp_path / "notes").mkdir()
    monkeypatch.chdir(tmp_path / "notes")
    return dict.fromkeys(
        (
            f"BLUEGRID_{name}"
            for name in ("STACK", "KUBE_CONTEXT", "NAMESPACE", "STORE", "REGISTRY", "STACKS")
        ),
        "",
    )


def shown(environment: dict[str, str], *arguments: str, **variables: str) -> str:
    done = CliRunner().invoke(probe, arguments, env=environment | variables)
    assert done.exit_code == 0, done.exception
    return done.output.strip()


def test_a_stack_that_is_named_says_everything_from_any_folder(environment: dict[str, str]) -> None:
    said = "east east-1 east s3://east ../east"
    assert shown(environment, "--stack", "east") == said
    assert shown(environment, "-s", "east") == said
    assert shown(environment, BLUEGRID_STACK="east") == said


def test_a_single_option_comes_before_the_stack(environment: dict[str, str]) -> None:
    typed = shown(environment, "--context", "c", "--registry", "r", "--stack", "east")
    assert typed == "east c east s3://east r"
    variables = {"BLUEGRID_KUBE_CONTEXT": "c", "BLUEGRID_REGISTRY": "r"}
    assert shown(environment, BLUEGRID_STACK="east", **variables) == typed


def test_a_stack_that_is_typed_comes_before_every_variable(environment: dict[str, str]) -> None:
    """A forgotten `export` of another region's namespace must not send a command there."""
    variables = {"STACK": "north", "KUBE_CONTEXT": "c", "NAMESPACE": "n", "STORE": "s3://n", "REGISTRY": "n"}
    exported = {f"BLUEGRID_{name}": value for name, value in variables.items()}
    assert shown(environment, "--stack", "east", **exported) == "east east-1 east s3://east ../east"


def commands() -> list[tuple[str, Any]]:
    groups = {row.path.rpartition(" ")[0] for row in COMMANDS}
    found = []
    for path in (row.path for row in COMMANDS if row.path not in groups):
        command: Any = typer.main.get_command(app)
        for word in path.split():
            command = command.load(word)
        found.append((path, command))
    return found


def declared(annotation: Any, default: Any) -> Any:
    """Return an option as a command with only that option has it."""
    own = typer.Typer()

    def command(value: Any = default) -> None: ...

    command.__annotations__["value"] = annotation
    own.command()(command)
    (found, *_) = typer.main.get_command(own).params
    return found


@pytest.mark.parametrize("flag", OWNED)
def test_an_option_of_the_place_means_the_same_in_every_command(flag: str) -> None:
    default = None
    own = declared(OWNED[flag], default)
    there = [
        (name, option)
        for name, command in commands()
        for option in command.params
        if flag in option.opts and name not in WITHOUT_A_PLACE and (name, flag) not in EXCEPTIONS
    ]
    assert there
    for name, option in there:
        assert (name, option.opts, option.envvar, option.help) == (name, own.opts, own.envvar, own.help)


def test_every_command_that_has_a_place_takes_a_stack() -> None:
    single = {"--context", "--namespace", "--store", "--region", "--route-address", "--config-file", "--up"}
    without = {
        name
        for name, command in commands()
        for flags in [{flag for option in command.params for flag in option.opts}]
        if flags & single and "--stack" not in flags
    }
    assert without == WITHOUT_A_PLACE


def test_whoever_updates_a_stack_may_be_told_not_to_ask() -> None:
    for name, command in commands():
        flags = {flag for option in command.params for flag in option.opts}
        assert "--up" not in flags or {"--yes", "--dry-run", "--config-file"} <= flags, name
