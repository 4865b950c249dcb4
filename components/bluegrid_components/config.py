"""The stack's config as typed and frozen data, with the defaults of what is left out.

This project's `Pulumi.yaml` declares the same keys with the same defaults, by which the Pulumi CLI refuses
missing keys, wrong types and secrets in clear. A project can declare settings of its own name only, so in a
project of another name they are all read, and refused, here.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping  # noqa: TC003 - pydantic reads these
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, LiteralString

import pulumi
from pulumi.runtime.config import CONFIG, get_config, get_config_env, is_config_secret
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from bluegrid_components.fingerprint import fingerprint
from bluegrid_components.pods.metadata import RESERVED, Annotations
from bluegrid_components.pods.settings import PodSettings, Toleration
from bluegrid_components.routes.gateway import Gateway
from bluegrid_components.routes.ingress import IngressClass
from bluegrid_registry.contract import NAMESPACE, SETTINGS
from bluegrid_registry.errors import ConfigError
from bluegrid_registry.names import Quantity  # noqa: TC001 - pydantic reads it
from bluegrid_registry.registry_files.region_replicas import sized

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bluegrid_components.routes.route import Proxy
    from bluegrid_registry.registry_files.schema import RegistryFile

Text = Annotated[str, StringConstraints(min_length=1, pattern=r"^\S+$")]
Domain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=200)]
GatewayName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+/[a-z0-9.-]+(/[a-z0-9.-]+)?$")]
NamespaceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=63)]
HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s?#]+/?$")]

# `Pulumi.yaml` can only give an optional key a default of its own type: the empty text stands for none.
_NONE_IF_EMPTY = BeforeValidator(lambda value: None if value == "" else value)


class StackConfig(BaseModel):
    """What one stack says about itself. Secrets stay Outputs, so that the state keeps them encrypted."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, arbitrary_types_allowed=True
    )

    registry: Path = Path("registry")
    region: Annotated[str, StringConstraints(min_length=1)]
    kube_context: Text
    kubeconfig: Annotated[Path | None, _NONE_IF_EMPTY] = None
    namespace: NamespaceName = NAMESPACE
    store: Annotated[str, StringConstraints(pattern=r"^s3://[^/\s?]+")]
    store_access_key: pulumi.Output[str] | None = None
    store_secret_key: Annotated[pulumi.Output[str] | None, Field(validate_default=True)] = None
    service_account_annotations: Annotations = {}
    store_ca_bundle: Annotated[Path | None, _NONE_IF_EMPTY] = None
    image: Text
    pods: PodSettings = PodSettings()
    gateway: Annotated[GatewayName | None, _NONE_IF_EMPTY] = None
    ingress_class: Annotated[Text | None, _NONE_IF_EMPTY, Field(validate_default=True)] = None
    route_annotations: Annotations = {}
    host: Annotated[Domain | None, _NONE_IF_EMPTY] = None
    tls_secret: Annotated[Text | None, _NONE_IF_EMPTY] = None
    proxy_namespace: Annotated[NamespaceName | None, _NONE_IF_EMPTY] = None
    route_key: pulumi.Output[str]
    route_address: Annotated[HttpUrl | None, _NONE_IF_EMPTY] = None
    standing_domain: Domain = "standing.invalid"
    request_factor: Annotated[float, Field(gt=0, le=1)] = 1
    ready_timeout: Annotated[int, Field(gt=0)] = 600
    size_factor: Annotated[Decimal, Field(gt=0, le=100)] = Decimal(1)
    replicas: Mapping[str, Annotated[StrictInt, Field(ge=0)]] = {}
    quota_cpu: Annotated[Quantity | None, _NONE_IF_EMPTY] = None
    quota_memory: Annotated[Quantity | None, _NONE_IF_EMPTY] = None
    quota_pods: Annotated[Annotated[int, Field(gt=0)] | None, _NONE_IF_EMPTY] = None

    @field_validator("kubeconfig", "store_ca_bundle")
    @classmethod
    def _is_a_file(cls, path: Path | None) -> Path | None:
        if path is not None and not path.expanduser().is_file():
            raise ValueError(f"{path} is not a file")
        return path and path.expanduser()

    @field_validator("store_secret_key")
    @classmethod
    def _is_half_of_an_account(
        cls, secret_key: pulumi.Output[str] | None, given: ValidationInfo
    ) -> pulumi.Output[str] | None:
        access_key = given.data.get("store_access_key")
        if "store_access_key" in given.data and (access_key is None) != (secret_key is None):
            missing, there = ("storeAccessKey", "storeSecretKey")[:: 1 if access_key is None else -1]
            raise PydanticCustomError(
                _HALF_AN_ACCOUNT,
                "{there} is set; set both, or neither where pods have an identity of their own",
                {"missing": missing, "there": f"{SETTINGS}:{there}"},
            )
        return secret_key

    @field_validator("ingress_class")
    @classmethod
    def _is_the_one_way(cls, name: str | None, given: ValidationInfo) -> str | None:
        gateway = given.data.get("gateway")
        if name is not None and gateway is not None:
            raise PydanticCustomError(
                _NOT_WITH_GATEWAY, "the routes attach to bluegrid:gateway; keep one of the two"
            )
        if name is None and "gateway" in given.data and gateway is None:
            raise ValueError("nobody answers for the routes; set it, or bluegrid:gateway")
        return name

    @field_validator("tls_secret")
    @classmethod
    def _is_of_a_host(cls, secret: str | None, given: ValidationInfo) -> str | None:
        if secret is not None and given.data.get("gateway") is not None:
            raise PydanticCustomError(
                _NOT_WITH_GATEWAY, "the listeners of bluegrid:gateway have the certificates"
            )
        if secret is not None and given.data.get("host") is None:
            raise ValueError("a certificate is of a host; set bluegrid:host too")
        return secret

    @property
    def store_ca(self) -> str | None:
        """The text of the CA's certificate that pods trust for the store."""
        return self.store_ca_bundle.read_text() if self.store_ca_bundle else None

    @property
    def plain_route_key(self) -> str:
        """The route key, for what has to be known before anything is registered; nothing may show it."""
        return _plain("routeKey")

    @property
    def store_mark(self) -> str:
        """The fingerprint of what pods read the store with; it shows nothing of it, so it is no secret."""
        account = _plain("storeAccessKey"), _plain("storeSecretKey")
        return fingerprint(self.plain_route_key, *account, self.store_ca or "")

    @property
    def proxy(self) -> Proxy:
        """Who answers for the routes."""
        return Gateway.parse(self.gateway) if self.gateway else IngressClass(self.ingress_class or "")

    def sized(self, files: Iterable[RegistryFile]) -> tuple[RegistryFile, ...]:
        """Return the registry's files with this stack's own numbers of pods; ConfigError: a name is wrong."""
        try:
            return sized(files, self.size_factor, self.replicas)
        except ConfigError as error:
            removal = f"pulumi config rm --path {SETTINGS}:replicas.{{cluster}}"
            raise ConfigError(f"{SETTINGS}:{error.message(removal)}") from None

    @property
    def quota(self) -> dict[str, str]:
        """The quotas that are set, by the resource's name in a ResourceQuota."""
        given = {
            "requests.cpu": self.quota_cpu,
            "requests.memory": self.quota_memory,
            "pods": self.quota_pods,
        }
        return {resource: str(most) for resource, most in given.items() if most is not None}

    @classmethod
    def read(cls) -> StackConfig:
        """Read the config of the stack that this program runs for.

        Raises:
            ConfigError: it has mistakes; the message has one line for each, with the command that mends it.
        """
        config = pulumi.Config(SETTINGS)
        values: dict[str, Any] = {key: _value(config, key) for key in _keys()}
        values["region"] = values.get("region") or pulumi.get_stack()
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            lines = dict.fromkeys(_line(each) for each in error.errors(include_url=False))
            raise ConfigError("\n".join(lines)) from None


