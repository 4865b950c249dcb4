"""Pickles of joblib and of Python, read as data by an interpreter of the few opcodes that estimators need.

It builds numbers, texts, lists, dicts and descriptions. A global stays a name: none is looked up, and the few
that may be called are known here and in `pickle_numpy.py`.
https://docs.python.org/3/library/pickletools.html
"""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING, Any

from bluegrid_server.frameworks.not_data import NotDataError, check
from bluegrid_server.frameworks.scikit_learn.data.described import TREE, Described
from bluegrid_server.frameworks.scikit_learn.data.pickle_numpy import (
    GLOBALS,
    WRAPPER,
    Dtype,
    Global,
    NewArray,
    array_of_joblib,
    array_of_state,
    called,
)
from bluegrid_server.frameworks.scikit_learn.data.recipes import CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bluegrid_server.frameworks.scikit_learn.data.pickle_data import PickleData

_MARK = object()
_KNOWN = CLASSES | GLOBALS
"""Globals that a pickle may name."""
_FLOAT = struct.Struct(">d")
_MAX_DEPTH = 4
"""Maximum number of pickles within each other; an array of texts is one."""


def root_of(data: PickleData) -> Any:
    """Return the object that a pickle describes.

    Raises:
        NotDataError: the pickle has an opcode, a global or an object that is not known in all details.
        IndexError, KeyError, TypeError, ValueError, struct.error: it is damaged.
    """
    root = _object(data, 1)
    check(data.is_at_end, "bytes after the end")
    return root


def _object(data: PickleData, depth: int) -> Any:
    """Return the object of a pickle that begins here, and is within so many pickles, itself included."""
    check(depth <= _MAX_DEPTH, "pickles within each other")
    check(data.byte() == 0x80 and 2 <= data.byte() <= 5, "another protocol")
    machine = _Machine(data, depth)
    while (code := data.byte()) != 0x2E:
        run = _OPCODES.get(code)
        if run is None:
            raise NotDataError(f"an opcode {code:#x}")
        run(machine)
    (root,) = machine.stack
    return root


class _Machine:
    """Stack and memo of a pickle."""

    def __init__(self, data: PickleData, depth: int) -> None:
        self.data, self.depth = data, depth
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def keep(self, place: int) -> None:
        """Keep what is on top of the stack in the memo."""
        top = self.memo[place] = self.stack[-1]
        if isinstance(top, NewArray):
            top.places.append(place)

    def items(self) -> list[Any]:
        """Take what is above the last mark."""
        place = len(self.stack) - 1
        while self.stack[place] is not _MARK:
            place -= 1
            check(place >= 0, "no mark")
        taken = self.stack[place + 1 :]
        del self.stack[place:]
        return taken


def _push(value: Callable[[PickleData], Any]) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(value(machine.data))


def _text(size: int) -> Callable[[_Machine], None]:
    return _push(lambda data: data.take(data.integer(size)).decode())


def _bytes(size: int) -> Callable[[_Machine], None]:
    return _push(lambda data: data.take(data.integer(size)))


def _get(size: int) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(machine.memo[machine.data.integer(size)])


def _put(size: int) -> Callable[[_Machine], None]:
    def put(machine: _Machine) -> None:
        machine.keep(machine.data.integer(size))

    return put


def _memoize(machine: _Machine) -> None:
    machine.keep(len(machine.memo))


def _tuple(size: int) -> Callable[[_Machine], None]:
    def build(machine: _Machine) -> None:
        check(len(machine.stack) >= size, "too few values")
        machine.stack[-size:] = [tuple(machine.stack[-size:])]

    return build


def _tuple_of_items(machine: _Machine) -> None:
    items = machine.items()
    machine.stack.append(tuple(items))


def _pairs(items: list[Any]) -> Iterator[tuple[str, Any]]:
    check(len(items) % 2 == 0 and all(type(key) is str for key in items[::2]), "keys that are not text")
    return zip(items[::2], items[1::2], strict=True)


def _set_items(machine: _Machine) -> None:
    items = machine.items()
    check(type(machine.stack[-1]) is dict, "items of another object")
    machine.stack[-1].update(_pairs(items))


