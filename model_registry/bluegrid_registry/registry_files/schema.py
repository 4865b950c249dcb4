"""One registry file, `<set>.yaml`, as typed and frozen data.

What concerns one value is checked here; what concerns several values, or several files, is in `checks.py`.
The JSON schema for editors is made from these classes, with their docstrings as its descriptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar, cast

from pydantic import (
    AwareDatetime,
    ConfigDict,
    Discriminator,
    Field,
    StrictInt,
    StringConstraints,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from bluegrid_registry.errors import ConfigError, RegistryError
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.model_types.model_type import ModelType  # noqa: TC001 - pydantic reads it at run time
from bluegrid_registry.names import ClusterId, Digest, Label, Quantity, ServiceName, Source
from bluegrid_registry.registry_files.quantities import Cpu, Memory, value_of, whole
from bluegrid_registry.registry_files.update_policy import Retraining  # noqa: TC001
from bluegrid_registry.signing.keys import PublicKey

DEFAULT_REGION = "default"
"""The key of `live` that holds for every region without a key of its own."""

SMALLEST_SHARE = 0.01
"""Of a service's requests, for a cluster that gets any: fewer could go on unseen when it is taken out."""

_COMPILED = ("scikit-learn", "xgboost", "lightgbm")
"""Frameworks whose models pods can compile."""

T = TypeVar("T")
Text = Annotated[str, StringConstraints(min_length=1)]


class TrustedKey(Frozen):
    """A public key whose owner's signature on a version is believed; `bluegrid key new` prints such a row."""

    id: Label
    """What people call the key, such as ops-2026."""
    public: Text
    """The key itself: base64 of its DER SubjectPublicKeyInfo, Ed25519 or P-256."""

    @model_validator(mode="after")
    def _is_a_key(self) -> TrustedKey:
        try:
            self.to_public_key()
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self

    def to_public_key(self) -> PublicKey:
        """Return the key to verify with."""
        return PublicKey.from_text(self.id, self.public)


class DeclaredSet(Frozen):
    """A set of models of one type, one model a device."""

    id: Label
    """Unique in the registry, and the file's name: g1 is kept in g1.yaml."""
    name: Text
    """What people call the set."""
    task: Text
    """What the models do, such as regression or classification."""
    type: ModelType
    """Framework and file type of every model in the set."""
    source: Source
    """Defined by the platform, or by one of its users."""
    update: Retraining | None = None
    """How it is trained anew, by request and by the clock; `bluegrid updates serve` does it."""
    accelerate: Literal["onnx"] | None = None
    """Compile its models to ONNX when pods load them, and use each that then answers as before."""
    trust: tuple[Text, ...] = ()
    """What its models may name beside what is harmless anyway: types in skops files, globals in pickles."""
    keys: tuple[TrustedKey, ...] = ()
    """Who may sign the set's versions; where there are any, a version without their signature is refused."""

    @field_validator("source")
    @classmethod
    def _vouches_for_code(cls, source: Source, given: ValidationInfo) -> Source:
        model_type = given.data.get("type")
        if source is not Source.PLATFORM and model_type is not None and model_type.runs_code:
            raise ValueError(
                f"{source}, but {model_type} can run its author's code; only platform sets hold it"
            )
        return source

    @field_validator("accelerate")
    @classmethod
    def _has_a_compiler(cls, accelerate: str | None, given: ValidationInfo) -> str | None:
        model_type = given.data.get("type")
        if accelerate and model_type is not None and model_type.framework not in _COMPILED:
            raise ValueError(f"compiles models of {', '.join(_COMPILED)}; these are {model_type}")
        return accelerate

    @property
    def public_keys(self) -> tuple[PublicKey, ...]:
        """The keys to verify with."""
        return tuple(key.to_public_key() for key in self.keys)


