"""Exceptions of frameworks as one clean line, for a response, a log or a termination message.

Frameworks write their errors for a terminal on the developer's machine: with colours, tracebacks of several
languages, and paths of the machine that runs or built the framework.
"""

from __future__ import annotations

import re

_LONGEST = 400
"""Maximum length of a line, in characters; text beyond seldom says more."""

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_TAIL = re.compile(r"(?m)^\s*(?:Stack trace:|JVM stacktrace:|at [\w.$]+\(|Arguments received by )[\s\S]*")
"""Text to the end: stack traces of C++ and Java, and the arguments of a call of Keras."""
_NOISE = re.compile(
    r"in user code:|Traceback \(most recent call last\):|Graph execution error:|<stack traces unavailable>"
    r"|Detected at node .*? \(most recent call last\):"  # TensorFlow
    r"|^config=\{.*$|Full object config: \{.*$"  # Keras: the whole configuration of a model
    r"|\{\{function_node [^}]*\}\}|\[Op:[^\]]*\]"
    r"|\[\d\d:\d\d:\d\d\] \S+:\d+: "  # XGBoost: time, and line of its source
    r"|catboost/\S+:\d+: ",  # CatBoost: line of its source
    re.MULTILINE,
)
_NODE = re.compile(r"\[\[\{\{node ([^}]*)\}\}\]\]")
_PLACE = re.compile(r"(\s*)File \"[^\"]*\", line \d+")
_PATH = re.compile(r"(?<![\w./])(?:file:/*)?/(?:[\w.@+-]+/)+([\w.@+-]+)")


def describe(error: BaseException) -> str:
    """Return the class and the message of an exception: one line, no colours, no traceback, no paths."""
    kind = type(error).__name__
    text = _COLOURS.sub("", str(error)).replace("\r\n", "\n")
    text = _without_places(text)
    text = _TAIL.sub("", text) or text
    text = _NODE.sub(r"(node \1)", _NOISE.sub("", text))
    line = " ".join(_PATH.sub(r"\1", text).split()).removeprefix(f"{kind}: ")
    if len(line) > _LONGEST:
        line = f"{line[:_LONGEST]}…"
    return f"{kind}: {line}" if line else kind


def _without_places(text: str) -> str:
    """Drop the lines of each call in Python's tracebacks: the place, and the line of code below it."""
    lines = []
    depth: int | None = None
    for line in text.splitlines():
        if place := _PLACE.match(line):
            depth = len(place[1])
        elif depth is None or len(line) - len(line.lstrip()) <= depth:
            depth = None
            lines.append(line)
    return "\n".join(lines)