def _set_item(machine: _Machine) -> None:
    items = machine.stack[-2:]
    del machine.stack[-2:]
    check(type(machine.stack[-1]) is dict, "items of another object")
    machine.stack[-1].update(_pairs(items))


def _append_items(machine: _Machine) -> None:
    items = machine.items()
    check(type(machine.stack[-1]) is list, "items of another object")
    machine.stack[-1].extend(items)


def _append(machine: _Machine) -> None:
    item = machine.stack.pop()
    check(type(machine.stack[-1]) is list, "items of another object")
    machine.stack[-1].append(item)


def _global(machine: _Machine) -> None:
    module, name = machine.data.line(), machine.data.line()
    machine.stack.append(_known(module, name))


def _global_of_stack(machine: _Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    check(type(name) is str and type(module) is str, "a global without a name")
    machine.stack.append(_known(module, name))


def _known(module: str, name: str) -> Global:
    known = Global(f"{module}.{name}")
    # At once: most files of other classes name theirs first, and what follows may be long.
    check(known.name in _KNOWN, f"a global {known.name}")
    return known


def _new(machine: _Machine) -> None:
    arguments, made = machine.stack.pop(), machine.stack.pop()
    check(isinstance(made, Global) and arguments == (), "an object with arguments")
    machine.stack.append(Described(made.name, {}))


def _call(machine: _Machine) -> None:
    arguments, function = machine.stack.pop(), machine.stack.pop()
    check(isinstance(function, Global) and isinstance(arguments, tuple), "another call")
    if function.name == TREE:
        machine.stack.append(Described(TREE, {}, arguments))
    else:
        machine.stack.append(called(machine.data, function.name, arguments))


def _build(machine: _Machine) -> None:
    state, built = machine.stack.pop(), machine.stack[-1]
    if isinstance(built, Dtype):
        built.complete(state)
    elif isinstance(built, NewArray):
        array = array_of_state(machine.data, state)
        machine.stack[-1] = array
        # Other places refer to the array by the memo.
        for place in built.places:
            machine.memo[place] = array
    elif isinstance(built, Described):
        check(type(state) is dict and not built.attributes, "another state")
        if built.kind == WRAPPER:
            nested = partial(_object, machine.data, machine.depth + 1)
            machine.stack[-1] = array_of_joblib(machine.data, state, nested)
        else:
            built.attributes.update(state)  # type: ignore[attr-defined]
    else:
        raise NotDataError("a state of another object")


def _skip_length_of_frame(machine: _Machine) -> None:
    machine.data.take(8)


_OPCODES: dict[int, Callable[[_Machine], None]] = {
    ord("("): lambda machine: machine.stack.append(_MARK),
    ord(")"): lambda machine: machine.stack.append(()),
    ord("]"): lambda machine: machine.stack.append([]),
    ord("}"): lambda machine: machine.stack.append({}),
    ord("N"): lambda machine: machine.stack.append(None),
    0x88: lambda machine: machine.stack.append(True),
    0x89: lambda machine: machine.stack.append(False),
    ord("K"): _push(lambda data: data.integer(1)),
    ord("M"): _push(lambda data: data.integer(2)),
    ord("J"): _push(lambda data: data.integer(4, signed=True)),
    0x8A: _push(lambda data: data.integer(data.integer(1), signed=True)),
    ord("G"): _push(lambda data: _FLOAT.unpack(data.take(8))[0]),
    0x8C: _text(1),
    ord("X"): _text(4),
    0x8D: _text(8),
    ord("C"): _bytes(1),
    ord("B"): _bytes(4),
    0x8E: _bytes(8),
    0x94: _memoize,
    ord("q"): _put(1),
    ord("r"): _put(4),
    ord("h"): _get(1),
    ord("j"): _get(4),
    0x85: _tuple(1),
    0x86: _tuple(2),
    0x87: _tuple(3),
    ord("t"): _tuple_of_items,
    ord("u"): _set_items,
    ord("s"): _set_item,
    ord("e"): _append_items,
    ord("a"): _append,
    ord("c"): _global,
    0x93: _global_of_stack,
    0x81: _new,
    ord("R"): _call,
    ord("b"): _build,
    0x95: _skip_length_of_frame,
}
"""By opcode, what it does; others are refused."""