class Version(Frozen):
    """One immutable batch of the set's models."""

    id: Label
    """Unique in the set."""
    manifest: Digest
    """Digest of the version's manifest: it pins every byte that a pod serves."""
    updated: AwareDatetime
    """When the version was made, with its time zone."""


class Autoscaling(Frozen):
    """How many pods a cluster has, by how busy they are."""

    min: Annotated[StrictInt, Field(ge=1)]
    """Pods that there always are."""
    max: Annotated[StrictInt, Field(ge=1)]
    """Pods that there are at most."""
    cpu: Annotated[StrictInt, Field(ge=1)]
    """CPU that pods are to take on average, in percent of what they request."""

    @field_validator("max")
    @classmethod
    def _is_not_below_min(cls, most: int, given: ValidationInfo) -> int:
        fewest = given.data.get("min")
        if fewest is not None and most < fewest:
            raise ValueError(f"{most} is below min, which is {fewest}; swap or raise them")
        return most

    def __str__(self) -> str:
        return f"{self.min}..{self.max} pods at {self.cpu} % CPU"


class Cluster(Frozen):
    """The pods that serve one version."""

    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True)

    id: ClusterId
    """Unique in the service; Kubernetes objects are named `<service>-<cluster>`."""
    version: Label
    """The version that the cluster serves; a version has at most one cluster."""
    replicas: Annotated[StrictInt, Field(ge=0)] = 1
    """Number of pods."""
    autoscaling: Autoscaling | None = None
    """An autoscaler decides on the number of pods; `replicas` is left out then."""
    cpu: Cpu
    """CPU limit of one pod, a Kubernetes quantity."""
    gpu: Annotated[StrictInt, Field(ge=0)] = 0
    """GPU limit of one pod."""
    memory: Memory
    """Memory limit of one pod, a Kubernetes quantity."""
    load: Literal["eager", "lazy"] = "eager"
    """All models before a pod is ready, or each on its first request, in half of the pod's memory."""
    timeout_seconds: Annotated[StrictInt, Field(ge=1, le=3600)] = 4
    """Seconds that a model may take for one request; then its process is replaced and the answer is 504."""
    memory_per_request: Quantity | None = None
    """Memory that a request may take on top of the models; absent: a quarter of `memory` over the CPUs."""

    @field_validator("memory_per_request")
    @classmethod
    def _fits_into_the_pod(cls, taken: str | None, given: ValidationInfo) -> str | None:
        cpu, memory = given.data.get("cpu"), given.data.get("memory")
        if taken is None or cpu is None or memory is None:
            return taken
        workers = _workers(cpu)
        if value_of(taken) * workers >= value_of(memory):
            times = f" for each of {workers} CPUs" if workers > 1 else ""
            raise ValueError(f"{taken}{times} leaves nothing of the pod's {memory} for the models")
        return taken

    @model_validator(mode="after")
    def _has_one_who_decides(self) -> Cluster:
        # Two numbers would each look as if they held.
        if self.autoscaling is not None and "replicas" in self.model_fields_set:
            raise ValueError(
                f"{self.id} has replicas and autoscaling; keep one: an autoscaler starts with min"
            )
        return self

    @property
    def fewest_pods(self) -> int:
        """How many pods there are at least, and at first."""
        return self.autoscaling.min if self.autoscaling else self.replicas

    @property
    def workers(self) -> int:
        """Processes of a pod that models run in: one a CPU, each with one thread."""
        return _workers(self.cpu)


def _workers(cpu: str) -> int:
    return max(1, whole(cpu))


def _kind_of_live(value: object) -> Literal["everywhere", "by region"]:
    return "by region" if isinstance(value, Mapping) else "everywhere"


Live = Annotated[
    Annotated[ClusterId, Tag("everywhere")] | Annotated[Mapping[Label, ClusterId], Tag("by region")],
    Discriminator(_kind_of_live),
]


Weights = Mapping[ClusterId, Annotated[StrictInt, Field(ge=0, le=1_000_000)]]


