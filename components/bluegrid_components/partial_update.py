"""Detects an update of some services or resources (`pulumi up --target`), from environment variables.

The engine keeps a resource that is not a target as it is in the state, with its dependencies there. If the
program registers the resource before one of these dependencies, the engine has already recorded the latter,
and ends with "Duplicate resource URN": https://github.com/pulumi/pulumi/issues/24303. So the program has to
know which live routes stay: they may lead to other clusters than the registry declares.

What the program does not register and is not a target stays as it is too. So an update of one service among
hundreds registers that one. Without targets the engine would delete all others: `require_targets`.
"""

from __future__ import annotations

import os

import pulumi

from bluegrid_registry import contract

_HOOK = "bluegrid-has-targets"


def is_partial() -> bool:
    """Return whether this update is limited to named resources of services."""
    return bool(os.environ.get(contract.PARTIAL_UPDATE))


def route_stays(service: str) -> bool:
    """Return whether this update leaves a service's live route as it is, whatever the registry says."""
    updated = os.environ.get(contract.UPDATED_ROUTES)
    return is_partial() and updated is not None and service not in updated.split(",")


def updated_services() -> frozenset[str] | None:
    """Return the services that this update is limited to, declared or not; None: all."""
    names = os.environ.get(contract.UPDATED_SERVICES)
    return None if names is None else frozenset(filter(None, names.split(",")))


def require_targets() -> None:
    """Refuse an update of some services that names no targets: it would delete all other services.

    The SDK does not tell a program whether there are targets. But the engine skips the creation of a resource
    that is not a target, with its hooks. If the hook runs, the program ends with an error, and the engine
    deletes nothing after that.
    """
    _NeverCreated()


class _NeverCreated(pulumi.ComponentResource):
    """A resource that is never a target and never in a state."""

    def __init__(self) -> None:
        self._has_targets = True
        in_previews_too = pulumi.ResourceHookOptions(on_dry_run=True)
        hook = pulumi.ResourceHook(_HOOK, self._refuse, in_previews_too)
        hooks = pulumi.ResourceHookBinding(before_create=[hook])
        opts = pulumi.ResourceOptions(hooks=hooks)
        super().__init__("bluegrid:serving:UpdateWithoutTargets", "update-without-targets", None, opts)
        # With `--continue-on-error` a failed hook would not end the program.
        self.register_outputs({"hasTargets": pulumi.Output.from_input(self._require())})

    async def _require(self) -> bool:
        await self.urn.future()
        if not self._has_targets:
            raise pulumi.RunError(_FAULT)
        return True

    def _refuse(self, _: pulumi.ResourceHookArgs) -> None:
        self._has_targets = False
        raise pulumi.RunError(_FAULT)


_FAULT = (
    f"{contract.UPDATED_SERVICES} is set, and this update names no targets: it would delete all other "
    "services; unset it, or update services with `bluegrid up SERVICE`"
)
