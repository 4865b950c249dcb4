"""The schema of the package, generated from the arguments of ModelServices.

Pulumi could infer a schema from a component's annotations. It does not evaluate them, and it knows neither
pydantic's types nor defaults: https://www.pulumi.com/docs/iac/using-pulumi/extending-pulumi/schema/
"""

from __future__ import annotations

import inspect
import re
import types
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import SecretStr

from bluegrid_components.model_services_args import ModelServicesArgs
from bluegrid_components.plugin.component import PACKAGE, TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_STRING = {"type": "string"}
_ANY = {"$ref": "pulumi.json#/Any"}
_ATTRIBUTE = re.compile(r"^    (\w+(?:, \w+)*): (.*)$")


def schema(version: str) -> dict[str, Any]:
    """Return the schema of the package."""
    required = [
        _alias(name)
        for name, field in ModelServicesArgs.model_fields.items()
        # The region is the stack, unless another one is named.
        if field.is_required() and name != "region"
    ]
    urls = {
        "type": "object",
        "additionalProperties": _STRING,
        "description": "URLs by service name.",
    }
    return {
        "name": PACKAGE,
        "version": version,
        "description": "Model services on Kubernetes, from the registry of model sets.",
        "resources": {
            TOKEN: {
                "isComponent": True,
                "description": "The services of a region, on their own platform; one in a program.",
                "inputProperties": dict(_inputs()),
                "requiredInputs": required,
                "properties": {"urls": urls},
                "required": ["urls"],
            }
        },
    }


def _inputs() -> Iterator[tuple[str, Mapping[str, Any]]]:
    descriptions = _descriptions()
    for name, field in ModelServicesArgs.model_fields.items():
        is_secret = {"secret": True} if _is_secret(field.annotation) else {}
        yield _alias(name), {**_type(field.annotation), **is_secret, "description": descriptions[name]}


def _alias(name: str) -> str:
    return ModelServicesArgs.model_fields[name].alias or name


def _plain(annotation: Any) -> Any:
    """Return a type without its annotations and without None."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (types.UnionType, Union):
        (inner,) = (each for each in get_args(annotation) if each is not type(None))
        return _plain(inner)
    return annotation


def _is_secret(annotation: Any) -> bool:
    return _plain(annotation) is SecretStr


def _type(annotation: Any) -> dict[str, Any]:
    plain = _plain(annotation)
    if plain is int:
        return {"type": "integer"}
    if plain in (float, Decimal):
        return {"type": "number"}
    if (arguments := get_args(plain)) and len(arguments) == 2:
        return {"type": "object", "additionalProperties": _type(arguments[1])}
    if hasattr(plain, "model_fields"):
        # Checked by the component itself, which names the field that is wrong.
        return {"type": "object", "additionalProperties": _ANY}
    return dict(_STRING)


def _descriptions() -> dict[str, str]:
    """Return the text on each argument, from the docstring."""
    texts: dict[str, str] = {}
    names: list[str] = []
    _, _, attributes = (inspect.getdoc(ModelServicesArgs) or "").partition("Attributes:\n")
    for line in attributes.splitlines():
        if found := _ATTRIBUTE.match(line):
            names = found[1].split(", ")
            texts |= dict.fromkeys(names, found[2])
        else:
            texts |= {name: f"{texts[name]} {line.strip()}" for name in names}
    return texts