_NOT_WITH_GATEWAY: LiteralString = "not_with_gateway"
_HALF_AN_ACCOUNT: LiteralString = "half_an_account"

_SECRETS = {"storeAccessKey", "storeSecretKey", "routeKey"}

_OBJECTS = {"pods", "replicas", "routeAnnotations", "serviceAccountAnnotations"}

_FORMS = {
    "gateway": "namespace/name of a Gateway, or namespace/name/listener",
    "store": "s3://bucket/prefix?endpoint=URL&region=NAME",
    "routeAddress": "http://ADDRESS, without a path",
    "requestFactor": "a number above 0 and at most 1",
    "readyTimeout": "a number of seconds above 0",
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
"""The form of values that have one; pydantic's message about a pattern helps nobody."""

_OF_A_KEY = "[key]"
"""By which pydantic says that a key of a mapping is wrong, and not its value."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
"""What needs no brackets in the path of a setting."""


def _plain(key: str) -> str:
    return get_config(f"{SETTINGS}:{key}") or ""


def _keys() -> list[str]:
    """Every key of this project that is set, so that a misspelt one does not pass; `Config` lists none."""
    prefix = f"{SETTINGS}:"
    keys = [*CONFIG.get(), *get_config_env()]
    return [key.removeprefix(prefix) for key in dict.fromkeys(keys) if key.startswith(prefix)]


def _value(config: pulumi.Config, key: str) -> Any:
    if key in _SECRETS:
        text = config.get(key)
        # What stands in clear stays a plain text, and is refused for it.
        return config.get_secret(key) if text and is_config_secret(f"{SETTINGS}:{key}") else text or None
    return config.get_object(key) if key in _OBJECTS else config.get(key)


def _line(error: Any) -> str:
    place = [part for part in error["loc"] if part != _OF_A_KEY]
    key, setting = str(place[0]), _path(place)
    path = "--path " if len(place) > 1 else ""
    change = f"pulumi config set {'--secret ' if key in _SECRETS else path}{shlex.quote(setting)}"
    removal = f"pulumi config rm {path}{shlex.quote(setting)}"
    if error["type"] == "extra_forbidden":
        known, what = _known(place)
        return f"{setting} is no {what}; known: {known}: {removal}"
    if error["type"] == "missing":
        return f"{setting} is not set: {change} {_FORMS.get(key, 'VALUE')}"
    if error["type"] == "is_instance_of":
        return f"{setting} is a secret and not encrypted: {change} VALUE"
    if error["type"] == _HALF_AN_ACCOUNT:
        missing = f"{SETTINGS}:{error['ctx']['missing']}"
        return f"{missing} is not set, and {error['msg']}: pulumi config set --secret {missing} VALUE"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] in (_NOT_WITH_GATEWAY, RESERVED) or _OF_A_KEY in error["loc"]:
        return f"{setting}: {message}: {removal}"
    form = _FORMS.get(key)
    fault = f"{error['input']!r} is not {form}" if form else message
    return f"{setting}: {fault}: {change} VALUE"


def _path(place: Sequence[str | int]) -> str:
    """Return a setting as `pulumi config set --path` takes it."""
    key, *inner = place
    return f"{SETTINGS}:{key}{''.join(map(_step, inner))}"


def _step(part: str | int) -> str:
    return f".{part}" if isinstance(part, str) and _PLAIN.fullmatch(part) else f"[{json.dumps(part)}]"


def _known(place: Sequence[str | int]) -> tuple[str, str]:
    """Return the settings that there are beside an unknown one, and what they are settings of."""
    settings: type[BaseModel]
    if len(place) == 1:
        settings, what = StackConfig, "key of this project"
    elif "tolerations" not in place:
        settings, what = PodSettings, "setting of pods"
    else:
        settings, what = Toleration, "field of a toleration"
    names = (field.alias or name for name, field in settings.model_fields.items())
    return ", ".join(names), what
