"""How commands print: JSON or text, tables, errors and warnings."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from bluegrid_registry import RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

SHOWN = 20
"""How many lines of a list are printed; --json has all."""
_UNLIMITED = 10_000
"""Width of the console in characters: more than any line has."""
_DIGEST, _SHOWN = 64, 12
"""Hex digits of a SHA-256, and of a short one."""
_IS_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{64}")


def emit(*, as_json: bool, data: Any, text: str) -> None:
    """Print `data` as JSON, or `text`."""
    typer.echo(json.dumps(data, indent=2) if as_json else text)


def refuse(message: str) -> None:
    """Print an error the way kubectl does: `error: ...` on standard error, one line for each fault."""
    for line in message.splitlines():
        sys.stderr.write(f"error: {line}\n")


def warn(message: str) -> None:
    """Print a warning on standard error, on one line."""
    sys.stderr.write(f"warning: {message}\n")


def show_warnings(package: str) -> None:
    """Print the warnings that a package logs on standard error, a line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("warning: %(message)s"))
    logging.getLogger(package).addHandler(handler)


def emit_table(*, as_json: bool, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Print `rows` as a JSON list, or as a table with these columns."""
    if as_json:
        typer.echo(json.dumps(list(rows), indent=2))
        return
    lines = [[column.upper() for column in columns]]
    lines += [[cell(row[column]) for column in columns] for row in rows]
    # On a terminal digests are short; a pipe and --json have whole ones.
    if is_terminal := sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR")):
        lines = [[*map(_short, line)] for line in lines]
    widths = [max(map(_width, cells)) for cells in zip(*lines, strict=True)]
    # rich's tables take a second for a thousand rows.
    head, *rest = (
        "  ".join(
            f"{text}{' ' * (width - _width(text))}" for text, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )
    typer.echo("\n".join([typer.style(head, bold=True) if is_terminal else head, *rest]))


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes: a Chinese character takes two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def wide_console() -> Console:
    """Return a console that truncates nothing: pipes have no width, terminals wrap long lines."""
    from rich.console import Console

    return Console(width=_UNLIMITED)


def _short(text: str) -> str:
    """Shorten a digest, as git and Docker do."""
    return f"{text[: -_DIGEST + _SHOWN]}…" if _IS_DIGEST.fullmatch(text) else text


def emit_facts(*, as_json: bool, data: Mapping[str, Any]) -> None:
    """Print `data` as JSON, or a line for each fact."""
    emit(as_json=as_json, data=data, text="\n".join(f"{key}: {cell(value)}" for key, value in data.items()))


def cell(value: object) -> str:
    """Return a value as a table shows it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{key} {cell(inner)}" for key, inner in value.items()) or "-"
    return str(value)


@contextmanager
def checked_values() -> Iterator[None]:
    """Turn errors of validation into a RegistryError with a line for each mistake."""
    from pydantic import ValidationError

    try:
        yield
    except ValidationError as error:
        lines = [
            f"{'.'.join(map(str, detail['loc']))}: {detail['msg'].removeprefix('Value error, ')}"
            for detail in error.errors()
        ]
        raise RegistryError("\n".join(lines)) from None
    except ValueError as error:
        raise RegistryError(str(error)) from None


def with_lists(head: str, lists: Mapping[str, Sequence[str]]) -> str:
    """Return `head`, and a line for each name in the lists, after the label of its list."""
    lines = [head]
    for label, names in lists.items():
        lines += [f"  {label} {name}" for name in names[:SHOWN]]
        if len(names) > SHOWN:
            lines.append(f"  {label} ... and {len(names) - SHOWN} more; --json lists all")
    return "\n".join(lines)
