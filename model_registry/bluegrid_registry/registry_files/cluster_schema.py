"""Schema of an item of `clusters:` in a registry file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StrictInt, ValidationInfo, field_validator, model_validator
from pydantic.alias_generators import to_camel

from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import ClusterId, Label, Quantity  # noqa: TC001 - pydantic reads these at run time
from bluegrid_registry.registry_files.quantities import Cpu, Memory, value_of, whole
from bluegrid_registry.shards import MAX_SHARDS


class Autoscaling(Frozen):
    """Scales the number of a cluster's pods by their CPU usage."""

    min: Annotated[StrictInt, Field(ge=1)]
    """Minimum number of pods."""
    max: Annotated[StrictInt, Field(ge=1)]
    """Maximum number of pods."""
    cpu: Annotated[StrictInt, Field(ge=1)]
    """Target CPU usage of the pods on average, in percent of their CPU request."""

    @field_validator("max")
    @classmethod
    def _is_not_below_min(cls, most: int, info: ValidationInfo) -> int:
        fewest = info.data.get("min")
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
    """Limits of an autoscaler, in place of `replicas`."""
    cpu: Cpu
    """CPU limit of one pod, a Kubernetes quantity."""
    gpu: Annotated[StrictInt, Field(ge=0)] = 0
    """GPU limit of one pod."""
    memory: Memory
    """Memory limit of one pod, a Kubernetes quantity."""
    shards: Annotated[StrictInt, Field(ge=1, le=MAX_SHARDS)] = 1
    """Parts of a version that is larger than a pod, by a hash of the UIDs. Each part has a Deployment of
    `replicas` pods. The number never changes: to change it, add another cluster, and switch."""
    load: Literal["eager", "lazy"] = "eager"
    """Load all models before a pod is ready, or each on its first request, in half of the pod's memory."""
    timeout_seconds: Annotated[StrictInt, Field(ge=1, le=3600)] = 4
    """Time limit of a model for one request; beyond it, its process is replaced and the answer is 504."""
    memory_per_request: Quantity | None = None
    """Memory of a request in addition to the models; absent: a quarter of `memory` over the CPUs."""

    @field_validator("memory_per_request")
    @classmethod
    def _fits_into_the_pod(cls, taken: str | None, info: ValidationInfo) -> str | None:
        cpu, memory = info.data.get("cpu"), info.data.get("memory")
        if taken is None or cpu is None or memory is None:
            return taken
        workers = _workers(cpu)
        if value_of(taken) * workers >= value_of(memory):
            times = f" for each of {workers} CPUs" if workers > 1 else ""
            raise ValueError(f"{taken}{times} leaves nothing of the pod's {memory} for the models")
        return taken

    @model_validator(mode="after")
    def _has_replicas_or_autoscaling(self) -> Cluster:
        # With both, it would not be clear which of them applies.
        if self.autoscaling is not None and "replicas" in self.model_fields_set:
            raise ValueError(
                f"{self.id} has replicas and autoscaling; keep one: an autoscaler starts with min"
            )
        return self

    @property
    def fewest_pods(self) -> int:
        """The minimum number of pods, which is also the first number."""
        return self.autoscaling.min if self.autoscaling else self.replicas

    @property
    def workers(self) -> int:
        """Number of a pod's processes that run models: one per CPU, each with one thread."""
        return _workers(self.cpu)


def _workers(cpu: str) -> int:
    return max(1, whole(cpu))
