"""Pod specs of a cluster, preflight and serving: same image, same version, same permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from bluegrid_components.pods.quantities import share_of_cpu, share_of_memory
from bluegrid_registry import contract
from bluegrid_registry.registry_files.quantities import whole
from bluegrid_registry.registry_files.server_environment import optional_settings, served_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi
    from pulumi_kubernetes.core import v1 as core

    from bluegrid_components.cluster_args import ModelClusterArgs
    from bluegrid_components.parts import Part

MODELS_FOLDER = "/models"
"""Where pods fetch the version to."""
DRAIN_SECONDS = 5
"""How long a terminating pod still accepts requests, until the proxy stops sending them."""
GRACE_SECONDS = 30
"""Time for a terminating pod to stop, in addition to the drain and the longest request."""
START_SECONDS = 60
"""How long the program in a pod may take until it answers /live."""
_LAZY_MODELS = 0.5
"""Share of a pod's memory for models that are loaded on request."""
_REQUESTS = 0.25
"""Share of a pod's memory for the requests of all workers, in addition to the models."""
_TOPOLOGY = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
"""Node labels over whose values the pods of a cluster are spread."""
_CA_FOLDER = "/store-ca"
"""Where pods read the CA certificate of the store."""


class PodSpecs:
    """The pod specs of one cluster, or of one shard of it."""

    def __init__(self, args: ModelClusterArgs, part: Part) -> None:
        self._args, self._cluster, self._hosting, self._part = args, args.cluster, args.hosting, part

    def serving(self, peers: pulumi.Output[str] | None = None) -> core.PodSpecArgsDict:
        """Return the spec of the pods that answer predictions.

        Args:
            peers: URLs of the shards, as JSON; None: the cluster has no shards.
        """
        container: core.ContainerArgsDict = {
            **self._container("serve", {} if peers is None else {"BLUEGRID_PEERS": peers}),
            "ports": [
                {"name": "http", "container_port": contract.PORT},
                {"name": "metrics", "container_port": contract.METRICS_PORT},
            ],
            # The program answers /live as soon as it runs and /ready when the version is loaded.
            "startup_probe": self._probe("live", period=1, failures=START_SECONDS),
            "liveness_probe": self._probe("live", period=10, failures=3),
            "readiness_probe": self._probe("ready", period=1, failures=3),
            # The proxy takes a moment to see that the pod terminates; until then the pod still answers.
            "lifecycle": {"pre_stop": {"sleep": {"seconds": DRAIN_SECONDS}}},
        }
        return {
            **self._spec(container),
            # With the time limit of requests: a terminating pod finishes the requests that it has.
            "termination_grace_period_seconds": DRAIN_SECONDS + GRACE_SECONDS + self._cluster.timeout_seconds,
            "topology_spread_constraints": [self._spread(key) for key in _TOPOLOGY],
        }

    def _spread(self, topology: str) -> core.TopologySpreadConstraintArgsDict:
        name = contract.cluster_name(self._args.service, self._cluster.id)
        return {
            "topology_key": topology,
            "max_skew": 1,
            # Several pods on one node are better than pods that cannot be scheduled.
            "when_unsatisfiable": "ScheduleAnyway",
            "label_selector": {"match_labels": contract.selector(name) | self._part.labels},
        }

    def preflight(self) -> core.PodSpecArgsDict:
        """Spec of the pod that fetches, verifies and loads the version once, or logs why it cannot."""
        return {**self._spec(self._container("preflight")), "restart_policy": "Never"}

    def _spec(self, container: core.ContainerArgsDict) -> core.PodSpecArgsDict:
        volumes: list[core.VolumeArgsDict] = [
            {"name": "models", "empty_dir": {}},
            {"name": "tmp", "empty_dir": {}},
        ]
        if self._hosting.store_secret is not None and self._hosting.has_store_ca:
            item: core.KeyToPathArgsDict = {"key": contract.STORE_CA, "path": contract.STORE_CA}
            secret: core.SecretVolumeSourceArgsDict = {
                "secret_name": self._hosting.store_secret,
                "items": [item],
            }
            volumes.append({"name": "store-ca", "secret": secret})
        return {
            "service_account_name": self._hosting.service_account,
            "automount_service_account_token": False,
            "enable_service_links": False,
            "security_context": {
                "run_as_non_root": True,
                **self._hosting.pods.user(),
                "seccomp_profile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": volumes,
            **self._hosting.pods.placement(),
        }

    def _container(
        self, command: str, more: Mapping[str, pulumi.Input[str]] | None = None
    ) -> core.ContainerArgsDict:
        mounts: list[core.VolumeMountArgsDict] = [
            {"name": "models", "mount_path": MODELS_FOLDER},
            {"name": "tmp", "mount_path": "/tmp"},  # noqa: S108 - a volume of the pod
        ]
        if self._hosting.has_store_ca:
            mounts.append({"name": "store-ca", "mount_path": _CA_FOLDER, "read_only": True})
        return {
            "name": "model-server",
            "image": self._hosting.image_of(self._args.model_set),
            "image_pull_policy": "IfNotPresent",
            "args": [command],
            "env": self._env(more or {}),
            "resources": self._resources(),
            "security_context": {
                "allow_privilege_escalation": False,
                "read_only_root_filesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            # A failed pod writes the reason in one line; Pulumi shows this line to the user.
            "termination_message_policy": "FallbackToLogsOnError",
            "volume_mounts": mounts,
        }

    def _env(self, more: Mapping[str, pulumi.Input[str]]) -> list[core.EnvVarArgsDict]:
        plain: dict[str, pulumi.Input[str]] = {
            "BLUEGRID_STORE": self._hosting.store,
            **served_version(
                self._args.model_set,
                self._args.version,
                service=self._args.service,
                cluster=self._cluster.id,
            ),
            "BLUEGRID_MODELS": MODELS_FOLDER,
            "BLUEGRID_METRICS_PORT": str(contract.METRICS_PORT),
            "BLUEGRID_ADMIN_PORT": str(contract.ADMIN_PORT),
            "BLUEGRID_WORKERS": str(self._cluster.workers),
            "BLUEGRID_TIME_LIMIT": str(self._cluster.timeout_seconds),
            "BLUEGRID_REQUEST_MEMORY": str(self._memory_per_request()),
        }
        if self._cluster.load == "lazy":
            plain["BLUEGRID_LOAD"] = "lazy"
            plain["BLUEGRID_MEMORY"] = str(whole(self._cluster.memory, _LAZY_MODELS))
        if self._cluster.gpu:
            plain["BLUEGRID_GPU"] = str(self._cluster.gpu)
        plain |= optional_settings(self._args.model_set)
        if self._hosting.has_store_ca:
            # boto3 reads this variable.
            plain["AWS_CA_BUNDLE"] = f"{_CA_FOLDER}/{contract.STORE_CA}"
        if self._part.shard is not None:
            plain["BLUEGRID_SHARD"] = str(self._part.shard)
        plain |= more
        return [*({"name": name, "value": value} for name, value in plain.items()), *self._account()]

    def _account(self) -> list[core.EnvVarArgsDict]:
        secret = self._hosting.store_secret
        if secret is None or not self._hosting.has_store_account:
            return []
        return [
            {"name": key, "value_from": {"secret_key_ref": {"name": secret, "key": key}}}
            for key in contract.STORE_KEYS
        ]

    def _memory_per_request(self) -> int:
        if (declared := self._cluster.memory_per_request) is not None:
            return whole(declared)
        return whole(self._cluster.memory, _REQUESTS / self._cluster.workers)

    def _resources(self) -> core.ResourceRequirementsArgsDict:
        # Kubernetes requires equal request and limit for GPUs, so the request factor does not apply.
        gpu = {"nvidia.com/gpu": str(self._cluster.gpu)} if self._cluster.gpu else {}
        factor = self._hosting.request_factor
        return {
            "limits": {"cpu": self._cluster.cpu, "memory": self._cluster.memory} | gpu,
            "requests": {
                "cpu": share_of_cpu(self._cluster.cpu, factor),
                "memory": share_of_memory(self._cluster.memory, factor),
            }
            | gpu,
        }

    def _probe(self, health: str, *, period: int, failures: int) -> core.ProbeArgsDict:
        path = f"{contract.service_path(self._args.service)}/v2/health/{health}"
        request: dict[str, Any] = {"path": path, "port": "http"}
        if self._part.shard is not None:
            # Whether this pod is ready: a shard without pods must not take the others out of service.
            request["http_headers"] = [{"name": contract.SHARD_HEADER, "value": str(self._part.shard)}]
        return {
            "http_get": cast("core.HTTPGetActionArgsDict", request),
            "period_seconds": period,
            "failure_threshold": failures,
            "timeout_seconds": 2,
        }
