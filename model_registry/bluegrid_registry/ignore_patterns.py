"""Patterns of files to ignore, read as lines of a `.gitignore` file: `*.log`, `notes/`, `/top.txt`, `a/**/b`.

`!pattern` is refused: a pattern cannot include files that another pattern ignores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from bluegrid_registry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def _check_pattern(pattern: str) -> str:
    if not pattern.strip() or pattern.startswith(("!", "#")):
        raise ValueError(f"{pattern!r} ignores nothing; give a pattern such as '*.log' or 'notes/'")
    return pattern


IgnorePattern = Annotated[str, AfterValidator(_check_pattern)]
"""One pattern."""


def ignore_matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Return a function that tells whether a relative path is ignored; paths of folders end in a slash.

    Raises:
        ConfigError: a pattern is invalid.
    """
    try:
        lines = [_check_pattern(pattern) for pattern in patterns]
        if not lines:
            return lambda _: False
        # Imported here: pods never ignore files.
        from pathspec import GitIgnoreSpec

        return GitIgnoreSpec.from_lines(lines).match_file
    except ValueError as error:
        raise ConfigError(f"ignore: {error}") from None
