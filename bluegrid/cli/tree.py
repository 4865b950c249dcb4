"""The tree of commands: a command is imported when it is called, or when its own help is requested.

Help and completion of a group need one line for each of its commands, which the table in `main.py` has. So
`bluegrid --help` imports none of them.
"""

from __future__ import annotations

from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from bluegrid_registry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Function = TypeVar("Function", bound=Callable[..., Any])

PACKAGE = "bluegrid.cli"
"""`cluster scale` is in the module `cluster.scale` of this package."""

_apps: dict[str, typer.Typer] = {}
"""The command of each module that has been imported."""


class Row(NamedTuple):
    """A command or a group of commands, as the help of its group lists it.

    Attributes:
        path: the words after `bluegrid`, such as `cluster scale`.
        line: first line of its help.
        panel: heading under which the help of its group lists it; empty: the group has no headings.
    """

    path: str
    line: str
    panel: str = ""


def command(
    *, epilog: str, extra: str = "", context_settings: dict[str, Any] | None = None
) -> Callable[[Function], Function]:
    """Make a function the command of its module; the function itself is unchanged.

    Args:
        epilog: last paragraph of the command's help, such as "Example: `bluegrid fetch g1 v2 models/`".
        extra: the extra of the distribution `bluegrid` that has the libraries of the command; empty: none.
        context_settings: settings of the parser.
    """

    def register(function: Function) -> Function:
        # typer's own formatting of exceptions is for developers: `main.run` prints one line.
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")
        called = _with_remedy(function, extra) if extra else function
        app.command(epilog=epilog, context_settings=context_settings)(called)
        _apps[function.__module__] = app
        return function

    return register


def _with_remedy(function: Callable[..., Any], extra: str) -> Callable[..., Any]:
    """Return the function; a library that is not installed becomes a ConfigError with its remedy."""

    @wraps(function)
    def called(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except ModuleNotFoundError as error:
            fault = f"this command needs {error.name}, which is not installed"
            raise ConfigError(f"{fault}: pip install 'bluegrid[{extra}]'") from None

    return called


class CommandGroup(TyperGroup):
    """A group whose commands are imported one by one, when they are called.

    Args:
        path: the words of this group.
        settings: of typer's group.

    Attributes:
        rows: commands and groups of the whole tree.
        aliases: other spellings of commands, which no help lists: `scale` for `cluster scale`.
        old_options: of each command, other spellings of its options, which no help lists.
    """

    rows: ClassVar[Sequence[Row]] = ()
    aliases: ClassVar[Mapping[str, str]] = {}
    old_options: ClassVar[Mapping[str, Mapping[str, str]]] = {}

    def __init__(self, *, path: str = "", **settings: Any) -> None:
        super().__init__(**settings)
        self._path = path
        # A group's help, completion and suggestions read only this.
        for row in self.rows:
            name = self._name_here(row.path)
            if name is not None:
                self.add_command(TyperCommand(name, short_help=row.line, rich_help_panel=row.panel or None))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command: for this group's own help its line, for all others the whole command."""
        if ctx.command is self and cmd_name in self.commands:
            return self.commands[cmd_name]
        return self.load(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the name of the command that is called, the command, and its arguments."""
        name, found, rest = super().resolve_command(ctx, args)
        if found is None or name is None:
            return name, None, rest
        return name, self.load(name), self._with_new_options(name, rest)

    def load(self, name: str) -> Any:
        """Import a command of this group, also by an alias; None: there is no such command."""
        path = self._path_of(name)
        if (of_alias := self.aliases.get(path)) is not None:
            return self._imported(of_alias)
        if any(each.startswith(f"{path} ") for each in (*self.aliases, *(row.path for row in self.rows))):
            return self._group(path, name)
        return self._imported(path) if name in self.commands else None

    def _with_new_options(self, name: str, arguments: list[str]) -> list[str]:
        """Return the arguments of a command with old spellings of its options replaced."""
        path = self._path_of(name)
        renamed = self.old_options.get(self.aliases.get(path, path), {})
        # Behind `--` is no option.
        end = arguments.index("--") if "--" in arguments else len(arguments)
        pairs = [each.partition("=") for each in arguments[:end]]
        options = [f"{renamed.get(option, option)}{equals}{value}" for option, equals, value in pairs]
        return [*options, *arguments[end:]]

    def _path_of(self, name: str) -> str:
        return f"{self._path} {name}".strip()

    def _name_here(self, path: str) -> str | None:
        """Return the last word of a path if it is in this group, and not in a group of it."""
        parent, _, name = path.rpartition(" ")
        return name if parent == self._path else None

    def _group(self, path: str, name: str) -> CommandGroup:
        return type(self)(
            path=path,
            name=name,
            help=self._line(path),
            short_help=self._line(path),
            no_args_is_help=True,
            rich_markup_mode=self.rich_markup_mode,
        )

    def _imported(self, path: str) -> Any:
        module = f"{PACKAGE}.{path.replace(' ', '.').replace('-', '_')}"
        import_module(module)
        found = typer.main.get_command(_apps[module])
        found.name, found.short_help = path.rpartition(" ")[2], self._line(path)
        return found

    def _line(self, path: str) -> str | None:
        return next((row.line for row in self.rows if row.path == path), None)
