"""Constructs the component of the package: plain values in, resources and URLs out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.provider import ConstructResult, Provider
from pydantic import ValidationError

from bluegrid_components.model_services import ModelServices
from bluegrid_components.model_services_args import ModelServicesArgs
from bluegrid_components.plugin.component import TOKEN, ComponentOutputs, RegionComponent
from bluegrid_components.plugin.schema import schema
from bluegrid_registry.errors import BluegridError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi.errors import InputPropertyErrorDetails

_PLATFORM = "platform"
"""Resource name of the platform, as in projects of `bluegrid init`: both have the same URNs."""
_OF_A_KEY = "[key]"
"""Part of pydantic's error location if the key of a mapping is wrong, not its value."""
_UNKNOWN = "not known before the update; make the resource that it comes from in another stack"


class ServicesProvider(Provider):
    """The plugin's side of Pulumi's protocol.

    Args:
        version: of the package.
    """

    def __init__(self, version: str) -> None:
        super().__init__(version, json.dumps(schema(version)))
        # The engine starts a plugin for each preview and each update, and ends it with them.
        self._declared: str | None = None

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Declare the services of a region."""
        if resource_type != TOKEN:
            raise _refused(f"{resource_type} is not in this package; it has {TOKEN}")
        if self._declared is not None:
            raise _refused(f"{self._declared} declares the stack's services; give {name} a stack of its own")
        self._declared = name
        made: pulumi.Output[dict[str, Any]] = pulumi.Output.from_input(
            _construct(name, inputs, options or pulumi.ResourceOptions())
        )
        return ConstructResult(
            urn=made.apply(lambda each: str(each["urn"])),
            state={"urls": made.apply(lambda each: each["urls"])},
        )


async def _construct(name: str, inputs: pulumi.Inputs, options: pulumi.ResourceOptions) -> dict[str, Any]:
    args = _arguments(await _known(inputs))
    outputs = ComponentOutputs()
    providers = [*options.providers.values()] if isinstance(options.providers, dict) else []
    inherited = pulumi.ResourceOptions(
        providers=providers, depends_on=options.depends_on, protect=options.protect
    )
    try:
        services = ModelServices(_PLATFORM, args, inherited, outputs=outputs)
    except (BluegridError, pulumi.RunError) as error:
        raise _refused(str(error)) from None
    urls = dict(services.urls)
    outputs.put("urls", urls)
    component = RegionComponent(name, outputs.next, options)
    return {"urn": component.urn, "urls": urls}


async def _known(inputs: pulumi.Inputs) -> Mapping[str, Any]:
    """Return the values of the inputs: the registry is read, and services are declared, by plain values."""
    outputs = {key: pulumi.Output.from_input(value) for key, value in inputs.items()}
    if unknown := [key for key, output in outputs.items() if not await output.is_known()]:
        raise _refused("", dict.fromkeys(sorted(unknown), _UNKNOWN))
    return {key: await output.future() for key, output in outputs.items()}


def _arguments(values: Mapping[str, Any]) -> ModelServicesArgs:
    given = {key: _whole(value) for key, value in values.items() if value is not None}
    given["region"] = given.get("region") or pulumi.get_stack()
    try:
        return ModelServicesArgs.model_validate(given, by_alias=True, by_name=False)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise _refused("", {_path(each["loc"]): each["msg"] for each in found}) from None


def _whole(value: Any) -> Any:
    """Return a value with integers in place of whole numbers: on the wire, every number is a float."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(each) for key, each in value.items()}
    return [*map(_whole, value)] if isinstance(value, list) else value


def _path(place: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in place if part != _OF_A_KEY)


def _refused(message: str, faults: Mapping[str, str] | None = None) -> Exception:
    """Return the error for a component that is refused: as a whole, or with the fault of each argument."""
    # Without a list, the SDK answers with a fault of its own (findings/pulumi-refusal-of-no-property.sh).
    details: list[InputPropertyErrorDetails] = [
        {"property_path": path, "reason": fault} for path, fault in (faults or {}).items()
    ]
    return pulumi.InputPropertiesError(message, details)
