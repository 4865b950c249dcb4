"""What is set by the pod's environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError

from bluegrid_registry.errors import ConfigError
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.model_types.model_type import ModelType  # noqa: TC001 - pydantic reads these at run time
from bluegrid_registry.names import ClusterId, Digest, Label, ServiceName, Source
from bluegrid_registry.registry_files.model_set_schema import Text, TrustedKey  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "BLUEGRID_"


def _from_json(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"is no JSON: {error}") from None


_JSON = BeforeValidator(_from_json)


class Settings(Frozen):
    """One cluster's version and names; each field is the environment variable `BLUEGRID_<FIELD>`."""

    store: Text
    """URL of the store."""
    set: Label
    version: Label
    manifest: Digest
    """Digest of the version's manifest: what was approved is what is served."""
    type: ModelType
    service: ServiceName
    cluster: ClusterId
    source: Source = Source.PLATFORM
    """Whose set it is; of a user's, less is trusted."""
    trust: Annotated[tuple[Text, ...], _JSON] = ()
    """What the set trusts beside what is known to be harmless, as JSON: skops types, pickle globals."""
    keys: Annotated[tuple[TrustedKey, ...], _JSON] = ()
    """Who may have signed the version, as JSON; none: it need not be signed."""
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Where Prometheus asks; 0: nowhere."""
    admin_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Where models are loaded and unloaded, on loopback only; 0: nowhere."""
    load: Literal["eager", "lazy"] = "eager"
    """All models at the start, or each on its first request."""
    accelerate: Literal["onnx"] | None = None
    """Compile the models; each that then answers as before runs so."""
    memory: Annotated[int, Field(gt=0)] | None = None
    """Bytes that all models may take when they are loaded on request; the least recently used go."""
    request_memory: Annotated[int, Field(gt=0)] = 512 * 2**20
    """Bytes that a worker may take on top of its models while it answers."""
    time_limit: Annotated[float, Field(gt=0)] = 4.0
    """Seconds that a model may take for one request; the process that takes longer is replaced."""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Processes that models run in; one a CPU core."""
    gpu: Annotated[int, Field(ge=0)] = 0
    """GPUs of the pod; the workers share them out."""
    models: Path = Path("/models")
    """Folder for the models' files; they go with the pod."""

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
    def place(self) -> str:
        """How messages name what is served."""
        return f"set {self.set} version {self.version}"


def _in_words(kind: str, message: str) -> str:
    return "is not set" if kind == "missing" else message.removeprefix("Value error, ")
