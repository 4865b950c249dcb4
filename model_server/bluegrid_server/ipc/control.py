"""Messages between the front, the fork server and its workers beside requests, one class each.

    front ── Fork, Kill ────────────────────────────────────────────► fork server
    front ◄─ Progress, Failed, Loading, Fetched, Forked, Exited ───── fork server  (SOCK_SEQPACKET)
    front ◄─ Progress, Failed, Ready ── as a response, number UP ──── worker       (frames.py)

    fork server:  Progress* Loading Progress* Fetched   the version is up: the front orders the first worker
                  Progress* Failed                      it cannot be served: the pod gives up
                  Forked                                one for each Fork, with two descriptors
                  Exited                                one for each Kill of a worker that there is
    worker:       Progress* Ready | Failed

A message is one JSON object with its class's name as `type`; descriptors go along with it, in the order that
the class names.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import orjson


@dataclass(frozen=True, slots=True)
class Fork:
    """Fork a worker.

    Attributes:
        slot: the worker's place, from 0.
        is_first: whether it is alone so far, and has to prove the recorded examples.
    """

    slot: int
    is_first: bool


@dataclass(frozen=True, slots=True)
class Kill:
    """End a worker, if it has not ended by itself, and report how it ended."""

    name: str


@dataclass(frozen=True, slots=True)
class Progress:
    """The sender's progress, on one line for people."""

    line: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Why the version cannot be served, on one line."""

    reason: str


@dataclass(frozen=True, slots=True)
class Loading:
    """The models' files are fetched.

    Descriptor: memory that holds the UIDs as JSON; of thousands of models they fill more than a message.
    """

    models: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """The version is up, as far as it is shared.

    Descriptor: the block of linear models, where there are any.

    Attributes:
        models: how many it has.
        examples: how many recorded examples reproduced.
    """

    models: int
    examples: int


@dataclass(frozen=True, slots=True)
class Forked:
    """A worker is forked; it takes requests when it has sent Ready.

    Descriptors: its connection, and its WorkerStatus.
    """

    name: str
    slot: int


@dataclass(frozen=True, slots=True)
class Exited:
    """A worker has ended.

    Attributes:
        name: of the worker.
        status: exit code, or minus a signal's number.
    """

    name: str
    status: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker takes requests."""


Order = Fork | Kill
Event = Progress | Failed | Loading | Fetched | Forked | Exited | Ready
_TYPES: dict[str, type[Order | Event]] = {
    each.__name__: each for each in (Fork, Kill, Progress, Failed, Loading, Fetched, Forked, Exited, Ready)
}


def message_bytes(message: Order | Event) -> bytes:
    """Return a message as bytes."""
    return orjson.dumps({"type": type(message).__name__, **asdict(message)})


def message_of(data: bytes) -> Order | Event:
    """Return the message that these bytes are."""
    fields = orjson.loads(data)
    return _TYPES[fields.pop("type")](**fields)
