"""Settings of a pod, from its environment variables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from bluegrid_registry.contract import PORT
from bluegrid_registry.errors import ConfigError
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.model_types.model_type import ModelType  # noqa: TC001 - pydantic reads it
from bluegrid_registry.names import ClusterId, Digest, Label, ServiceName, Source, Text
from bluegrid_registry.shards import Shard
from bluegrid_registry.signing.trusted_key import TrustedKey  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "BLUEGRID_"


def _from_json(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from None


def _shard(value: object) -> object:
    return Shard.parse(value) if isinstance(value, str) else value


def _text(shard: Shard | None) -> str | None:
    return None if shard is None else str(shard)


_JSON = BeforeValidator(_from_json)
HttpAddress = Annotated[str, StringConstraints(pattern=r"^http://[^/\s?#]+$")]


class Settings(Frozen):
    """One cluster's version and names; each field is the environment variable `BLUEGRID_<FIELD>`."""

    store: Text
    """URL of the store."""
    set: Label
    version: Label
    manifest: Digest
    """Digest of the version's manifest, so that the pod serves exactly what was approved."""
    type: ModelType
    service: ServiceName
    cluster: ClusterId
    source: Source = Source.PLATFORM
    """Owner of the set: the platform, or a user, whose models are trusted less."""
    trust: Annotated[tuple[Text, ...], _JSON] = ()
    """Skops types or pickle globals that the set trusts beside the allowlist, as JSON."""
    outputs: Annotated[tuple[Text, ...], _JSON] = ()
    """Outputs for requests that name none, as JSON; without, what a model gives by default."""
    non_finite: Literal["null", "refuse"] = "null"
    """What becomes of an output that is not finite: null in JSON, or an error."""
    signature: Text | None = None
    """Signature of SavedModels to serve."""
    keys: Annotated[tuple[TrustedKey, ...], _JSON] = ()
    """Keys that can sign the version, as JSON; without keys, the version need not be signed."""
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Port of the metrics for Prometheus; 0: none."""
    host: Text | None = None
    """Address to listen on; None: all addresses of the pod."""
    port: Annotated[int, Field(ge=1, le=65535)] = PORT
    """Port for predictions."""
    admin_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Port at which models are loaded and unloaded, on loopback only; 0: none."""
    load: Literal["eager", "lazy"] = "eager"
    """Load all models at the start, or each on its first request."""
    accelerate: Literal["onnx", "none"] | None = None
    """Compile no models, or to ONNX as far as needed; None: as far as this image can.

    A compiled model is used if it answers as the original does.
    """
    memory: Annotated[int, Field(gt=0)] | None = None
    """Maximum memory of lazily loaded models, in bytes; the least recently used are dropped."""
    request_memory: Annotated[int, Field(gt=0)] = 512 * 2**20
    """Memory that a worker may use on top of its models while it answers, in bytes."""
    time_limit: Annotated[float, Field(gt=0)] = 4.0
    """Maximum time of a model for one request, in seconds; a process that takes longer is replaced."""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Number of worker processes; one a CPU core."""
    gpu: Annotated[int, Field(ge=0)] = 0
    """Number of GPUs of the pod; each worker uses one of them."""
    shard: Annotated[Shard | None, BeforeValidator(_shard), PlainSerializer(_text)] = None
    """The part of the version that this pod has, such as 0/3; None: all of it."""
    peers: Annotated[tuple[HttpAddress, ...], _JSON, Field(validate_default=True)] = ()
    """URLs of all shards' Services, by index, as JSON; without, requests for other shards are refused."""
    models: Path = Path("/models")
    """Folder of the models' files, deleted with the pod."""

    @field_validator("peers")
    @classmethod
    def _are_one_for_each_shard(cls, peers: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        shard = info.data.get("shard")
        if peers and len(peers) != (shard.count if shard else 0):
            raise ValueError(f"{len(peers)} addresses, and BLUEGRID_SHARD is {shard or 'not set'}")
        return peers

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises:
            ConfigError: with all mistakes on one line.
        """
        named = {
            field: environ[_PREFIX + field.upper()]
            for field in cls.model_fields
            if _PREFIX + field.upper() in environ
        }
        try:
            return cls.model_validate(named)
        except ValidationError as error:
            mistakes = "; ".join(
                f"{_PREFIX}{str(mistake['loc'][0]).upper()}: {_in_words(mistake['type'], mistake['msg'])}"
                for mistake in error.errors()
            )
            raise ConfigError(f"{mistakes}; the pod's environment sets these variables") from None

    @property
    def refuses_non_finite(self) -> bool:
        """Whether an output that is not finite is an error."""
        return self.non_finite == "refuse"

    @property
    def place(self) -> str:
        """Set and version, as messages name them."""
        return f"set {self.set} version {self.version}"


def _in_words(kind: str, message: str) -> str:
    return "is not set" if kind == "missing" else message.removeprefix("Value error, ")
