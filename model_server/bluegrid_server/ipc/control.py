"""Messages between the front, the fork server and the workers, besides requests; one class each.

    front ── Fork, Kill, Import ────────────────────────────────────► fork server
    front ◄─ Progress, Failed, Loading, Fetched, Forked, Exited,
             Imported ─────────────────────────────────────────────── fork server  (SOCK_SEQPACKET)
    front ◄─ Progress, Failed, Ready ── as a response, number UP ──── worker       (frames.py)

    fork server:  Progress* Loading Progress* Fetched   the front orders the first worker
                  Progress* Failed                      the version cannot be served: the pod gives up
                  Forked                                one for each Fork, with two descriptors
                  Exited                                one for each Kill of an existing worker
                  Imported                              one for each Import; workers forked later have it
    worker:       Progress* Ready | Failed

A message is one JSON object with the class's name as `type`. Descriptors are sent with the message, in the
order of the class's docstring.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import orjson


@dataclass(frozen=True, slots=True)
class Fork:
    """Fork a worker.

    Attributes:
        slot: the worker's number, from 0.
        is_first: whether this is the first worker, which has to prove the recorded examples.
    """

    slot: int
    is_first: bool


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill a worker, if it has not ended by itself, and report its exit."""

    name: str


@dataclass(frozen=True, slots=True)
class Import:
    """Import the framework, which `Fetched` has said is not imported yet."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of the sender, as one line for people."""

    line: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Why the version cannot be served, on one line."""

    reason: str


@dataclass(frozen=True, slots=True)
class Loading:
    """The models' files are fetched.

    Descriptor: memory with the UIDs and the version's signature as JSON; those of thousands of models do not
    fit into a message.
    """

    models: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """The version is fetched and, if processes share its models, loaded.

    Descriptors: memory with models that are data, one for each of `blocks`.

    Attributes:
        models: number of models of the version.
        examples: number of models whose recorded examples reproduced.
        blocks: what the memories hold: `linear`, `trees`.
        imports_later: whether requests may need a framework that is not imported yet.
    """

    models: int
    examples: int
    blocks: list[str] = field(default_factory=list)
    imports_later: bool = False


@dataclass(frozen=True, slots=True)
class Forked:
    """A worker is forked; it accepts requests when it has sent Ready.

    Descriptors: the worker's connection, and its WorkerStatus.
    """

    name: str
    slot: int


@dataclass(frozen=True, slots=True)
class Exited:
    """A worker has ended.

    Attributes:
        name: of the worker.
        status: exit code, or minus the number of a signal.
    """

    name: str
    status: int


@dataclass(frozen=True, slots=True)
class Imported:
    """The framework is imported, or cannot be, as the log says."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker accepts requests."""


Order = Fork | Kill | Import
Event = Progress | Failed | Loading | Fetched | Forked | Exited | Imported | Ready
_TYPES: dict[str, type[Order | Event]] = {
    kind.__name__: kind
    for kind in (Fork, Kill, Import, Progress, Failed, Loading, Fetched, Forked, Exited, Imported, Ready)
}


def message_bytes(message: Order | Event) -> bytes:
    """Return a message as bytes."""
    return orjson.dumps({"type": type(message).__name__, **asdict(message)})


def message_of(data: bytes) -> Order | Event:
    """Return the message that these bytes encode."""
    fields = orjson.loads(data)
    return _TYPES[fields.pop("type")](**fields)
