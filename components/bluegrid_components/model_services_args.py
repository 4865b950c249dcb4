"""Arguments of all services of a region: typed and frozen, with defaults."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads these
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, LiteralString

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StrictInt,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel, to_snake
from pydantic_core import PydanticCustomError

from bluegrid_components.fingerprint import fingerprint
from bluegrid_components.pods.metadata_types import Annotations  # noqa: TC001 - pydantic reads it
from bluegrid_components.pods.settings import PodSettings
from bluegrid_components.routes.gateway import Gateway
from bluegrid_components.routes.ingress import IngressClass
from bluegrid_registry import Sizes
from bluegrid_registry.contract import NAMESPACE, OF_PLATFORM, SETTINGS
from bluegrid_registry.names import Quantity  # noqa: TC001 - pydantic reads it
from bluegrid_registry.registry_files.server_images import image_families

if TYPE_CHECKING:
    from bluegrid_components.routes.route import Proxy

NOT_WITH_GATEWAY: LiteralString = "not_with_gateway"
"""Type of the error for a setting that cannot be set together with a Gateway."""
ONLY_WITH_GATEWAY: LiteralString = "only_with_gateway"
"""Type of the error for a setting that needs a Gateway."""
HALF_AN_ACCOUNT: LiteralString = "half_an_account"
"""Type of the error for a store account with only one of its two keys."""
UNKNOWN_FAMILY: LiteralString = "unknown_family"
"""Type of the error for an image of a family that no model type has."""
ONLY_WITH_OWN_PLATFORM: LiteralString = "only_with_own_platform"
"""Type of the error for a setting that the stack which makes the platform has."""
NO_IMAGE: LiteralString = "no_image"
"""Type of the error for pods without an image."""

Text = Annotated[str, StringConstraints(min_length=1, pattern=r"^\S+$")]
Domain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=200)]
GatewayName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+/[a-z0-9.-]+(/[a-z0-9.-]+)?$")]
NamespaceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=63)]
HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s?#]+/?$")]

# A default in `Pulumi.yaml` must have the key's type, so an empty text means None.
_NONE_IF_EMPTY = BeforeValidator(lambda value: None if value == "" else value)


def _family(name: str) -> str:
    if name not in (known := image_families()):
        raise PydanticCustomError(
            UNKNOWN_FAMILY,
            "no model type has this family; families: {known}; bluegrid:image is for all others",
            {"known": ", ".join(known)},
        )
    return name


class ModelServicesArgs(BaseModel):
    """Arguments of a region's services; a stack's settings have the same names in camelCase.

    Attributes:
        registry: folder of the registry's files.
        region: region whose services are made.
        kube_context, kubeconfig: context and file to deploy to; kubeconfig None: where kubectl looks.
        namespace: Kubernetes namespace to make for the services.
        platform: stack whose platform (namespace, quota, network policy, ServiceAccount and Secret) is used;
            None: the platform is made.
        store: URL from which pods fetch versions, `s3://bucket/prefix?endpoint=URL&region=NAME`.
        store_access_key, store_secret_key: keys of the account with which pods read the store; None: pods
            use their own cloud identity, by the ServiceAccount.
        service_account_annotations: annotations of the pods' ServiceAccount, such as
            `eks.amazonaws.com/role-arn`.
        store_ca_bundle: file with the CA certificate that pods trust for the store; None: public CAs.
        images: images of the model server by family of frameworks, such as `scikit-learn`, preferably by
            digest; sets of other families have `image`.
        image: image of the model server for all sets that `images` has none for; None: there are none.
        pods: node placement, user, labels and annotations of all pods.
        gateway: Gateway that serves the routes, `namespace/name` or `namespace/name/listener`; None: the
            controller of ingress_class does.
        gateway_timeout: seconds after which the Gateway's proxy ends a request; None: its default.
        ingress_class: Ingress class whose controller serves the routes; None: the Gateway does.
        route_annotations: annotations of all routes.
        host: host name of the services; None: any.
        tls_secret: Secret with the host's certificate; None: no TLS, or the Gateway's own.
        proxy_namespace: namespace of the proxy's pods, which alone may request predictions; None: any may.
        route_key: random text that makes the hosts of standing routes unguessable.
        route_address: URL at which this program reaches the proxy; None: a switch is not proven.
        standing_domain: domain of the standing routes' hosts.
        request_factor: resource requests as a share of the limits, above 0 and at most 1.
        ready_timeout: seconds in which a version must be fetched, loaded and answering.
        size_factor, replicas: changes of the registry's numbers of pods; see `bluegrid_registry.Sizes`.
        quota_cpu, quota_memory, quota_pods: limits for the requests of all pods together; None: no limit.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_alias=True, validate_by_name=True
    )

    registry: Path = Path("registry")
    region: Annotated[str, StringConstraints(min_length=1)]
    kube_context: Text
    kubeconfig: Annotated[Path | None, _NONE_IF_EMPTY] = None
    namespace: NamespaceName = NAMESPACE
    platform: Annotated[Text | None, _NONE_IF_EMPTY] = None
    store: Annotated[str, StringConstraints(pattern=r"^s3://[^/\s?]+")]
    store_access_key: SecretStr | None = None
    store_secret_key: Annotated[SecretStr | None, Field(validate_default=True)] = None
    service_account_annotations: Annotations = {}
    store_ca_bundle: Annotated[Path | None, _NONE_IF_EMPTY] = None
    images: Mapping[Annotated[str, AfterValidator(_family)], Text] = {}
    image: Annotated[Text | None, _NONE_IF_EMPTY, Field(validate_default=True)] = None
    pods: PodSettings = PodSettings()
    gateway: Annotated[GatewayName | None, _NONE_IF_EMPTY] = None
    gateway_timeout: Annotated[Annotated[int, Field(gt=0)] | None, _NONE_IF_EMPTY] = None
    ingress_class: Annotated[Text | None, _NONE_IF_EMPTY, Field(validate_default=True)] = None
    route_annotations: Annotations = {}
    host: Annotated[Domain | None, _NONE_IF_EMPTY] = None
    tls_secret: Annotated[Text | None, _NONE_IF_EMPTY] = None
    proxy_namespace: Annotated[NamespaceName | None, _NONE_IF_EMPTY] = None
    route_key: SecretStr
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
    def _has_both_store_keys(cls, secret_key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        access_key = info.data.get("store_access_key")
        if "store_access_key" in info.data and (access_key is None) != (secret_key is None):
            missing, present = ("storeAccessKey", "storeSecretKey")[:: 1 if access_key is None else -1]
            raise PydanticCustomError(
                HALF_AN_ACCOUNT,
                "{present} is set; set both, or neither where pods have an identity of their own",
                {"missing": missing, "present": f"{SETTINGS}:{present}"},
            )
        return secret_key

    @field_validator("image")
    @classmethod
    def _has_an_image(cls, image: str | None, info: ValidationInfo) -> str | None:
        if image is None and not info.data.get("images", True):
            raise PydanticCustomError(NO_IMAGE, "set it, or bluegrid:images by family of frameworks")
        return image

    @field_validator("ingress_class")
    @classmethod
    def _is_set_instead_of_gateway(cls, name: str | None, info: ValidationInfo) -> str | None:
        gateway = info.data.get("gateway")
        if name is not None and gateway is not None:
            raise PydanticCustomError(
                NOT_WITH_GATEWAY, "the routes attach to bluegrid:gateway; keep one of the two"
            )
        if name is None and "gateway" in info.data and gateway is None:
            raise ValueError("no proxy answers for the routes; set it, or bluegrid:gateway")
        return name

    @field_validator("gateway_timeout")
    @classmethod
    def _has_a_gateway(cls, seconds: int | None, info: ValidationInfo) -> int | None:
        if seconds is not None and "gateway" in info.data and info.data["gateway"] is None:
            raise PydanticCustomError(
                ONLY_WITH_GATEWAY, "Ingresses have annotations for it; set bluegrid:routeAnnotations"
            )
        return seconds

    @field_validator("tls_secret")
    @classmethod
    def _has_a_host(cls, secret: str | None, info: ValidationInfo) -> str | None:
        if secret is not None and info.data.get("gateway") is not None:
            raise PydanticCustomError(
                NOT_WITH_GATEWAY, "the listeners of bluegrid:gateway have the certificates"
            )
        if secret is not None and info.data.get("host") is None:
            raise ValueError("a certificate needs a host name; set bluegrid:host too")
        return secret

    @field_validator(*map(to_snake, OF_PLATFORM))
    @classmethod
    def _has_own_platform(cls, value: object, info: ValidationInfo) -> object:
        if value and (owner := info.data.get("platform")):
            raise PydanticCustomError(
                ONLY_WITH_OWN_PLATFORM,
                "the platform is that of stack {owner}, whose settings say this",
                {"owner": owner},
            )
        return value

    @property
    def store_ca(self) -> str | None:
        """The CA certificate that pods trust for the store, PEM."""
        return self.store_ca_bundle.read_text() if self.store_ca_bundle else None

    @property
    def store_mark(self) -> str:
        """The fingerprint of the store's credentials and CA; it reveals nothing, so it is not a secret."""
        account = (key and key.get_secret_value() for key in (self.store_access_key, self.store_secret_key))
        return fingerprint(
            self.route_key.get_secret_value(), *(key or "" for key in account), self.store_ca or ""
        )

    @property
    def proxy(self) -> Proxy:
        """The maker of the routes: Gateway or Ingress class."""
        if self.gateway:
            return Gateway.parse(self.gateway, self.gateway_timeout)
        return IngressClass(self.ingress_class or "")

    @property
    def sizes(self) -> Sizes:
        """The region's changes of the registry's numbers of pods."""
        return Sizes(self.size_factor, self.replicas)

    @property
    def quota(self) -> dict[str, str]:
        """The quotas that are set, by resource name in a ResourceQuota."""
        limits = {
            "requests.cpu": self.quota_cpu,
            "requests.memory": self.quota_memory,
            "pods": self.quota_pods,
        }
        return {resource: str(limit) for resource, limit in limits.items() if limit is not None}
