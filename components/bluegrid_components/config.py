"""Reads and validates the stack's settings.

This project's `Pulumi.yaml` declares the same keys with the same defaults, so the Pulumi CLI refuses missing
keys, wrong types and secrets in clear. A project can declare settings only under its own name: for projects
of other names, this module alone validates them.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime.config import CONFIG, get_config, get_config_env, is_config_secret
from pydantic import ValidationError

from bluegrid_components.model_services_args import (
    HALF_AN_ACCOUNT,
    NO_IMAGE,
    NOT_WITH_GATEWAY,
    ONLY_WITH_GATEWAY,
    ONLY_WITH_OWN_PLATFORM,
    UNKNOWN_FAMILY,
    ModelServicesArgs,
)
from bluegrid_components.pods.metadata_types import RESERVED
from bluegrid_components.pods.settings import PodSettings, Toleration
from bluegrid_registry.contract import SETTINGS
from bluegrid_registry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

_IN_CLEAR = object()
"""Replaces the value of a secret that the stack's file does not encrypt."""

_SECRETS = {"storeAccessKey", "storeSecretKey", "routeKey"}

_OBJECTS = {"images", "pods", "replicas", "routeAnnotations", "serviceAccountAnnotations"}

_FORMS = {
    "gateway": "namespace/name of a Gateway, or namespace/name/listener",
    "store": "s3://bucket/prefix?endpoint=URL&region=NAME",
    "routeAddress": "http://ADDRESS, without a path",
    "requestFactor": "a number above 0 and at most 1",
    "readyTimeout": "a number of seconds above 0",
    "gatewayTimeout": "a number of seconds above 0",
    "sizeFactor": "a number above 0 and at most 100",
    "replicas": "a number of pods",
    "quotaCpu": "a Kubernetes quantity, such as 8",
    "quotaMemory": "a Kubernetes quantity, such as 16Gi",
    "quotaPods": "a number above 0",
    "namespace": "a DNS label",
    "proxyNamespace": "the name of a namespace",
    "host": "a DNS name",
    "standingDomain": "a DNS name",
}
"""Formats of values, for messages in place of pydantic's about a pattern."""

_SUPERFLUOUS = (NOT_WITH_GATEWAY, ONLY_WITH_GATEWAY, ONLY_WITH_OWN_PLATFORM, RESERVED, UNKNOWN_FAMILY)
"""Types of errors whose remedy is to remove the setting."""

_NO_MAPPING = ("dict_type", "model_type", "mapping_type")
"""Types of pydantic's errors for a value that should be a mapping."""

_OF_A_KEY = "[key]"
"""Part of pydantic's error location if the key of a mapping is wrong, not its value."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
"""A part of a setting's path that needs no brackets."""


def read_config() -> ModelServicesArgs:
    """Read the settings of the stack that this program runs for.

    Raises:
        ConfigError: they have mistakes; the message has one line for each, with the command that corrects it.
    """
    config = pulumi.Config(SETTINGS)
    values: dict[str, Any] = {key: _value(config, key) for key in _keys()}
    values["region"] = values.get("region") or pulumi.get_stack()
    try:
        return ModelServicesArgs.model_validate(values, by_alias=True, by_name=False)
    except ValidationError as error:
        lines = dict.fromkeys(_line(each) for each in error.errors(include_url=False))
        raise ConfigError("\n".join(lines)) from None


def _keys() -> list[str]:
    """Return all keys that are set, to find misspelt ones; `pulumi.Config` cannot list keys."""
    prefix = f"{SETTINGS}:"
    keys = [*CONFIG.get(), *get_config_env()]
    return [key.removeprefix(prefix) for key in dict.fromkeys(keys) if key.startswith(prefix)]


def _value(config: pulumi.Config, key: str) -> Any:
    if key in _SECRETS:
        setting = f"{SETTINGS}:{key}"
        text = get_config(setting) or None
        return _IN_CLEAR if text and not is_config_secret(setting) else text
    if key not in _OBJECTS:
        return config.get(key)
    try:
        return config.get_object(key)
    except pulumi.ConfigTypeError:
        # Not JSON: refused below, together with all other mistakes.
        return config.get(key)


def _line(error: Any) -> str:
    place = [part for part in error["loc"] if part != _OF_A_KEY]
    # A default is located by the name of its field, a value by its alias.
    if (field := ModelServicesArgs.model_fields.get(str(place[0]))) is not None:
        place[0] = field.alias or place[0]
    key, setting = str(place[0]), _path(place)
    path = "--path " if len(place) > 1 else ""
    # Named, since the stack that Pulumi has selected may be another one.
    stack = f"--stack {pulumi.get_stack()} "
    change = f"pulumi config set {stack}{'--secret ' if key in _SECRETS else path}{shlex.quote(setting)}"
    removal = f"pulumi config rm {stack}{path}{shlex.quote(setting)}"
    if error["type"] == "extra_forbidden":
        known, what = _known(place)
        return f"{setting} is no {what}; known: {known}: {removal}"
    if error["type"] == NO_IMAGE:
        return f"{setting} is not set; {error['msg']}: {change} VALUE"
    if error["type"] == "missing":
        return f"{setting} is not set: {change} {_FORMS.get(key, 'VALUE')}"
    if error["input"] is _IN_CLEAR:
        return f"{setting} is a secret and not encrypted: {change} VALUE"
    if error["type"] == HALF_AN_ACCOUNT:
        missing = f"{SETTINGS}:{error['ctx']['missing']}"
        return f"{missing} is not set, and {error['msg']}: pulumi config set {stack}--secret {missing} VALUE"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] in _SUPERFLUOUS or _OF_A_KEY in error["loc"]:
        return f"{setting}: {message}: {removal}"
    if error["type"] in _NO_MAPPING and key in _OBJECTS and len(place) == 1:
        of_a_key = f"pulumi config set {stack}--path {setting}.KEY VALUE"
        return f"{setting}: {error['input']!r} is not a mapping, as JSON or YAML: {of_a_key}"
    form = _FORMS.get(key)
    fault = f"{error['input']!r} is not {form}" if form else message
    return f"{setting}: {fault}: {change} VALUE"


def _path(place: Sequence[str | int]) -> str:
    """Return the path of a setting, as for `pulumi config set --path`."""
    key, *inner = place
    return f"{SETTINGS}:{key}{''.join(map(_step, inner))}"


def _step(part: str | int) -> str:
    return f".{part}" if isinstance(part, str) and _PLAIN.fullmatch(part) else f"[{json.dumps(part)}]"


def _known(place: Sequence[str | int]) -> tuple[str, str]:
    """Return the valid settings in the place of an unknown one, and their kind, for messages."""
    settings: type[BaseModel]
    if len(place) == 1:
        settings, what = ModelServicesArgs, "key of this project"
    elif "tolerations" not in place:
        settings, what = PodSettings, "setting of pods"
    else:
        settings, what = Toleration, "field of a toleration"
    names = (field.alias or name for name, field in settings.model_fields.items())
    return ", ".join(names), what
