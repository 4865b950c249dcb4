"""Routes whose path names a model.

The UID is read from the path as it was sent: after decoding, a slash of the UID would not differ from one of
the path. The end of the path is read first: the operation, such as `/infer`, then `/versions/<version>`. All
between `models/` and this end is the UID, percent-encoded:

    models/feeder%2F7/infer           infer by feeder/7
    models/feeder/7/infer             infer by feeder/7: a proxy may have decoded the slash
    models/feeder/7/versions/v1       metadata of feeder/7 in version v1
    models/a%2Fversions%2Fv1/infer    infer by a/versions/v1
    models/a%2F%2Finfer               metadata of a//infer

So a UID that ends like a path, or begins or ends with a slash, is only found if its slashes are encoded.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from starlette.routing import Match, Route

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from starlette.types import Scope

VERSIONS = b"/versions/"
"""Stands between a UID and a version."""
_VERSION = "/versions/{version}"


class Operation(NamedTuple):
    """One operation on a model."""

    method: str
    """HTTP method."""
    endpoint: Callable[..., Any]
    """Handler of a Starlette route; the path parameters are `uid` and perhaps `version`."""


class ModelPath(NamedTuple):
    """What a path names, decoded."""

    uid: str
    version: str | None
    """None: the path names no version."""
    operation: str
    """The end of the path, such as `/infer`; empty: it ends after the UID or the version."""


def model_path(rest: bytes, operations: Collection[str], *, has_versions: bool) -> ModelPath | None:
    """Return what a path names; None: it names no model.

    Args:
        rest: the path after `models/`, as it was sent.
        operations: possible ends of the path, such as `/infer`.
        has_versions: whether `/versions/<version>` may follow the UID.
    """
    operation = next((each for each in operations if each and rest.endswith(each.encode())), "")
    uid, version = rest.removesuffix(operation.encode()), None
    if has_versions:
        before, _, after = uid.rpartition(VERSIONS)
        if before and after and b"/" not in after:
            uid, version = before, unquote(after)
    if not uid or uid.startswith(b"/") or uid.endswith(b"/"):
        return None
    return ModelPath(unquote(uid), version, operation)


def model_routes(base: str, operations: Mapping[str, Operation], *, has_versions: bool = True) -> list[Route]:
    """Return the routes of operations on models.

    Args:
        base: the path before the UID, without the last slash.
        operations: by the end of their paths, such as `/infer`, or empty.
        has_versions: whether `/versions/<version>` may follow the UID.
    """
    versions = ("", _VERSION) if has_versions else ("",)
    return [
        _ModelRoute(base, operations, end, version, has_versions=has_versions)
        for version in versions
        for end in operations
    ]


class _ModelRoute(Route):
    def __init__(
        self, base: str, operations: Mapping[str, Operation], end: str, version: str, *, has_versions: bool
    ) -> None:
        method, endpoint = operations[end]
        super().__init__(f"{base}/{{uid}}{version}{end}", endpoint, methods=[method])
        self._base = base
        self._read = partial(model_path, operations=operations, has_versions=has_versions)
        self._end, self._has_version = end, bool(version)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether path and method are those of the operation, and the path parameters."""
        params = self._params(scope["raw_path"]) if scope["type"] == "http" else None
        if params is None:
            return Match.NONE, {}
        is_allowed = self.methods is None or scope["method"] in self.methods
        return (
            Match.FULL if is_allowed else Match.PARTIAL,
            {"endpoint": self.endpoint, "path_params": params},
        )

    def _params(self, raw_path: bytes) -> dict[str, str] | None:
        *base, rest = raw_path.split(b"/", self._base.count("/") + 1)
        if unquote(b"/".join(base)) != self._base:
            return None
        path = self._read(rest)
        if path is None or path.operation != self._end or (path.version is not None) != self._has_version:
            return None
        return {"uid": path.uid} if path.version is None else {"uid": path.uid, "version": path.version}