def _kind_of_traffic(value: object) -> Literal["everywhere", "by region"]:
    is_by_region = isinstance(value, Mapping) and any(isinstance(each, Mapping) for each in value.values())
    return "by region" if is_by_region else "everywhere"


Traffic = Annotated[
    Annotated[Weights, Tag("everywhere")] | Annotated[Mapping[Label, Weights], Tag("by region")],
    Discriminator(_kind_of_traffic),
]


class Service(Frozen):
    """The online service of the set: one URL, /modelService/<name>, answered by the live cluster."""

    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True)

    name: ServiceName
    """Unique in the registry."""
    live: Live
    """The cluster that the URL reaches, or one for each region: {default: d1, north: d2}."""
    traffic: Traffic | None = None
    """Shares of the requests, {d1: 90, d2: 10}, or such shares for some regions; the live cluster has one.
    Absent: it gets all. Needs a stack with a Gateway."""
    clusters: tuple[Cluster, ...]
    """The live cluster and those that stand by."""
    standby_replicas: Annotated[StrictInt, Field(ge=0)] | None = None
    """Pods of a standby, at most its `replicas`; 0: none until a switch. Not of one with autoscaling."""
    regions: Annotated[tuple[Label, ...], Field(min_length=1)] | None = None
    """The regions that have the service; absent: all."""

    def live_in(self, region: str) -> str:
        """Return the ID of the cluster that is live in `region`."""
        if isinstance(self.live, str):
            return self.live
        return self.live.get(region, self.live[DEFAULT_REGION])

    def weights_in(self, region: str) -> dict[str, int]:
        """Return the weight of each cluster that gets requests in `region`, by ID; the live one first."""
        live, shares = self.live_in(region), self.traffic_by_region
        weights = shares.get(region, shares.get(DEFAULT_REGION, {live: 1}))
        return {live: weights[live], **{cluster: weight for cluster, weight in weights.items() if weight}}

    @property
    def traffic_by_region(self) -> Mapping[str, Weights]:
        """The shares of `traffic` by region; `default` are those of all that have no key of their own."""
        if _kind_of_traffic(self.traffic) == "by region":
            return cast("Mapping[str, Weights]", self.traffic)
        return {} if self.traffic is None else {DEFAULT_REGION: cast("Weights", self.traffic)}

    def as_run_in(self, region: str) -> tuple[Cluster, ...]:
        """Return the clusters with the replicas that they have in `region`: a standby may have fewer."""
        most, live = self.standby_replicas, self.weights_in(region)
        return tuple(
            cluster
            if most is None or cluster.id in live or cluster.autoscaling
            else cluster.model_copy(update={"replicas": min(cluster.replicas, most)})
            for cluster in self.clusters
        )

    def is_in(self, region: str) -> bool:
        """Whether `region` has the service."""
        return self.regions is None or region in self.regions

    def cluster(self, cluster_id: str) -> Cluster:
        """Return the cluster with this ID, or raise RegistryError naming those that exist."""
        declared = {cluster.id: cluster for cluster in self.clusters}
        return pick(declared, cluster_id, f"{cluster_id} is not a cluster of {self.name}")


class RegistryFile(Frozen):
    """A model set, its versions and its online service: one file of the bluegrid registry."""

    set: DeclaredSet
    versions: tuple[Version, ...]
    """Every version of the set that may be served."""
    service: Service | None = None
    """The set's one online service; absent: the set is not online."""

    def version(self, version_id: str) -> Version:
        """Return the version with this ID, or raise RegistryError naming those that exist."""
        declared = {version.id: version for version in self.versions}
        return pick(declared, version_id, f"set {self.set.id} has no version {version_id}")


def pick(declared: Mapping[str, T], name: str, otherwise: str) -> T:
    """Return what has this name, or raise RegistryError naming those that exist."""
    if name not in declared:
        raise RegistryError(f"{otherwise}; declared: {', '.join(declared) or 'none'}")
    return declared[name]
