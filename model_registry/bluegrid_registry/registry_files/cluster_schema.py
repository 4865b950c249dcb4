"""A row of `clusters:` in a registry file, as typed and frozen data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StrictInt, ValidationInfo, field_validator, model_validator
from pydantic.alias_generators import to_camel

from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import ClusterId, Label, Quantity  # noqa: TC001 - pydantic reads these at run time
from bluegrid_registry.registry_files.quantities import Cpu, Memory, value_of, whole


class Autoscaling(Frozen):
    """How many pods a cluster has, by how busy they are."""

    min: Annotated[StrictInt, Field(ge=1)]
    """Pods that there always are."""
    max: Annotated[StrictInt, Field(ge=1)]
    """Pods that there are at most."""
    cpu: Annotated[StrictInt, Field(ge=1)]
    """CPU that pods take on average, in percent of what they request."""

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
        # With both, it would not be clear which one holds.
        if self.autoscaling is not None and "replicas" in self.model_fields_set:
            raise ValueError(
                f"{self.id} has replicas and autoscaling; keep one: an autoscaler starts with min"
            )
        return self

    @property
    def fewest_pods(self) -> int:
        """The number of pods at least, and at first."""
        return self.autoscaling.min if self.autoscaling else self.replicas

    @property
    def workers(self) -> int:
        """Processes of a pod that run models: one per CPU, each with one thread."""
        return _workers(self.cpu)


def _workers(cpu: str) -> int:
    return max(1, whole(cpu))
